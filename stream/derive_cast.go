package stream

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

var heldBy = [...]string{"values of any type", "booleans", "integers", "decimals", "numbers", "times", "text", "objects or arrays"}

// describe says what a field holds, for messages.
func (f Field) describe() string {
	if f.Type == Decimal {
		return fmt.Sprintf("decimal(%d,%d)", f.Precision, f.Scale)
	}
	return heldBy[f.Type]
}

// castable lists what a cast can make of a type. From Any, whose values are
// seen only later, everything may be tried.
var castable = map[Type][]Type{
	Bool:    {Bool, Text},
	Int:     {Int, Decimal, Number, Text},
	Decimal: {Int, Decimal, Number, Text},
	Number:  {Int, Decimal, Number, Text},
	Time:    {Time, Text},
	Text:    {Bool, Int, Decimal, Number, Time, Text},
	JSON:    {Text},
	Any:     {Bool, Int, Decimal, Number, Time, Text},
}

// compileCast compiles cast: type. A cast is exact or it rejects.
func compileCast(node *yaml.Node, what string, f Field) (operation, Field, error) {
	to, err := castTarget(node, what)
	if err != nil {
		return operation{}, f, err
	}
	possible := false
	var others []string
	for _, t := range castable[f.Type] {
		possible = possible || t == to.Type
		others = append(others, castNames[t])
	}
	if !possible {
		return operation{}, f, lineError(node, "%s casts %s to %s, which has no meaning; they can become %s", what, f.describe(), node.Value, orList(others))
	}
	apply := func(v *penstock.Value) error {
		if to.Type == Int && (v.Kind == penstock.Int || v.Kind == penstock.Decimal) && v.Scale == 0 {
			*v = penstock.IntValue(v.Num) // as after scale
			return nil
		}
		made, ok := to.cast(*v)
		if !ok {
			return fmt.Errorf("the %v %s cannot become %s exactly", v.Kind, strconv.Quote(cut(v.String())), node.Value)
		}
		*v = made
		return nil
	}
	return operation{apply: apply}, to, nil
}

var castNames = map[Type]string{Bool: "boolean", Int: "integer", Decimal: "decimal(p,s)", Number: "number", Time: "time", Text: "text"}

// castTarget reads the type a cast names.
func castTarget(node *yaml.Node, what string) (Field, error) {
	if node.Kind == yaml.ScalarNode {
		for t, name := range castNames {
			if t != Decimal && node.Value == name {
				return Field{Type: t}, nil
			}
		}
		if inner, ok := strings.CutPrefix(node.Value, "decimal("); ok {
			p, s, _ := strings.Cut(strings.TrimSuffix(inner, ")"), ",")
			precision, err1 := strconv.Atoi(strings.TrimSpace(p))
			scale, err2 := strconv.Atoi(strings.TrimSpace(s))
			if err1 == nil && err2 == nil && strings.HasSuffix(inner, ")") &&
				precision >= 1 && precision <= 18 && scale >= 0 && scale <= precision {
				return Field{Type: Decimal, Precision: uint8(precision), Scale: uint8(scale)}, nil
			}
			return Field{}, lineError(node, "cast in %s to %q: p is 1 to 18 digits in all and s is 0 to p behind the point, as \"decimal(12,2)\"", what, node.Value)
		}
	}
	return Field{}, lineError(node, "cast in %s is %s; write integer, text, \"decimal(12,2)\", number, time or boolean", what, shape(node))
}

// cast turns v into a value of field f's type, exactly or not at all.
func (f *Field) cast(v penstock.Value) (penstock.Value, bool) {
	switch f.Type {
	case Text:
		if v.Kind == penstock.Text {
			return v, true
		}
		return penstock.Value{Kind: penstock.Text, Bytes: v.AppendText(derivedText(textBytesMax(&v)))}, true
	case Bool:
		switch {
		case v.Kind == penstock.Bool:
			return v, true
		case v.Kind == penstock.Text && (string(v.Bytes) == "true" || string(v.Bytes) == "false"):
			return penstock.BoolValue(v.Bytes[0] == 't'), true
		}
		return v, false
	case Time:
		if v.Kind == penstock.Text {
			f.fromText(v.Bytes, &v)
		}
		return v, v.Kind == penstock.Time
	}
	n, ok := numeralOf(v)
	if !ok {
		return v, false
	}
	return f.castNumeral(v, n)
}

// numeralOf reads the number that v is or, without exponent, writes.
func numeralOf(v penstock.Value) (numeral, bool) {
	switch v.Kind {
	case penstock.Int, penstock.Decimal:
		return numeral{mant: magnitude(v.Num), neg: v.Num < 0, exp: -int(v.Scale)}, true
	case penstock.Number:
		return parseNumeral(v.Bytes)
	case penstock.Text:
		n, ok := parseNumeral(v.Bytes)
		return n, ok && !n.exped
	}
	return numeral{}, false
}

