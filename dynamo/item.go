package dynamo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// The limits of a key, in bytes: of the partition's and of the sort key.
var keyBytesMax = [...]int{2048, 1024}

// An item is an event as DynamoDB will hold it.
type item struct {
	event      *penstock.Event
	id         string // its key as one text, to tell items apart
	attributes map[string]types.AttributeValue
	bytes      int
}

// item makes the event's item, or says why there can be none.
func (t *Table) item(e *penstock.Event) (*item, *penstock.Reject) {
	it := &item{event: e, attributes: make(map[string]types.AttributeValue, len(t.fields)+3)}
	for _, f := range t.fields {
		v := e.Values[f.slot]
		if v.Kind == penstock.Absent {
			continue
		}
		if n := significant(v); n != "" && len(strings.Trim(n, "0")) > 38 {
			return nil, penstock.NewReject(CodeNumber, "/"+f.name, "DynamoDB keeps numbers of at most 38 digits")
		}
		it.set(f.name, attributeValue(v))
	}
	if len(e.Extra) > 0 {
		it.set("extra", &types.AttributeValueMemberS{Value: "{" + string(e.Extra) + "}"})
	}
	if why := t.setKey(it); why != nil {
		return nil, why
	}
	t.setCondition(it)
	if it.bytes > ItemBytes {
		return nil, penstock.NewReject(CodeItemSize, "", "the item has %d bytes, names and values; DynamoDB takes at most %d", it.bytes, ItemBytes)
	}
	return it, nil
}

func (it *item) set(name string, v types.AttributeValue) {
	it.attributes[name] = v
	it.bytes += len(name) + valueBytes(v)
}

// valueBytes is the most that DynamoDB counts for a value: a number takes about
// a byte for two digits.
func valueBytes(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	}
	return 1
}

// attributeValue keeps what is exact exact: numbers as their decimal text, times
// and JSON as the text of the record. No value passes through a float.
func attributeValue(v penstock.Value) types.AttributeValue {
	switch v.Kind {
	case penstock.Null, penstock.Absent:
		return &types.AttributeValueMemberNULL{Value: true}
	case penstock.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Num == 1}
	case penstock.Int, penstock.Decimal, penstock.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	}
	return &types.AttributeValueMemberS{Value: v.String()}
}

// significant are the digits of a number that may be longer than DynamoDB
// keeps; "" for all else.
func significant(v penstock.Value) string {
	if v.Kind != penstock.Number {
		return ""
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(string(v.Bytes)), "e")
	return strings.NewReplacer("-", "", ".", "").Replace(mantissa)
}

// setKey makes sure that the item has its key, and sets its id.
func (t *Table) setKey(it *item) *penstock.Reject {
	for i, k := range t.keys {
		if k.slot < 0 {
			it.set(k.name, &types.AttributeValueMemberS{Value: rowID(it.event)})
		}
		text, ok := keyText(it.attributes[k.name], k)
		switch {
		case !ok || text == "":
			return penstock.NewReject(CodeItemKey, "/"+k.name, "the table's key attribute %s must be a value of type %s that is not empty", k.name, k.kind)
		case len(text) > keyBytesMax[i]:
			return penstock.NewReject(CodeItemKey, "/"+k.name, "a key of DynamoDB has at most %d bytes, this one has %d", keyBytesMax[i], len(text))
		}
		it.id += strconv.Itoa(len(text)) + ":" + text
	}
	return nil
}

// keyText is a key attribute as a text that is equal for equal keys, and
// whether it is of the key's type. A number is compared by value, so 1 and 1.0
// are one key.
func keyText(v types.AttributeValue, k key) (string, bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value, k.kind == types.ScalarAttributeTypeS
	case *types.AttributeValueMemberN:
		return canonical(v.Value), k.kind == types.ScalarAttributeTypeN
	}
	return "", false
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

// setCondition adds the attribute that the mode's condition compares.
func (t *Table) setCondition(it *item) {
	switch t.o.Mode {
	case Insert:
		it.set(originName, &types.AttributeValueMemberS{Value: originID(it.event)})
	case NewerWins:
		at := "0"
		if v := it.event.Values[t.o.Stream.Time]; v.Kind == penstock.Time {
			at = seconds(v)
		}
		it.set(timeName, &types.AttributeValueMemberN{Value: at})
	}
}

// seconds is an instant as exact decimal seconds since 1970.
func seconds(v penstock.Value) string {
	if v.Num < 0 && v.Nanos > 0 {
		return fmt.Sprintf("-%d.%09d", -v.Num-1, 1_000_000_000-v.Nanos)
	}
	return fmt.Sprintf("%d.%09d", v.Num, v.Nanos)
}
