package stream

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/penstock-io/penstock"
)

// missing is the reject of an event that lacks the required field.
func (c *check) missing() *penstock.Reject {
	return penstock.NewReject("required", "", "%s is missing; send %s", c.field.Name, c.wanted())
}

// reject says what is wrong with the value and what would be right.
func (c *check) reject(v *penstock.Value, f failure) *penstock.Reject {
	name, pointer := c.field.Name, "/"+escapePointer(c.field.Name)
	got := shown(v)
	switch f {
	case notAllowed:
		return penstock.NewReject("false", pointer, "%s is never allowed; leave it out", name)
	case wrongType:
		return penstock.NewReject("type", pointer, "%s is %s; send %s", name, got, c.wanted())
	case wrongConst:
		return penstock.NewReject("const", pointer, "%s is %s; send %s", name, got, c.constant.listing)
	case wrongEnum:
		return penstock.NewReject("enum", pointer, "%s is %s; send %s", name, got, c.enum.listing)
	case wrongFormat:
		return penstock.NewReject("format", pointer, "%s is %s; send %s", name, got, c.wantedFormat())
	case outOfBounds:
		b := c.bounds.broken(v)
		return penstock.NewReject(b.keyword, pointer, "%s is %s; send %s", name, got, b.wants())
	case notMultiple:
		return penstock.NewReject("multipleOf", pointer, "%s is %s; send a multiple of %s", name, got, c.multiple.literal)
	case tooShort:
		return penstock.NewReject("minLength", pointer, "%s is %s, %s; send at least %d", name, got, characters(v), c.minLength)
	case tooLong:
		return penstock.NewReject("maxLength", pointer, "%s is %s, %s; send at most %d", name, got, characters(v), c.maxLength)
	case noMatch:
		return penstock.NewReject("pattern", pointer, "%s is %s; send what matches %s", name, got, c.pattern.source)
	}
	panic(fmt.Sprintf("stream: field %s: no words for failure %d", name, f))
}

// wants says which numbers the bound admits.
func (b *bound) wants() string {
	switch b.keyword {
	case "minimum":
		return "at least " + string(b.literal)
	case "maximum":
		return "at most " + string(b.literal)
	case "exclusiveMinimum":
		return "more than " + string(b.literal)
	}
	return "less than " + string(b.literal)
}

// wanted says what the field takes.
func (c *check) wanted() string {
	switch {
	case c.enum != nil:
		return c.enum.listing
	case c.constant != nil:
		return c.constant.listing
	case c.isDecimal || c.isTime || c.format != nil:
		return c.wantedFormat()
	case c.types == allTypes:
		return "any value"
	}
	return c.types.words()
}

func (c *check) wantedFormat() string {
	text := ""
	switch {
	case c.isDecimal:
		text = wantedDecimal(c.field)
	case c.isTime:
		text = formatNamed("date-time").wants
	default:
		text = c.format.wants
	}
	if c.types&typeNull != 0 && c.types != allTypes {
		text += ", or null"
	}
	return text
}

func wantedDecimal(f Field) string {
	form := "a decimal, as number or text,"
	switch {
	case !f.FromText:
		form = "a decimal number"
	case !f.FromNumber:
		form = "a decimal as text"
	}
	return fmt.Sprintf("%s of at most %d digits before the point and %d after it", form, f.Precision-f.Scale, f.Scale)
}

func characters(v *penstock.Value) string {
	n := utf8.RuneCount(v.Bytes)
	if n == 1 {
		return "1 character"
	}
	return strconv.Itoa(n) + " characters"
}

// shown quotes a value in a message, cut short.
func shown(v *penstock.Value) string {
	switch v.Kind {
	case penstock.Null:
		return "null"
	case penstock.Text, penstock.Time:
		if len(v.Bytes) == 0 {
			return "empty text"
		}
		return "the text " + strconv.Quote(cut(string(v.Bytes)))
	case penstock.JSON:
		if len(v.Bytes) > 0 && v.Bytes[0] == '[' {
			return "an array"
		}
		return "an object"
	case penstock.Decimal:
		if len(v.Bytes) > 0 {
			return cut(string(v.Bytes))
		}
	}
	return cut(v.String())
}

// hintFieldsMax and hintBytesMax bound what is done to guess which field was
// meant: an event that is refused must not cost much more than one that is not.
const (
	hintFieldsMax = 64
	hintBytesMax  = 32
)

// unknownMember is the reject of an event with a member that a closed schema
// does not name: the first one as received.
func (s *Stream) unknownMember(extra []byte) *penstock.Reject {
	name := firstMember(extra)
	hint := "leave it out"
	if s.Declared <= hintFieldsMax && len(name) <= hintBytesMax {
		known := make([]string, 0, s.Declared)
		for _, f := range s.Fields[:s.Declared] {
			known = append(known, f.Name)
		}
		if m := near(name, known); m != "" {
			hint = "did you mean " + m + "?"
		}
	}
	return penstock.NewReject("additionalProperties", "/"+escapePointer(cutName(name)),
		"%q is not a field of %s; %s", cut(name), s.Name, hint)
}

// cutName keeps a hostile member name from filling the answer.
func cutName(name string) string {
	const most = 200
	if len(name) <= most {
		return name
	}
	return strings.ToValidUTF8(name[:most], "") + "…"
}

// firstMember is the first name in the raw members `"a":1,"b":2`, which Decode
// has found to be well formed.
func firstMember(extra []byte) string {
	if len(extra) < 2 || extra[0] != '"' {
		panic(fmt.Sprintf("stream: extra members %q do not begin with a name", cut(string(extra))))
	}
	return string(appendUnescaped(nil, extra[1:closingQuote(extra, 0)]))
}