func (f *Field) castNumeral(v penstock.Value, n numeral) (penstock.Value, bool) {
	switch f.Type {
	case Int:
		i, ok := n.scaled(0)
		return penstock.IntValue(i), ok
	case Decimal:
		unscaled, ok := n.decimal(f.Precision, f.Scale)
		return penstock.DecimalValue(unscaled, f.Scale), ok
	case Number:
		switch v.Kind {
		case penstock.Number, penstock.Text:
			return penstock.Value{Kind: penstock.Number, Bytes: v.Bytes}, true
		}
		return penstock.Value{Kind: penstock.Number, Bytes: v.AppendText(derivedText(textBytesMax(&v)))}, true
	}
	return v, false
}

// constant reads a YAML scalar as the value it is written as.
func constant(node *yaml.Node, what string) (penstock.Value, Field, error) {
	if node.Kind == yaml.ScalarNode {
		switch node.ShortTag() {
		case "!!str", "!!timestamp":
			return penstock.TextValue(node.Value), Field{Type: Text}, nil
		case "!!bool":
			return penstock.BoolValue(strings.EqualFold(node.Value, "true")), Field{Type: Bool}, nil
		case "!!null":
			return penstock.Value{Kind: penstock.Null}, Field{Type: Any}, nil
		case "!!int", "!!float":
			n, ok := parseNumeral([]byte(node.Value))
			if i, fits := n.scaled(0); ok && fits && n.plain {
				return penstock.IntValue(i), Field{Type: Int}, nil
			}
			for scale := uint8(0); ok && scale <= 18; scale++ {
				if unscaled, fits := n.decimal(18, scale); fits {
					return penstock.DecimalValue(unscaled, scale), Field{Type: Decimal, Precision: 18, Scale: scale}, nil
				}
			}
			return penstock.Value{}, Field{}, lineError(node, "%s holds the number %s; write at most 18 digits, as 12 or 0.25", what, cut(node.Value))
		}
	}
	return penstock.Value{}, Field{}, lineError(node, "%s holds %s; write text, a number, true, false or null", what, shape(node))
}

// constants reads values that must all be of one type; null goes with any.
func constants(nodes []*yaml.Node, what string) ([]penstock.Value, Field, error) {
	values := make([]penstock.Value, len(nodes))
	all := Field{Type: Any}
	for i, node := range nodes {
		v, f, err := constant(node, what)
		if err != nil {
			return nil, all, err
		}
		values[i] = v
		numeric := (f.Type == Int || f.Type == Decimal) && (all.Type == Int || all.Type == Decimal)
		switch {
		case v.Kind == penstock.Null:
		case all.Type == Any:
			all = f
		case numeric && f.Type != all.Type, numeric && f.Scale > all.Scale:
			all = Field{Type: Decimal, Precision: 18, Scale: max(f.Scale, all.Scale)}
		case !numeric && f.Type != all.Type:
			return nil, all, lineError(node, "%s gives %s here and %s before; give values of one type", what, f.describe(), all.describe())
		}
	}
	for i, v := range values {
		if all.Type == Decimal && v.Kind != penstock.Null {
			made, ok := all.cast(v)
			if !ok {
				return nil, all, lineError(nodes[i], "%s gives the number %s, which does not fit %s with the others", what, nodes[i].Value, all.describe())
			}
			values[i] = made
		}
	}
	return values, all, nil
}

// constantOf reads a YAML value that must be one of field f.
func constantOf(node *yaml.Node, what string, f Field) (penstock.Value, error) {
	if f.Type == JSON {
		return constantJSON(node, what)
	}
	v, _, err := constant(node, what)
	if err != nil || f.Type == Any && v.Kind != penstock.Null {
		return v, err
	}
	ok := false
	switch {
	case v.Kind == penstock.Null:
		return v, lineError(node, "%s is null, which is missing again; write a value", what)
	case f.Type == Text:
		ok = v.Kind == penstock.Text
	case f.Type == Bool:
		ok = v.Kind == penstock.Bool
	default:
		v, ok = f.cast(v)
	}
	if !ok {
		return v, lineError(node, "%s is %s, but the values are %s; write one of those", what, shape(node), f.describe())
	}
	return v, nil
}

func constantJSON(node *yaml.Node, what string) (penstock.Value, error) {
	if node.Kind != yaml.MappingNode && node.Kind != yaml.SequenceNode {
		return penstock.Value{}, lineError(node, "%s is %s, but the values are objects or arrays; write one, as {} or []", what, shape(node))
	}
	value, err := toJSON(node)
	if err != nil {
		return penstock.Value{}, err
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return penstock.Value{}, lineError(node, "%s cannot be written as JSON: %v", what, err)
	}
	return penstock.Value{Kind: penstock.JSON, Bytes: raw}, nil
}
