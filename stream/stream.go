// Package stream compiles a stream file: one kind of event, described once, and
// judged the same at every door.
//
//	streams, err := stream.Load("examples/orders")   // a file or a folder of files
//	s := streams[0]
//	d := s.NewDecoder()
//	n, err := d.Decode(raw, e)                       // JSON bytes to values
//	steps := []penstock.Step{s.Check, s.Derive, s.Identify, lookups, s.Encode}
//
// Everything is compiled at start, and every mistake in the file is an error
// with file and line that says what to write instead. Nothing of the schema is
// ever silently ignored: what the fast checks do not cover is judged by a full
// JSON Schema validator, and Slow says so.
package stream

import (
	"time"

	"github.com/penstock-io/penstock"
)

// A Type is what a field holds once decoded.
type Type uint8

// The types. Any keeps what came: text as Text, a number as Int if it is one
// that fits and as Number if not.
const (
	Any     Type = iota
	Bool         // schema type boolean
	Int          // schema type integer: Int, or Number beyond int64
	Decimal      // format decimal(p,s): exact, at most p digits, s of them after the point; p at most 18
	Number       // schema type number: the literal is kept as it is
	Time         // format date-time: an instant to the nanosecond
	Text         // schema type string
	JSON         // schema type object or array: the bytes are kept as they are
)

var fieldTypeNames = [...]string{"any value", "a boolean", "an integer", "a decimal", "a number", "a time", "text", "an object or array"}

// String says what the type holds, as messages do.
func (t Type) String() string { return fieldTypeNames[t] }

// A Field is one column of the stream's flat row.
type Field struct {
	Name string
	Type Type

	// Precision and Scale are p and s of decimal(p,s).
	Precision, Scale uint8

	// FromText and FromNumber say which JSON forms a Decimal may be written
	// in, as its schema's type allows: "12.50", 12.50, or both.
	FromText, FromNumber bool
}

// A Stream is one kind of event and its rules, compiled. It never changes, so
// any number of goroutines may use it; a changed file makes a new Stream.
type Stream struct {
	Name    string
	Version string // first 12 hex digits of the SHA-256 of the stream file and all it includes
	File    string // where it was read from, for messages

	// Fields is the row: Fields[:Declared] are the schema's properties in its
	// order and hold what was received; behind them one slot for each derived
	// field, then one for each field a look-up adds. A derivation never writes
	// over what was received: where it has the name of an earlier field, its
	// slot is the one that Field finds and Encode writes.
	Fields   []Field
	Declared int

	ID      []int    // slots that make up the identity; empty: the door gives one
	Key     int      // slot of the key, -1 when there is none
	Time    int      // slot of the time, -1 when there is none
	Lookups []Lookup // what enrich is to ask
	Topic   string   // Kafka topic; by default the stream's name
	Table   Table    // target table of the SQL sinks
	Reads   []*Read  // how the table may be read by HTTP
	Ack     penstock.Ack
	Rejects bool     // keep rejects in Topic + ".rejects"
	Slow    []string // keywords that send every document to the full validator; empty on the fast path

	rules
	codec
}

// A Table is where SQL sinks put the stream's records.
type Table struct {
	Name       string
	PrimaryKey []int // slots; by default the identity's
}

// A Lookup is one question that enrichment asks of other data, as declared in
// the stream file and checked. Package enrich carries it out.
type Lookup struct {
	Name string
	Line int // of the stream's File, where the source stands

	// Exactly one of File, SQL and HTTP is set.
	File string // CSV or JSON file, resolved against the stream file's folder
	SQL  *SQLLookup
	HTTP *HTTPLookup

	Match                     int     // slot of the value that is looked up
	Column                    string  // File: the column (or member) that Match must equal
	Add                       []Added // what the answer adds
	Missing                   Policy  // no answer: PolicyPass, PolicyReject or PolicyDefault
	OnError                   Policy  // the source fails: PolicyPass, PolicyReject or PolicyRetry
	TTL, NegativeTTL, Timeout time.Duration
	Capacity                  int // answers kept at most
}

// SQLLookup is one query with one bound parameter, `select country, tier from customers where user_id = $1`.
type SQLLookup struct {
	DSN   string // postgres://… or sqlite:FILE; ${NAME} takes an environment variable
	Query string
}

// HTTPLookup is one GET that answers with a JSON object; {} in the URL takes the escaped value.
type HTTPLookup struct {
	URL     string
	Retries int // beyond the first try, 0 to 5
}

// Added is one field that a look-up adds: the answer's member or column From
// goes to Slot; Default is used by PolicyDefault.
type Added struct {
	From    string
	Slot    int
	Default penstock.Value
}

// A Policy says what becomes of an event whose look-up has no good answer.
type Policy uint8

// The policies. PolicyPass leaves the fields absent.
const (
	PolicyPass Policy = iota
	PolicyReject
	PolicyDefault
	PolicyRetry
)
