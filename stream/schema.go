package stream

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// fieldsMax bounds the fields a schema may declare.
const fieldsMax = 1000

// A schemaCompiler turns the schema of one stream into its declared fields and
// their checks. What it cannot check directly it notes in slow, and the full
// validator judges the whole schema.
type schemaCompiler struct {
	stream *Stream
	root   *yaml.Node
	slow   []string // JSON pointers into the schema
	wrong  []error
}

// compileSchema sets Fields, Declared, rules and Slow from the schema at node,
// which stands in the given file.
func (s *Stream) compileSchema(node *yaml.Node, file string, included *sources) error {
	document, err := toJSON(node)
	if err != nil {
		return err
	}
	if err := lintSchema(node); err != nil {
		return err
	}
	full, err := compileFull(node, document, file, included)
	if err != nil {
		return err
	}
	c := &schemaCompiler{stream: s, root: node}
	c.compileRoot()
	if err := errors.Join(c.wrong...); err != nil {
		return err
	}
	if s.schema, err = json.Marshal(document); err != nil {
		return lineError(node, "write the schema as JSON: %v", err)
	}
	s.Slow = c.slow
	if len(c.slow) > 0 {
		s.full = full
		c.noteFullText()
	}
	return nil
}

// noteFullText notes of each field whether the full validator may look at its
// text: by a keyword of the field's own, or by one of the whole event that sees
// values.
func (c *schemaCompiler) noteFullText() {
	blind := []string{"#/additionalProperties", "#/required", "#/dependentRequired", "#/minProperties", "#/maxProperties", "#/propertyNames"}
	for i := range c.stream.checks {
		k := &c.stream.checks[i]
		own := c.pointerTo(k.field.Name, "")
		k.fullText = k.constant != nil || k.enum != nil || k.textual || slices.ContainsFunc(c.slow, func(pointer string) bool {
			return strings.HasPrefix(pointer, own) || !strings.HasPrefix(pointer, "#/properties/") && !slices.Contains(blind, pointer)
		})
	}
}

func (c *schemaCompiler) fault(node *yaml.Node, format string, args ...any) {
	c.wrong = append(c.wrong, lineError(node, format, args...))
}

func (c *schemaCompiler) slowly(pointer string) {
	if !slices.Contains(c.slow, pointer) {
		c.slow = append(c.slow, pointer)
	}
}

// compileRoot reads the schema of the event itself.
func (c *schemaCompiler) compileRoot() {
	members, ok := c.members(c.root, "#")
	if !ok {
		c.fault(c.root, "the schema is %s; name the fields: {type: object, properties: {NAME: {type: string}}}", shape(c.root))
		return
	}
	if t := members["type"]; t != nil && typesOf(t)&typeObject == 0 {
		c.fault(t, "the schema's type is %s, but an event is an object; write type: object", typesOf(t))
	}
	properties := members["properties"]
	if properties == nil || len(properties.Content) == 0 {
		c.fault(c.root, "the schema has no properties, so the stream has no fields; write properties: {NAME: {type: string}}")
		return
	}
	c.compileProperties(properties)
	for name, node := range members {
		switch name {
		case "type", "properties", "required":
		case "additionalProperties":
			c.compileAdditional(node, members["patternProperties"] != nil)
		default:
			if keywords[name].holds != holdsNote && name != "$defs" && name != "definitions" {
				c.slowly("#/" + escapePointer(name))
			}
		}
	}
	c.compileRequired(members["required"])
	slices.Sort(c.slow)
}

// compileAdditional decides what becomes of members without a field.
func (c *schemaCompiler) compileAdditional(node *yaml.Node, patterns bool) {
	switch {
	case node.Kind != yaml.ScalarNode:
		if len(node.Content) > 0 {
			c.slowly("#/additionalProperties")
		}
	case !strings.EqualFold(node.Value, "false"):
	case patterns:
		c.slowly("#/additionalProperties")
	default:
		c.stream.closed = true
	}
}

func (c *schemaCompiler) compileRequired(node *yaml.Node) {
	if node == nil {
		return
	}
	for _, item := range node.Content {
		if i := c.stream.slot(item.Value); i >= 0 {
			c.stream.checks[i].required = true
		} else {
			c.slowly("#/required")
		}
	}
}

func (c *schemaCompiler) compileProperties(node *yaml.Node) {
	members, _ := entries(node, "properties")
	if len(members) > fieldsMax {
		c.fault(node, "properties has %d fields; a stream has at most %d", len(members), fieldsMax)
		return
	}
	for _, m := range members {
		if text := badFieldName(m.name); text != "" {
			c.fault(m.key, "the field name %q %s", cut(m.name), text)
			continue
		}
		check := c.compileProperty(m)
		c.stream.Fields = append(c.stream.Fields, check.field)
		c.stream.checks = append(c.stream.checks, check)
	}
	c.stream.Declared = len(c.stream.Fields)
}

// badFieldName says what is wrong with a field's name, or nothing.
func badFieldName(name string) string {
	switch {
	case name == "":
		return "is empty; write a name"
	case len(name) > 200:
		return "is longer than 200 bytes; write a shorter one"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "has control characters; write printable text"
	}
	return ""
}

// members lists a schema's keywords by name, with those of a local $ref in
// their midst; ok is false when the schema is true or false. A $ref that
// cannot be followed here stays in the list and is the full validator's work.
func (c *schemaCompiler) members(node *yaml.Node, pointer string) (byName map[string]*yaml.Node, ok bool) {
	if node.Kind != yaml.MappingNode {
		return nil, false
	}
	byName = map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		byName[node.Content[i].Value] = node.Content[i+1]
	}
	for hops := 0; byName["$ref"] != nil; hops++ {
		target := c.local(byName["$ref"].Value)
		if target == nil || hops == 16 || clashes(byName, target) {
			return byName, true
		}
		delete(byName, "$ref")
		for i := 0; i+1 < len(target.Content); i += 2 {
			if name := target.Content[i].Value; keywords[name].holds != holdsNote {
				byName[name] = target.Content[i+1]
			}
		}
	}
	return byName, true
}

// local finds the schema of a $ref within the document, as #/$defs/money.
func (c *schemaCompiler) local(ref string) *yaml.Node {
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok || strings.Contains(path, "%") {
		return nil
	}
	node := c.root
	for _, token := range strings.Split(path, "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		if node = child(node, token); node == nil || node != c.root && child(node, "$id") != nil {
			return nil
		}
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	return node
}

// clashes reports whether the target of a $ref says something about what its
// siblings say too, so that the two cannot be one list.
func clashes(byName map[string]*yaml.Node, target *yaml.Node) bool {
	for i := 0; i+1 < len(target.Content); i += 2 {
		name := target.Content[i].Value
		if name != "$ref" && keywords[name].holds != holdsNote && byName[name] != nil {
			return true
		}
	}
	return false
}

func (c *schemaCompiler) pointerTo(name, keyword string) string {
	return fmt.Sprintf("#/properties/%s/%s", escapePointer(name), escapePointer(keyword))
}
