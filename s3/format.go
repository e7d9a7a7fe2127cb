package s3

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// An Input is an object's text, from where the ledger says.
type Input struct {
	Text   io.Reader
	Stream *stream.Stream
	Door   string // the origin of the events
	First  uint64 // number of the first record that comes, from 1
	State  string // what State returned at the last checkpoint; "" is the beginning

	// BatchBytes is how much text a batch takes before it ends, but for its last
	// record; 0 means 1 MiB.
	BatchBytes int
}

// A Cutter cuts a text into batches. Where a batch ends must depend on the text
// alone, and begin anew at each batch.
type Cutter interface {
	// Next makes b the next records, those it cannot decode already rejected,
	// and returns how many bytes of text they took. b may have none. Its error
	// is io.EOF at the end. What b held before is no longer valid.
	Next(b *penstock.Batch) (bytes int64, err error)

	// State is what a Cutter needs to go on behind the last batch.
	State() string
}

// A Format is a way to write records.
type Format func(Input) (Cutter, error)

// The limits of a batch. A record is no longer than the largest batch.
const (
	batchBytesMax  = 1 << 20
	batchEventsMax = 4096
)

// errMalformed is a text that nobody can make anything of, so that trying again
// is no use.
var errMalformed = errors.New("the object cannot be read")

// guess tells the format from the beginning of the text.
func (d *Door) guess(key string, head []byte) (string, error) {
	head = bytes.TrimLeft(head, " \t\r\n")
	line, _, _ := bytes.Cut(head, []byte("\n"))
	switch {
	case bytes.HasPrefix(head, []byte(magicUnread1)), bytes.HasPrefix(head, []byte(magicUnread2)):
		return "", fmt.Errorf("%w: it is UTF-16; write UTF-8", errMalformed)
	case len(head) == 0 || head[0] == '{' || head[0] == '[' && linesBegin(head):
		return formatLines, nil
	case head[0] == '[':
		return formatArray, nil
	case namesLines(key):
		return formatLines, nil // of which the first is no record
	case bytes.IndexByte(line, 0) >= 0:
		return "", fmt.Errorf("%w: it is no text, it begins %q", errMalformed, head[:min(len(head), 40)])
	case d.o.Formats["csv"] != nil:
		return "csv", nil
	}
	return "", fmt.Errorf("%w: %s is neither JSON lines nor a JSON array, it begins %q", errMalformed, key, head[:min(len(head), 40)])
}

// linesBegin reports whether the text, which begins with [, is lines all the
// same: the first is whole, and another one is behind it.
func linesBegin(head []byte) bool {
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && (rest[0] == '{' || rest[0] == '[') && json.Valid(line)
}

// namesLines reports whether the key calls the object JSON lines.
func namesLines(key string) bool {
	name := strings.ToLower(key)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst")
	return strings.HasSuffix(name, ".jsonl") || strings.HasSuffix(name, ".ndjson")
}

// format finds a format by its name.
func (d *Door) format(name string) (Format, error) {
	switch {
	case name == formatLines || name == formatArray:
		return func(in Input) (Cutter, error) { return newJSON(in, name == formatArray), nil }, nil
	case d.o.Formats[name] != nil:
		return d.o.Formats[name], nil
	}
	return nil, fmt.Errorf("there is no format %q; there are %s", name, strings.Join([]string{formatLines, formatArray, "csv"}, ", "))
}
