package stream

import (
	"math"

	"github.com/penstock-io/penstock"
)

// A quick is what a field's check comes to for the values that nearly all
// events have: one kind and a range, or a text of some length. It only ever
// says yes; what it does not pass, judge looks at. The zero quick passes none.
type quick struct {
	kind     penstock.Kind // of the values it passes
	scale    uint8
	low, top int64 // of Num
	least    int   // characters, as judgeLength takes them from bytes
	most     int   // bytes
	enum     *choices
	pattern  *pattern
}

// newQuick makes the check's quick one, if it is simple enough to have one.
func (c *check) newQuick() quick {
	q := quick{low: math.MinInt64, top: math.MaxInt64, most: math.MaxInt, enum: c.enum, pattern: c.pattern}
	if c.never || c.constant != nil || c.format != nil || c.multiple != nil {
		return quick{}
	}
	if c.field.Type == Text && c.types&typeString != 0 {
		q.kind, q.least = penstock.Text, c.minLength
		if c.maxLength >= 0 {
			q.most = c.maxLength
		}
		return q
	}
	if c.enum != nil || c.textual {
		return quick{}
	}
	switch c.field.Type {
	case Int:
		q.kind = penstock.Int
		if c.bounds != nil {
			q.low, q.top = c.bounds.intLow, c.bounds.intTop
		}
	case Decimal:
		q.kind, q.scale = penstock.Decimal, c.field.Scale
		if c.bounds != nil {
			q.low, q.top = c.bounds.decLow, c.bounds.decTop
		}
	case Time:
		q.kind = penstock.Time
	}
	return q
}

// passes reports that judge would find v fine; false says nothing.
func (q *quick) passes(v *penstock.Value) bool {
	if v.Kind != q.kind {
		return false
	}
	if v.Kind != penstock.Text {
		return v.Num >= q.low && v.Num <= q.top && v.Scale == q.scale
	}
	n := len(v.Bytes)
	return n <= q.most && (n+3)/4 >= q.least && (q.enum == nil || q.enum.haveText(v.Bytes)) && (q.pattern == nil || q.pattern.match(v.Bytes))
}
