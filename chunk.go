package penstock

import "context"

// A Chunk is a part of a source that is loaded as a whole: its rows and its
// entry in the ledger of the target database are one transaction, so it is
// there once or not at all, whoever loads it and however often. Job, Source and
// Start are its name.
type Chunk struct {
	Job    string // what all loaders of one job have in common; at most 200 bytes
	Source string // the file, as the job knows it
	Start  int64  // byte in the source where the chunk begins
	Length int64  // bytes
	First  uint64 // number of its first record in the source
	Count  int64  // records in it, those rejected included

	// Rejects is how many of its records are rejected, as the ledger has it.
	Rejects int64

	// Loader is who has put it into the ledger, as the ledger has it: what other
	// loaders know of the chunk does not count.
	Loader string
}

// ChunkState is how far a chunk has come.
type ChunkState uint8

// The states of a chunk.
const (
	ChunkFree  ChunkState = iota // nobody else has it in work, as far as is known
	ChunkTaken                   // another loader has it in work
	ChunkDone                    // it is in the ledger
)

// Finished is what the end of a load found. Where the primary key is made last,
// rows that have the same one show only then: none of them is in the table any
// more, and those of the input for which Again is true are loaded once more, in
// the input's order and one after the other. The first of each key is taken
// then, and the others are refused with code unique.
type Finished struct {
	Doubled int                         // keys that stood in the input more than once
	Removed int64                       // rows that had them
	Again   func(e *Event) bool         // whether the event has such a key; never nil
	Forget  func(context.Context) error // call it once their rows are loaded: until then finishing again finds the same
}

// TableMode says what becomes of rows whose primary key is in the table.
type TableMode uint8

// The modes. The zero TableMode changes no row that is there.
const (
	Append  TableMode = iota // such a row is refused, with code unique
	Upsert                   // of two rows, the one with the later time stays
	Replace                  // the load takes the place of all that was in the table, at its end
)

var tableModes = [...]string{"append", "upsert", "replace"}

// String is the mode's name on the command line.
func (m TableMode) String() string { return tableModes[m] }

// ParseTableMode reads a mode's name.
func ParseTableMode(name string) (TableMode, bool) {
	for m, n := range tableModes {
		if n == name {
			return TableMode(m), true
		}
	}
	return Append, false
}
