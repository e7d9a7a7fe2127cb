package stream

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
)

// rules are the stream's checks, compiled.
type rules struct {
	schema []byte      // as JSON
	checks []check     // one for each declared field
	closed bool        // additionalProperties is false, and nothing else admits a name
	full   *fullSchema // judges every event too; nil on the fast path
}

// Schema is the stream's JSON Schema as JSON, for senders and their tools. It
// belongs to the stream and must not be changed.
func (s *Stream) Schema() []byte { return s.schema }

// Check is the Step that judges an event by the stream's schema. It looks only
// at what was received (the declared values and Extra), so it may run again on
// an event that was derived and enriched. A refused event's Reject has the
// keyword as Code and points to the failing place; an absent field's place is
// the object that lacks it.
func (s *Stream) Check(_ context.Context, e *penstock.Event) error {
	if len(e.Values) < s.Declared {
		panic(fmt.Sprintf("stream %s: an event has %d values, its row has %d", s.Name, len(e.Values), len(s.Fields)))
	}
	for i := range s.checks {
		c, v := &s.checks[i], &e.Values[i]
		if v.Kind == penstock.Absent {
			if c.required {
				return c.missing()
			}
			continue
		}
		if c.quick.passes(v) {
			continue
		}
		if f := c.judge(v); f != fine {
			return c.reject(v, f)
		}
	}
	if s.closed && len(e.Extra) > 0 {
		return s.unknownMember(e.Extra)
	}
	if s.full != nil {
		return s.full.judge(s, e)
	}
	return nil
}

// A check is all that the schema says about one field, in a form that judges a
// valid value without allocating.
type check struct {
	quick       quick
	field       Field
	required    bool
	never       bool // the schema false
	plain       bool // nothing but the type is judged
	types       jsonTypes
	constant    *choices
	enum        *choices
	format      *format
	isDecimal   bool
	isTime      bool
	bounds      *bounds
	multiple    *multiple
	minLength   int // 0 is none
	maxLength   int // -1 is none
	pattern     *pattern
	lengths     bool // minLength or maxLength is given
	textual     bool // something is judged about text
	numeric     bool // something is judged about numbers
	decimalText bool // a Decimal is text to the schema, as its type is string
	fullText    bool // the full validator may look at the text in which the value came
}

// A failure is what a check found wrong.
type failure uint8

const (
	fine failure = iota
	notAllowed
	wrongType
	wrongConst
	wrongEnum
	wrongFormat
	outOfBounds
	notMultiple
	tooShort
	tooLong
	noMatch
)

// judge tries the keywords in the order the full validator does, so that both
// give the same first cause.
func (c *check) judge(v *penstock.Value) failure {
	if c.types&c.typeOf(v) == 0 {
		return wrongType
	}
	if c.plain {
		return fine
	}
	if c.never {
		return notAllowed
	}
	if c.constant != nil && !c.in(c.constant, v) {
		return wrongConst
	}
	if c.enum != nil && !c.in(c.enum, v) {
		return wrongEnum
	}
	return c.judgeKind(v)
}

// judgeKind tries the keywords that are of one kind of value.
func (c *check) judgeKind(v *penstock.Value) failure {
	switch v.Kind {
	case penstock.Int, penstock.Number:
		if c.isDecimal {
			return wrongFormat
		}
		if c.numeric {
			return c.judgeNumber(v)
		}
	case penstock.Decimal:
		if c.numeric {
			if f := c.judgeNumber(v); f != fine {
				return f
			}
		}
		if c.textual && c.decimalText {
			return c.judgeText(received(v))
		}
	case penstock.Text:
		if c.isDecimal || c.isTime || c.format != nil && !c.format.valid(v.Bytes) {
			return wrongFormat
		}
		if c.textual {
			return c.judgeText(v.Bytes)
		}
	case penstock.Time:
		if c.textual {
			return c.judgeText(received(v))
		}
	}
	return fine
}

// received is the text a time or a decimal came as; a door whose source has
// such values without text gets the canonical one.
func received(v *penstock.Value) []byte {
	if v.Bytes != nil {
		return v.Bytes
	}
	return v.AppendText(nil)
}

// typeOf is the JSON type of a value. A whole number is integer and number.
func (c *check) typeOf(v *penstock.Value) jsonTypes {
	switch v.Kind {
	case penstock.Null:
		return typeNull
	case penstock.Bool:
		return typeBoolean
	case penstock.Int:
		return typeInteger | typeNumber
	case penstock.Decimal:
		return typeNumber | typeString // as its field admits; Decode saw to that
	case penstock.Number:
		if c.types&typeNumber == 0 && c.types&typeInteger != 0 && parseNumber(v.Bytes).whole() {
			return typeInteger
		}
		return typeNumber
	case penstock.Time, penstock.Text:
		return typeString
	case penstock.JSON:
		if len(v.Bytes) > 0 && v.Bytes[0] == '[' {
			return typeArray
		}
		return typeObject
	}
	return 0
}

func (c *check) in(set *choices, v *penstock.Value) bool {
	if v.Kind == penstock.Decimal && c.decimalText {
		return set.haveText(received(v))
	}
	return set.have(v)
}

func (c *check) judgeNumber(v *penstock.Value) failure {
	if c.bounds != nil && c.bounds.broken(v) != nil {
		return outOfBounds
	}
	if c.multiple != nil && !c.multiple.divides(v) {
		return notMultiple
	}
	return fine
}

func (c *check) judgeText(text []byte) failure {
	if c.lengths {
		if f := c.judgeLength(text); f != fine {
			return f
		}
	}
	if c.pattern != nil && !c.pattern.match(text) {
		return noMatch
	}
	return fine
}

// judgeLength counts characters only where bytes do not decide: a character
// takes one to four.
func (c *check) judgeLength(text []byte) failure {
	top := c.maxLength < 0 || len(text) <= c.maxLength
	if top && (len(text)+3)/4 >= c.minLength {
		return fine
	}
	n := utf8.RuneCount(text)
	if n < c.minLength {
		return tooShort
	}
	if c.maxLength >= 0 && n > c.maxLength {
		return tooLong
	}
	return fine
}
