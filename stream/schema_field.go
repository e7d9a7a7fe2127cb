package stream

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// compileProperty reads the schema of one field.
func (c *schemaCompiler) compileProperty(m entry) check {
	k := check{field: Field{Name: m.name}, types: allTypes, maxLength: -1}
	members, ok := c.members(m.value, c.pointerTo(m.name, ""))
	if !ok {
		k.never = m.value.Value != "true"
		k.plain = !k.never
		return k
	}
	k.types = typesOf(members["type"])
	c.readFormat(&k, members)
	k.field.Type = fieldType(&k, members)
	k.isTime = k.field.Type == Time
	if k.isTime {
		k.format = nil // the kind Time is the proof
	}
	var given []bound
	for name, node := range members {
		switch name {
		case "type", "format":
		case "const":
			k.constant = c.readChoices(m.name, name, []*yaml.Node{node}, &k)
		case "enum":
			k.enum = c.readChoices(m.name, name, node.Content, &k)
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			given = append(given, bound{name, []byte(node.Value), parseNumber([]byte(node.Value))})
		case "multipleOf":
			k.multiple = newMultiple([]byte(node.Value))
		case "minLength":
			k.minLength = c.readLength(node, name)
		case "maxLength":
			k.maxLength = c.readLength(node, name)
		case "pattern":
			k.pattern = newPattern(node.Value)
		default:
			if keywords[name].holds != holdsNote && name != "$defs" && name != "definitions" {
				c.slowly(c.pointerTo(m.name, name))
			}
		}
	}
	c.settle(&k, m, given)
	return k
}

// settle works out what depends on several keywords.
func (c *schemaCompiler) settle(k *check, m entry, given []bound) {
	if len(given) > 0 {
		order := []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
		slices.SortFunc(given, func(a, b bound) int {
			return slices.Index(order, a.keyword) - slices.Index(order, b.keyword)
		})
		k.bounds = newBounds(given, k.field.Scale)
	}
	k.decimalText = k.isDecimal && !k.field.FromNumber
	k.lengths = k.minLength > 0 || k.maxLength >= 0
	k.textual = k.lengths || k.pattern != nil
	k.numeric = k.bounds != nil || k.multiple != nil
	k.plain = !k.textual && !k.numeric && !k.isDecimal && !k.isTime &&
		k.format == nil && k.enum == nil && k.constant == nil
	k.quick = k.newQuick()
	if k.isDecimal && k.field.FromNumber && k.field.FromText && k.textual {
		c.fault(m.key, "%s is a decimal that may come as number or as text, but pattern, minLength or maxLength would judge only the text; "+
			"bound it with minimum and maximum, or write type: string", m.name)
	}
}

// readFormat sets what the keyword format asserts.
func (c *schemaCompiler) readFormat(k *check, members map[string]*yaml.Node) {
	node := members["format"]
	if node == nil {
		return
	}
	precision, scale, decimal, _ := parseDecimalFormat(node.Value)
	if !decimal {
		k.format = formatNamed(node.Value)
		return
	}
	k.isDecimal = true
	k.field.Precision, k.field.Scale = precision, scale
	k.field.FromText = k.types&typeString != 0
	k.field.FromNumber = k.types&typeNumber != 0
	kinds := k.types &^ typeNull
	if kinds&^(typeString|typeNumber|typeInteger) != 0 || !k.field.FromNumber && kinds&typeInteger != 0 {
		c.fault(node, "the format %s goes with type number, string or both (and null); write type: [number, string]", node.Value)
	}
}

// fieldType is the type of the slot that the field's values are decoded to.
func fieldType(k *check, members map[string]*yaml.Node) Type {
	if k.isDecimal {
		return Decimal
	}
	if k.types == allTypes {
		return typeOfChoices(members)
	}
	switch k.types &^ typeNull {
	case typeBoolean:
		return Bool
	case typeInteger:
		return Int
	case typeNumber | typeInteger:
		return Number
	case typeString:
		if k.format != nil && k.format.name == "date-time" {
			return Time
		}
		return Text
	case typeObject, typeArray, typeObject | typeArray:
		return JSON
	}
	return Any
}

// typeOfChoices is Text for an enum or a const of texts without a type.
func typeOfChoices(members map[string]*yaml.Node) Type {
	var values []*yaml.Node
	if e := members["enum"]; e != nil {
		values = e.Content
	} else if v := members["const"]; v != nil {
		values = []*yaml.Node{v}
	}
	texts := 0
	for _, v := range values {
		if v.Kind != yaml.ScalarNode {
			return Any
		}
		switch v.ShortTag() {
		case "!!str", "!!timestamp":
			texts++
		case "!!null":
		default:
			return Any
		}
	}
	if texts == 0 {
		return Any
	}
	return Text
}

// readChoices compiles enum or const, or leaves it to the full validator.
func (c *schemaCompiler) readChoices(field, keyword string, values []*yaml.Node, k *check) *choices {
	set, ok := newChoices(values)
	if !ok {
		c.slowly(c.pointerTo(field, keyword))
		return nil
	}
	if k.isDecimal && k.field.FromNumber && k.field.FromText && len(set.list) > 0 {
		c.fault(values[0], "%s lists text, but %s is a decimal that may come as number too; list numbers, as [1.50, 2]", keyword, field)
	}
	return set
}

// readLength reads a length that the meta-schema has found to be an integer
// from 0; it may be written 5.0.
func (c *schemaCompiler) readLength(node *yaml.Node, keyword string) int {
	n, ok := parseNumeral([]byte(node.Value))
	length, fits := n.scaled(0)
	if !ok || !fits || length > 1<<30 {
		c.fault(node, "%s is %s; write a whole number up to %s", keyword, node.Value, strconv.Itoa(1<<30))
		return 0
	}
	return int(length)
}
