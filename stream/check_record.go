package stream

import (
	"context"

	"github.com/penstock-io/penstock"
)

// CheckRecord is Check for an event that NewRecordDecoder has read, as who
// reads a topic must judge it that others may write to: what Check lets pass is
// passed again once it was derived, enriched and encoded. It leaves out what a
// record no longer shows: fields that a derived one of the same name has
// replaced, the text in which a time or a decimal of type string came, and, where
// a field is replaced or the full validator may look at such a text, the keywords
// that are left to that. Of derived and looked-up fields it says nothing.
func (s *Stream) CheckRecord(_ context.Context, e *penstock.Event) error {
	whole := true
	for i := range s.checks {
		if s.recorded.place[i] < 0 {
			whole = false
			continue
		}
		c, v := &s.checks[i], &e.Values[i]
		if v.Kind == penstock.Absent {
			if c.required {
				return c.missing()
			}
			continue
		}
		if f := c.judgeRecord(v); f != fine {
			return c.reject(v, f)
		}
		whole = whole && !(c.fullText && c.rewritten(v))
	}
	if s.closed && len(e.Extra) > 0 {
		return s.unknownMember(e.Extra)
	}
	if s.full != nil && whole {
		return s.full.judge(s, e)
	}
	return nil
}

// judgeRecord is judge without what it says of the text that a value came as,
// where Encode has written another.
func (c *check) judgeRecord(v *penstock.Value) failure {
	switch {
	case !c.rewritten(v):
		return c.judge(v)
	case c.types&c.typeOf(v) == 0:
		return wrongType
	case v.Kind == penstock.Decimal && c.numeric:
		return c.judgeNumber(v)
	}
	return fine
}

// rewritten reports whether Encode writes the value in another text than it may
// have come in.
func (c *check) rewritten(v *penstock.Value) bool {
	return v.Kind == penstock.Time || v.Kind == penstock.Decimal && c.decimalText
}
