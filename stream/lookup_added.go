package stream

import (
	"errors"

	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

// An addition is one field of add: what it is called, what the answer calls
// it, and its type, Any unless the stream file says more.
type addition struct {
	field Field
	from  string
	key   *yaml.Node
}

// added reads the fields that the answer adds: a list of names, or a mapping of
// the field to the answer's name for it, or to {from, type}.
func (c *lookupCompiler) added() {
	e, ok := c.keys["add"]
	if !ok {
		c.fault(c.node, "the look-up %s adds nothing; write the fields it adds, as add: [country, tier]", c.name)
		return
	}
	additions, err := readAdditions(e.value)
	if err != nil {
		c.note(err)
		return
	}
	if len(additions) == 0 || len(additions) > addedMax {
		c.fault(e.value, "add has %d fields; write 1 to %d, as add: [country, tier]", len(additions), addedMax)
		return
	}
	defaults := c.defaults(additions)
	for i, a := range additions {
		name := a.field.Name
		if text := badFieldName(name); text != "" {
			c.fault(a.key, "the field name %q %s", cut(name), text)
		}
		if slot := c.stream.slot(name); slot >= 0 {
			origin := "received"
			if slot >= c.stream.Declared {
				origin = "derived or added already"
			}
			c.fault(a.key, "the field %s is %s; give the one that is added another name, as add: {%s_%s: %s}", name, origin, c.name, name, name)
			continue
		}
		c.lookup.Add = append(c.lookup.Add, Added{From: a.from, Slot: len(c.stream.Fields), Default: defaults[i]})
		c.stream.Fields = append(c.stream.Fields, a.field)
	}
}

func readAdditions(node *yaml.Node) ([]addition, error) {
	var additions []addition
	if node.Kind != yaml.MappingNode {
		list, err := names(node, "add", "add: [country, tier]")
		for _, item := range list {
			additions = append(additions, addition{Field{Name: item.Value}, item.Value, item})
		}
		return additions, err
	}
	list, err := entries(node, "add")
	wrong := []error{err}
	for _, e := range list {
		a, err := readAddition(e)
		wrong = append(wrong, err)
		additions = append(additions, a)
	}
	return additions, errors.Join(wrong...)
}

// readAddition reads `tier: tier_code` or `tier: {from: tier_code, type: text}`.
func readAddition(e entry) (addition, error) {
	a := addition{field: Field{Name: e.name}, from: e.name, key: e.key}
	if e.value.Kind != yaml.MappingNode {
		from, err := text(e.value, "what the answer calls "+e.name, "add: {country: country_code}")
		a.from = from
		return a, err
	}
	keys, err := keyed(e.value, "the added field "+e.name, "from", "type")
	if err != nil {
		return a, err
	}
	if from, ok := keys["from"]; ok {
		if a.from, err = text(from.value, "from", "from: country_code"); err != nil {
			return a, err
		}
	}
	if t, ok := keys["type"]; ok {
		target, err := castTarget(t.value, "type of "+e.name)
		if err != nil {
			return a, lineError(t.value, `the type of %s is %s; write integer, text, "decimal(12,2)", number, time or boolean`, e.name, shape(t.value))
		}
		target.Name = e.name
		target.FromText, target.FromNumber = target.Type == Decimal, target.Type == Decimal
		a.field = target
	}
	return a, nil
}

// defaults reads the values of the additions for when there is no answer.
func (c *lookupCompiler) defaults(additions []addition) []penstock.Value {
	values := make([]penstock.Value, len(additions))
	e, ok := c.keys["default"]
	if !ok {
		return values
	}
	var known []string
	for _, a := range additions {
		known = append(known, a.field.Name)
	}
	given, err := keyed(e.value, "default", known...)
	c.note(err)
	for i, a := range additions {
		v, ok := given[a.field.Name]
		if !ok {
			c.fault(e.key, "default has no value for %s; add %s: VALUE, or null", a.field.Name, a.field.Name)
			continue
		}
		if v.value.Kind == yaml.ScalarNode && v.value.ShortTag() == "!!null" {
			values[i] = penstock.Value{Kind: penstock.Null}
			continue
		}
		value, err := constantOf(v.value, "the default of "+a.field.Name, a.field)
		c.note(err)
		values[i] = value
	}
	return values
}
