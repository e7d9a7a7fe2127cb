package stream

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// schemaDepthMax bounds how deep a schema file may nest.
const schemaDepthMax = 100

// toJSON turns a YAML value into what the schema validator reads. Numbers stay
// the literals they are, so that no bound passes through float64.
func toJSON(node *yaml.Node) (any, error) { return toJSONAt(node, 0) }

func toJSONAt(node *yaml.Node, depth int) (any, error) {
	if depth > schemaDepthMax {
		return nil, lineError(node, "nested deeper than %d levels; split it with $defs and $ref", schemaDepthMax)
	}
	switch node.Kind {
	case yaml.MappingNode:
		list, err := entries(node, "the schema")
		wrong := []error{err}
		object := make(map[string]any, len(list))
		for _, e := range list {
			v, err := toJSONAt(e.value, depth+1)
			wrong = append(wrong, err)
			object[e.name] = v
		}
		return object, errors.Join(wrong...)
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		var wrong []error
		for _, item := range node.Content {
			v, err := toJSONAt(item, depth+1)
			wrong = append(wrong, err)
			list = append(list, v)
		}
		return list, errors.Join(wrong...)
	}
	return scalarJSON(node)
}

func scalarJSON(node *yaml.Node) (any, error) {
	switch node.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strings.EqualFold(node.Value, "true"), nil
	case "!!int", "!!float":
		if !json.Valid([]byte(node.Value)) {
			return nil, lineError(node, "the number %s is not written as JSON writes numbers; write digits, as 12, -3 or 0.5, or put it in quotes if it is text", node.Value)
		}
		if _, ok := parseNumeral([]byte(node.Value)); !ok {
			return nil, outOfRange(node)
		}
		return json.Number(node.Value), nil
	case "!!str", "!!timestamp":
		// The YAML library takes a number beyond float64 for text.
		if _, end, wrong := readNumeral([]byte(node.Value), 0); node.Style == 0 && wrong == "" && end == len(node.Value) && node.Value != "" {
			return nil, outOfRange(node)
		}
		return node.Value, nil
	}
	return nil, lineError(node, "%s means nothing in JSON; write text, a number, true, false or null", shape(node))
}

func outOfRange(node *yaml.Node) error {
	return lineError(node, "the number %s is out of range; write one within ±1e308, or put it in quotes if it is text", cut(node.Value))
}

// at returns the node that a JSON pointer's tokens lead to, or the last on the
// way that exists, so that every complaint has a line.
func at(node *yaml.Node, tokens []string) *yaml.Node {
	for _, token := range tokens {
		next := child(node, token)
		if next == nil {
			return node
		}
		node = next
	}
	return node
}

func child(node *yaml.Node, token string) *yaml.Node {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == token {
				return node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i]
		}
	}
	return nil
}

// escapePointer writes a member's name as a token of a JSON pointer.
func escapePointer(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
