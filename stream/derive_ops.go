package stream

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

var operationNames = []string{"trim", "upper", "lower", "scale", "cast", "map", "else", "default", "hash"}

// compileOperation compiles one item of a do list for values of field f, and
// returns what it makes of them.
func compileOperation(node *yaml.Node, what string, f Field) (operation, Field, error) {
	if node.Kind == yaml.ScalarNode {
		switch node.Value {
		case "trim", "upper", "lower":
			return compileTextOperation(node, what, f)
		case "scale", "cast", "map", "default", "hash":
			return operation{}, f, lineError(node, "%s in %s needs an argument; write %s", node.Value, what, operationExample(node.Value))
		}
		return operation{}, f, lineError(node, "%s does not know the operation %q; %s", what, node.Value, meant(node.Value, operationNames))
	}
	parts, err := keyed(node, "do of "+what, operationNames...)
	if err != nil && splitDecimal(node) {
		return operation{}, f, lineError(node, "cast in %s is cut in two by its comma; write it in quotes, as {cast: \"decimal(12,2)\"}", what)
	}
	if err != nil {
		return operation{}, f, err
	}
	mapping, isMap := parts["map"]
	otherwise, hasElse := parts["else"]
	if isMap && (len(parts) == 1 || len(parts) == 2 && hasElse) {
		return compileMap(mapping, otherwise, what, f)
	}
	if len(parts) != 1 || hasElse {
		return operation{}, f, lineError(node, "an item of do in %s holds %d operations; write one each, as [trim, {scale: 2}]; only map has a second name, else", what, len(parts))
	}
	for name, p := range parts {
		switch name {
		case "scale":
			return compileScale(p.value, what, f)
		case "cast":
			return compileCast(p.value, what, f)
		case "default":
			return compileDefault(p.value, what, f)
		case "hash":
			return compileHash(p.value, what, f)
		}
		return operation{}, f, lineError(p.key, "%s in %s takes no argument; write it bare, as [%s]", name, what, name)
	}
	panic("stream: unreachable")
}

// splitDecimal recognises {cast: decimal(12,2)}, where YAML takes the comma for
// its own.
func splitDecimal(node *yaml.Node) bool {
	for i := 0; i+2 < len(node.Content); i += 2 {
		if node.Content[i].Value == "cast" && strings.HasPrefix(node.Content[i+1].Value, "decimal(") &&
			strings.HasSuffix(node.Content[i+2].Value, ")") {
			return true
		}
	}
	return false
}

func operationExample(name string) string {
	return map[string]string{
		"scale":   "{scale: 2}",
		"cast":    "{cast: integer}",
		"map":     "{map: {a: b}, else: c}",
		"default": "{default: unknown}",
		"hash":    "{hash: sha256}",
	}[name]
}

// compileTextOperation compiles trim, upper and lower.
func compileTextOperation(node *yaml.Node, what string, f Field) (operation, Field, error) {
	if f.Type != Text && f.Type != Any {
		return operation{}, f, lineError(node, "%s in %s works on text, and here it gets %s; write {cast: text} before it", node.Value, what, f.describe())
	}
	change := map[string]func([]byte) []byte{"trim": bytes.TrimSpace, "upper": upper, "lower": lower}[node.Value]
	apply := func(v *penstock.Value) error {
		if v.Kind != penstock.Text {
			return fmt.Errorf("%s works on text, not on %v", node.Value, v.Kind)
		}
		v.Bytes = change(v.Bytes)
		return nil
	}
	return operation{apply: apply}, Field{Type: Text}, nil
}

func upper(text []byte) []byte { return changeCase(text, 'a', 'z', bytes.ToUpper) }
func lower(text []byte) []byte { return changeCase(text, 'A', 'Z', bytes.ToLower) }

// changeCase returns text itself when nothing changes, as is common.
func changeCase(text []byte, first, last byte, full func([]byte) []byte) []byte {
	if !isASCII(text) {
		return full(text)
	}
	changes := false
	for _, b := range text {
		if b-first <= last-first {
			changes = true
			break
		}
	}
	if !changes {
		return text
	}
	changed := append(derivedText(len(text)), text...)
	for i, b := range changed {
		if b-first <= last-first {
			b ^= 0x20
		}
		changed[i] = b
	}
	return changed
}

