package sqlinject

import (
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
)

// A taint is how much a value is to be feared.
type taint uint8

const (
	harmless  taint = iota // constant, a number, checked
	unknown                // nothing is known of it
	row                    // of a database: whoever wrote it there chose it
	member                 // of an object that whoever calls hands in: a field, what a method returns
	parameter              // a parameter: whoever calls chooses it
	operator               // of the command line or standard input: a text that is whole is what the program is asked to run
	outside                // from outside the program
)

// level is how sure a finding is. A name out of a database is mostly one that the
// program has asked the catalogue for; and what makes a statement about tables, not
// rows, of an object is mostly a tool that has the schema in objects.
func level(t taint, stands finding.Context, rows bool) finding.Level {
	if t == row && !stands.Bindable() || t == member && !rows {
		return finding.Possible
	}
	return [...]finding.Level{
		harmless: finding.Note, unknown: finding.Possible, row: finding.Likely, member: finding.Likely, parameter: finding.Likely, operator: finding.Certain, outside: finding.Certain,
	}[t]
}

// source is a value from outside. The environment is set by who runs the program, as a
// parameter by who calls. What a file holds its owner has chosen: he is to be feared as
// much as who gives the name, but no more than a caller.
func (w *walk) source(x *ir.Source, s state, depth int) text {
	switch x.From {
	case ir.Environment:
		return hole(x, parameter, x.What)
	case ir.Arguments:
		return hole(x, operator, x.What)
	case ir.Database:
		return hole(x, row, x.What)
	case ir.Stored:
		return hole(x, min(max(w.eval(x.Of, s, depth+1).worst(), unknown), parameter), x.What)
	case ir.Input:
		if x.Of == nil {
			break
		}
		of := w.eval(x.Of, s, depth+1)
		if file, ok := only(of).(*ir.Source); ok && file.From == ir.Stored || of.worst() == operator {
			return carried(x, of)
		}
		if worst := of.worst(); worst == member || worst == parameter {
			out := carried(x, of)
			out[0].taint = parameter // of a reader that whoever calls hands in
			return out
		}
	}
	return hole(x, outside, x.What)
}

// ofObject is one hole that comes from an object, and not from a text.
func ofObject(t text) text {
	if t[0].taint == parameter {
		t[0].taint = member
	}
	return t
}
