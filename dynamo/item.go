package dynamo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock"
)

// The codes of rejects: what DynamoDB does not hold.
const (
	CodeItemSize = "item_size" // more than 400 KB
	CodeItemKey  = "item_key"  // a key attribute is missing, empty or too long
	CodeNumber   = "number"    // more digits than DynamoDB keeps
	CodeItem     = "item"      // DynamoDB itself refuses the item
	CodeUnique   = "unique"    // an item of this key is there
)

// digitsMax is how many digits of a number DynamoDB keeps.
const digitsMax = 38

// The limits of a key, in bytes: of the partition's and of the sort key.
var keyBytesMax = [...]int{2048, 1024}

// An item is an event as DynamoDB will hold it: the columns of its stream, and
// what is added to them.
type item struct {
	event *penstock.Event
	id    string // its key as one text, to tell items apart
	added []added
	bytes int // names and values, as DynamoDB counts them, at most
}

// An added attribute is no column of the stream.
type added struct {
	name, kind, text string
}

// The types of attributes that are written.
const (
	kindText   = "S"
	kindNumber = "N"
	kindBool   = "BOOL"
	kindNull   = "NULL"
)

// item makes the event's item, or says why there can be none.
func (t *Table) item(e *penstock.Event) (*item, *penstock.Reject) {
	it := &item{event: e}
	if len(e.Extra) > 0 {
		it.add("extra", kindText, "{"+string(e.Extra)+"}")
	}
	t.addKey(it)
	t.addCondition(it)
	for name, v := range t.attributes(it) {
		if v.kind == kindNumber && tooPrecise(v.text) {
			return nil, penstock.NewReject(CodeNumber, "/"+name, "DynamoDB keeps numbers of at most 38 digits")
		}
		it.bytes += len(name) + v.bytes()
	}
	if why := t.identify(it); why != nil {
		return nil, why
	}
	if it.bytes > ItemBytes {
		return nil, penstock.NewReject(CodeItemSize, "", "the item has %d bytes, names and values; DynamoDB takes at most %d", it.bytes, ItemBytes)
	}
	return it, nil
}

func (it *item) add(name, kind, text string) { it.added = append(it.added, added{name, kind, text}) }

// A value is an attribute's, as DynamoDB's JSON has it. Its text is valid until
// the next one is made.
type value struct {
	kind string
	text []byte
}

// has reports whether an attribute of this name is added: it stands in the place
// of a column.
func (it *item) has(name string) bool {
	return slices.ContainsFunc(it.added, func(a added) bool { return a.name == name })
}

// attributes are the names and values of an item.
func (t *Table) attributes(it *item) iter.Seq2[string, value] {
	return func(yield func(string, value) bool) {
		var buf [64]byte
		for _, f := range t.fields {
			v := it.event.Values[f.slot]
			if v.Kind != penstock.Absent && !it.has(f.name) && !yield(f.name, attributeValue(v, buf[:0])) {
				return
			}
		}
		for _, a := range it.added {
			if !yield(a.name, value{a.kind, []byte(a.text)}) {
				return
			}
		}
	}
}

// attributeValue keeps what is exact exact: numbers as their decimal text, times
// and JSON as the text of the record. No value passes through a float.
func attributeValue(v penstock.Value, buf []byte) value {
	switch v.Kind {
	case penstock.Null:
		return value{kindNull, append(buf, "true"...)}
	case penstock.Bool:
		return value{kindBool, v.AppendText(buf)}
	case penstock.Int, penstock.Decimal:
		return value{kindNumber, v.AppendText(buf)}
	case penstock.Number:
		return value{kindNumber, v.Bytes}
	case penstock.Text, penstock.JSON:
		return value{kindText, v.Bytes}
	}
	return value{kindText, v.AppendText(buf)}
}

// bytes is the most that DynamoDB counts for a value: a number takes about a byte
// for two digits.
func (v value) bytes() int {
	switch v.kind {
	case kindText:
		return len(v.text)
	case kindNumber:
		return len(v.text)/2 + 2
	}
	return 1
}