// compileScale compiles scale: n, which multiplies by 10^n and never loses a
// digit.
func compileScale(node *yaml.Node, what string, f Field) (operation, Field, error) {
	by, err := integer(node, "scale in "+what, -18, 18)
	if err != nil {
		return operation{}, f, err
	}
	from := 0
	switch f.Type {
	case Int:
	case Decimal:
		from = int(f.Scale)
	default:
		return operation{}, f, lineError(node, "scale in %s works on integers and decimals, and here it gets %s; write {cast: \"decimal(12,2)\"} before it", what, f.describe())
	}
	scale := max(from-by, 0)
	if scale > 18 {
		return operation{}, f, lineError(node, "scale %d in %s leaves %d digits behind the point; at most 18 can be kept", by, what, scale)
	}
	factor := scale - from + by // × 10^factor on the unscaled number
	to := Field{Type: f.Type, Precision: uint8(min(18, max(int(f.Precision)+factor, scale, 1))), Scale: uint8(scale)}
	if f.Type == Int && by < 0 {
		to = Field{Type: Decimal, Precision: 18, Scale: uint8(scale)}
	}
	apply := func(v *penstock.Value) error {
		if v.Kind != penstock.Int && v.Kind != penstock.Decimal {
			return fmt.Errorf("scale works on integers and decimals, not on %v %s", v.Kind, cut(v.String()))
		}
		n := numeral{mant: magnitude(v.Num), neg: v.Num < 0, exp: by - int(v.Scale)}
		scaled, ok := n.scaled(int(to.Scale))
		if !ok || to.Type == Decimal && !fitsPrecision(scaled, 18) {
			return fmt.Errorf("%v × 10^%d does not fit %s", v, by, to.describe())
		}
		*v = penstock.Value{Kind: penstock.Int, Num: scaled}
		if to.Type == Decimal {
			v.Kind, v.Scale = penstock.Decimal, to.Scale
		}
		return nil
	}
	return operation{apply: apply}, to, nil
}

// compileMap compiles map: {a: b}, else: c, which replaces one value by
// another.
func compileMap(mapping, otherwise entry, what string, f Field) (operation, Field, error) {
	switch f.Type {
	case JSON, Time, Number:
		return operation{}, f, lineError(mapping.key, "map in %s works on text, integers, decimals and booleans, and here it gets %s; cast it first", what, f.describe())
	}
	list, err := entries(mapping.value, "map in "+what)
	if err != nil {
		return operation{}, f, err
	}
	nodes := make([]*yaml.Node, 0, len(list)+1)
	for _, e := range list {
		nodes = append(nodes, e.value)
	}
	if otherwise.value != nil {
		nodes = append(nodes, otherwise.value)
	}
	if len(list) == 0 {
		return operation{}, f, lineError(mapping.value, "map in %s is empty; write %s", what, operationExample("map"))
	}
	values, to, err := constants(nodes, "map in "+what)
	if err != nil {
		return operation{}, f, err
	}
	table := make(map[string]penstock.Value, len(list))
	for i, e := range list {
		table[e.name] = values[i]
	}
	return operation{apply: mapped(table, values[len(list):])}, to, nil
}

// mapped replaces a value by what the table has for its text, or by the one in
// otherwise if there is one.
func mapped(table map[string]penstock.Value, otherwise []penstock.Value) func(*penstock.Value) error {
	return func(v *penstock.Value) error {
		var room [64]byte
		text := v.Bytes
		if v.Kind != penstock.Text {
			text = v.AppendText(room[:0])
		}
		found, ok := table[string(text)]
		switch {
		case ok:
			*v = found
		case len(otherwise) > 0:
			*v = otherwise[0]
		default:
			return fmt.Errorf("map has no entry for %s, and no else", strconv.Quote(cut(v.String())))
		}
		return nil
	}
}

// compileDefault compiles default: v, which stands in for a missing value.
func compileDefault(node *yaml.Node, what string, f Field) (operation, Field, error) {
	v, err := constantOf(node, "default in "+what, f)
	if err != nil {
		return operation{}, f, err
	}
	apply := func(given *penstock.Value) error {
		if given.Missing() {
			*given = v
		}
		return nil
	}
	return operation{apply: apply, missing: true}, f, nil
}

// compileHash compiles hash: sha256 and sha512, written in hex.
func compileHash(node *yaml.Node, what string, f Field) (operation, Field, error) {
	name, err := choice(node, "hash in "+what, "sha256", "sha512")
	if err != nil {
		return operation{}, f, err
	}
	apply := func(v *penstock.Value) error {
		var room [128]byte
		text := v.Bytes
		if v.Kind != penstock.Text {
			text = v.AppendText(room[:0])
		}
		if name == "sha512" {
			sum := sha512.Sum512(text)
			*v = hexValue(sum[:])
			return nil
		}
		sum := sha256.Sum256(text)
		*v = hexValue(sum[:])
		return nil
	}
	return operation{apply: apply}, Field{Type: Text}, nil
}

func hexValue(sum []byte) penstock.Value {
	return penstock.Value{Kind: penstock.Text, Bytes: hex.AppendEncode(derivedText(2*len(sum)), sum)}
}
