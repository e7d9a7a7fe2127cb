// Package finding is what the checker says: a rule broken, where, how sure, the
// story that leads there, and the edits that mend it.
//
//	f := finding.Finding{Rule: "lock-order", Level: finding.Certain, At: span}
//	f.Fixes = append(f.Fixes, finding.Fix{Title: "take lock_a first", Edits: edits})
//	text, err := finding.Apply(file.Text, edits)
package finding

import (
	"fmt"
	"slices"

	"github.com/penstock-io/penstock/check/ir"
)

// Level is how sure a finding is. The zero Level only notes.
type Level uint8

// The levels. Certain and Likely make a check fail.
const (
	Note     Level = iota // worth knowing, nothing to do
	Possible              // rests on a guessed call or an unknown object
	Likely                // everything is seen but that the threads meet, or that the value is hostile
	Certain               // every step is seen
)

var levelNames = [...]string{"note", "possible", "likely", "certain"}

// String is the level's name in output.
func (l Level) String() string { return levelNames[l] }

// Fails reports whether a finding of the level makes the check fail.
func (l Level) Fails() bool { return l >= Likely }

// A Finding is one rule broken at one place.
type Finding struct {
	Rule    string
	Level   Level
	At      ir.Span
	Message string    // one line, no full stop
	Key     string    // stays equal while lines move: for baselines
	Fault   string    // equal for the ways that lead to one fault at one place; "" when there is one
	Steps   []Step    // the story, in order; for locks the interleaving
	Why     []string  // sentences: why neither can go on, what an attacker sends
	Threads []string  // the column heads of the interleaving, nil when there is one thread
	Related []ir.Span // other places the rule is about
	Fixes   []Fix     // best first; verified before they are shown
	Advice  []string  // what to do when no fix can be made, or beside it
	NoFix   string    // why there is none, where one could be hoped for: a part of a sentence
}

// A Step is one line of the story.
type Step struct {
	Thread int // index in Threads; 0 when there is one thread
	At     ir.Span
	Text   string    // takes lock_a; waits for lock_b, held by T2
	Via    []ir.Span // the call chain from the thread's start to At, outermost first
	Names  []string  // the functions of that chain
}

// Tier is how safe a fix is. The zero Tier is the safest.
type Tier uint8

// The tiers.
const (
	Safe   Tier = iota // same behaviour but for the fault: --fix
	Unsafe             // changes more, the text says what: --unsafe-fixes
)

// A Fix is a set of edits that mends a finding.
type Fix struct {
	Title string
	Tier  Tier
	Edits []Edit
	Note  string // what else changes, for Unsafe
}

// An Edit replaces a span by text. Start == End inserts.
type Edit struct {
	Span ir.Span
	New  string
}

// Doubt is why a fix that binds the value is not a safe one, "" when it is.
func (m Making) Doubt() string {
	switch {
	case m.By != "":
		return "the source of " + m.By + " was not read: if it escapes or quotes the value, that is now done twice"
	case m.Via != "":
		return "not all that " + m.Via + " is given is seen: if somebody escapes or quotes the value, or gives it SQL, that is another value now"
	}
	return ""
}

// Apply returns text with the edits made. The edits must all be of that text's
// file and must not overlap.
func Apply(text []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return a.Span.Start - b.Span.Start })
	var out []byte
	done := 0
	for _, e := range sorted {
		if e.Span.Start < done || e.Span.End < e.Span.Start || e.Span.End > len(text) {
			return nil, fmt.Errorf("edits overlap or leave the file at byte %d", e.Span.Start)
		}
		out = append(out, text[done:e.Span.Start]...)
		out = append(out, e.New...)
		done = e.Span.End
	}
	return append(out, text[done:]...), nil
}

// A Mender writes fixes in one language. Its edits are tried on a copy, read
// and checked again before anyone sees them, so it may offer what is likely
// right; it answers false when it has nothing to offer.
type Mender interface {
	// Reorder makes the lock of second be taken before that of first, where
	// first is held when second is taken and both are in one function.
	Reorder(first, second *ir.Acquire) (Fix, bool)
	// Bind turns the holes of a query into bound parameters. The Note of a fix that
	// it does not offer says why.
	Bind(r Rewrite) (Fix, bool)
}

// Context is the place in SQL where a hole stands.
type Context uint8

// The contexts. A parameter is possible up to Limit.
const (
	Value      Context = iota // a bare value: id = {x}
	Quoted                    // all of a quoted string: '{x}'
	Partial                   // part of a quoted string: 'a{x}b', LIKE '%{x}%'
	InList                    // a joined list: IN ({xs})
	Limit                     // LIMIT or OFFSET
	Identifier                // a table, column or schema name
	OrderBy                   // a column or direction to sort by
	Syntax                    // a keyword, or unknown: no parameter is possible
)

// Bindable reports whether a bound parameter can stand there.
func (c Context) Bindable() bool { return c <= Limit }

// A Piece is a stretch of the query's text: literal text, or a hole.
type Piece struct {
	Text    string  // decoded literal text; "" for a hole
	Expr    ir.Expr // the constant, or the hole's value
	At      ir.Span // where it is written: part of the literal, or {x} with its braces
	Hole    bool
	List    bool // the hole is a joined list
	Context Context
	Clause  string // of a hole: the last word before it that opens a part of a statement, in upper case
	Tainted bool   // not constant, numeric or allow-listed
}

// A Rewrite is a query with holes, to be turned into one with parameters.
type Rewrite struct {
	Query  *ir.Query
	Pieces []Piece          // in order; together they are the SQL text, on the worst way to the query
	Taint  map[ir.Span]bool // whether what stands there is tainted, of all that was seen on any way
	Whole  ir.Expr          // the expression that builds the text
	Driver string
	Style  ir.Style
	Schema *Schema // what the program says of its tables; nil for nothing
	// Made tells what the program made of the value that is written at a span;
	// false when the engine knows no value there. Nil says that it made nothing.
	Made func(at ir.Span) (Making, bool)
}

// Making is what the program made of a value that is written at one of some spans;
// false when nothing is known of it.
func (r Rewrite) Making(at ...ir.Span) (Making, bool) {
	if r.Made == nil {
		return Making{}, true
	}
	for _, span := range at {
		if made, known := r.Made(span); known {
			return made, true
		}
	}
	return Making{}, false
}

// A Making is what a program may have made of a value on its way into a query,
// on any way and from any caller.
type Making struct {
	Escaped bool   // escaped, or given quotes: bound, it is another value
	SQL     bool   // text that the program wrote: outside of quotes that is SQL, and no value
	By      string // a function that was not read has made it, and may have escaped it; "" for none
	Via     string // it may have come in a way that was not followed, through this; "" for none
}