// tooPrecise reports whether a number has more digits than DynamoDB keeps.
func tooPrecise(number []byte) bool {
	if len(number) <= digitsMax {
		return false
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(string(number)), "e")
	digits := strings.NewReplacer("-", "", ".", "").Replace(mantissa)
	return len(strings.Trim(digits, "0")) > digitsMax
}

// addKey adds the key attribute that is no column.
func (t *Table) addKey(it *item) {
	for _, k := range t.keys {
		if k.slot < 0 {
			it.add(k.name, kindText, rowID(it.event))
		}
	}
}

// identify makes sure that the item has its key, and sets its id.
func (t *Table) identify(it *item) *penstock.Reject {
	var id []byte
	for i, k := range t.keys {
		text, ok := t.keyOf(it, k)
		switch {
		case !ok || text == "":
			return penstock.NewReject(CodeItemKey, "/"+k.name, "the table's key attribute %s must be a value of type %s that is not empty", k.name, k.kind)
		case len(text) > keyBytesMax[i]:
			return penstock.NewReject(CodeItemKey, "/"+k.name, "a key of DynamoDB has at most %d bytes, this one has %d", keyBytesMax[i], len(text))
		}
		id = appendKey(id, text)
	}
	it.id = string(id)
	return nil
}

// keyOf is a key attribute of an item, as keyText has it.
func (t *Table) keyOf(it *item, k key) (string, bool) {
	if k.slot < 0 {
		return rowID(it.event), true
	}
	v := attributeValue(it.event.Values[k.slot], nil)
	return keyText(v.kind, string(v.text), k)
}

// appendKey appends one of an item's keys to its id.
func appendKey(id []byte, text string) []byte {
	id = strconv.AppendInt(id, int64(len(text)), 10)
	return append(append(id, ':'), text...)
}

// keyText is a key attribute as a text that is equal for equal keys, and
// whether it is of the key's type. A number is compared by value, so 1 and 1.0
// are one key.
func keyText(kind, text string, k key) (string, bool) {
	if kind == kindNumber {
		text = canonical(text)
	}
	return text, kind == string(k.kind)
}

// canonical is a decimal literal as digits and exponent, without zeros that say
// nothing.
func canonical(number string) string {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	power, _ := strconv.Atoi(exponent)
	sign := ""
	if rest, negative := strings.CutPrefix(mantissa, "-"); negative {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(mantissa, "+"), ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	power -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	if trimmed == "" {
		return "0"
	}
	return sign + trimmed + "e" + strconv.Itoa(power+len(digits)-len(trimmed))
}

// rowID is the event's identity or, when it has none, a hash of where it came in:
// an event that is read again has the same.
func rowID(e *penstock.Event) string {
	if len(e.ID) > 0 {
		return string(e.ID)
	}
	return originID(e)
}

func originID(e *penstock.Event) string {
	h := sha256.New()
	h.Write([]byte(e.Origin.Door))
	h.Write(binary.BigEndian.AppendUint64([]byte{0}, e.Origin.Position))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// addCondition adds the attribute that the mode's condition compares.
func (t *Table) addCondition(it *item) {
	switch t.o.Mode {
	case Insert:
		it.add(originName, kindText, originID(it.event))
	case NewerWins:
		at := "0"
		if v := it.event.Values[t.o.Stream.Time]; v.Kind == penstock.Time {
			at = seconds(v)
		}
		it.add(timeName, kindNumber, at)
	}
}

// seconds is an instant as exact decimal seconds since 1970.
func seconds(v penstock.Value) string {
	if v.Num < 0 && v.Nanos > 0 {
		return fmt.Sprintf("-%d.%09d", -v.Num-1, 1_000_000_000-v.Nanos)
	}
	return fmt.Sprintf("%d.%09d", v.Num, v.Nanos)
}
