package stream

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonTypes is a set of JSON's types, where integer is a part of number.
type jsonTypes uint8

const (
	typeNull jsonTypes = 1 << iota
	typeBoolean
	typeInteger
	typeNumber
	typeString
	typeObject
	typeArray

	allTypes = typeNull | typeBoolean | typeInteger | typeNumber | typeString | typeObject | typeArray
)

var typeNames = []string{"null", "boolean", "integer", "number", "string", "object", "array"}

// typeWords are the types as messages to people have them.
var typeWords = []string{"null", "true or false", "an integer", "a number", "text", "an object", "an array"}

// String lists the types as messages do.
func (t jsonTypes) String() string {
	var list []string
	for i, name := range typeNames {
		if t&(1<<i) != 0 && (name != "integer" || t&typeNumber == 0) {
			list = append(list, name)
		}
	}
	return orList(list)
}

// words lists the types for people.
func (t jsonTypes) words() string {
	var list []string
	for i, word := range typeWords {
		if t&(1<<i) != 0 && (typeNames[i] != "integer" || t&typeNumber == 0) {
			list = append(list, word)
		}
	}
	return orList(list)
}

// typesOf reads the keyword type; an absent one is all types. What is no type
// is left to the validator's complaint.
func typesOf(node *yaml.Node) jsonTypes {
	if node == nil {
		return allTypes
	}
	list := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		list = node.Content
	}
	var names []string
	for _, item := range list {
		names = append(names, item.Value)
	}
	return typesNamed(names)
}

func typesNamed(names []string) jsonTypes {
	var t jsonTypes
	for _, name := range names {
		if i := slices.Index(typeNames, name); i >= 0 {
			t |= 1 << i
		}
	}
	if t&typeNumber != 0 {
		t |= typeInteger
	}
	return t
}

// content says where a keyword's value has schemas in it.
type content uint8

const (
	holdsData content = iota
	holdsSchema
	holdsList // of schemas
	holdsMap  // of names to schemas
	holdsNote // an annotation: says something to people, judges nothing
)

// A keyword is one word of JSON Schema 2020-12.
type keyword struct {
	holds content
	on    jsonTypes // the types it judges
	needs string    // the keyword without which it says nothing
}

var keywords = map[string]keyword{
	"$schema": {holds: holdsNote}, "$id": {holds: holdsNote}, "$anchor": {holds: holdsNote},
	"$comment": {holds: holdsNote}, "title": {holds: holdsNote}, "description": {holds: holdsNote},
	"examples": {holds: holdsNote}, "deprecated": {holds: holdsNote},
	"readOnly": {holds: holdsNote}, "writeOnly": {holds: holdsNote},
	"$defs": {holds: holdsMap, on: allTypes}, "definitions": {holds: holdsMap, on: allTypes},
	"$ref": {on: allTypes}, "$dynamicRef": {on: allTypes}, "$dynamicAnchor": {on: allTypes},

	"type": {on: allTypes}, "enum": {on: allTypes}, "const": {on: allTypes}, "format": {on: typeString | typeNumber | typeInteger},
	"allOf": {holds: holdsList, on: allTypes}, "anyOf": {holds: holdsList, on: allTypes},
	"oneOf": {holds: holdsList, on: allTypes}, "not": {holds: holdsSchema, on: allTypes},
	"if":   {holds: holdsSchema, on: allTypes},
	"then": {holds: holdsSchema, on: allTypes, needs: "if"},
	"else": {holds: holdsSchema, on: allTypes, needs: "if"},

	"minimum": {on: typeNumber | typeInteger}, "maximum": {on: typeNumber | typeInteger},
	"exclusiveMinimum": {on: typeNumber | typeInteger}, "exclusiveMaximum": {on: typeNumber | typeInteger},
	"multipleOf": {on: typeNumber | typeInteger},

	"minLength": {on: typeString}, "maxLength": {on: typeString}, "pattern": {on: typeString},
	"contentEncoding": {on: typeString}, "contentMediaType": {on: typeString},
	"contentSchema": {holds: holdsSchema, on: typeString, needs: "contentMediaType"},

	"properties": {holds: holdsMap, on: typeObject}, "patternProperties": {holds: holdsMap, on: typeObject},
	"additionalProperties": {holds: holdsSchema, on: typeObject}, "required": {on: typeObject},
	"minProperties": {on: typeObject}, "maxProperties": {on: typeObject},
	"propertyNames": {holds: holdsSchema, on: typeObject}, "dependentRequired": {on: typeObject},
	"dependentSchemas":      {holds: holdsMap, on: typeObject},
	"unevaluatedProperties": {holds: holdsSchema, on: typeObject},

	"items": {holds: holdsSchema, on: typeArray}, "prefixItems": {holds: holdsList, on: typeArray},
	"contains":    {holds: holdsSchema, on: typeArray},
	"minContains": {on: typeArray, needs: "contains"}, "maxContains": {on: typeArray, needs: "contains"},
	"minItems": {on: typeArray}, "maxItems": {on: typeArray}, "uniqueItems": {on: typeArray},
	"unevaluatedItems": {holds: holdsSchema, on: typeArray},
}

// refused are words that other drafts or dialects know, or that would promise
// what nobody does, each with what to write instead.
var refused = map[string]string{
	"default":          "it fills in nothing; write derive: {NAME: {from: NAME, do: [{default: VALUE}]}}",
	"dependencies":     "2020-12 calls it dependentRequired or dependentSchemas",
	"additionalItems":  "2020-12 calls it items, beside prefixItems",
	"id":               "2020-12 calls it $id",
	"$recursiveRef":    "2020-12 calls it $dynamicRef",
	"$recursiveAnchor": "2020-12 calls it $dynamicAnchor",
	"$vocabulary":      "it belongs in meta-schemas; leave it out",
	"nullable":         `it is OpenAPI's; write type: [TYPE, "null"]`,
	"discriminator":    "it is OpenAPI's; write if and then, or oneOf",
	"example":          "it is OpenAPI's; write examples: [VALUE]",
	"divisibleBy":      "2020-12 calls it multipleOf",
	"extends":          "2020-12 calls it allOf",
}

// lintSchema complains about everything in a schema that would judge nothing:
// unknown words, keywords that cannot apply, formats nobody asserts, patterns
// nobody can match. Whether the values have the right form is left to the
// meta-schema.
func lintSchema(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!bool" {
		return nil
	}
	if node.Kind != yaml.MappingNode {
		return lineError(node, "a schema is %s; write a mapping, as {type: string}, or true or false", shape(node))
	}
	members, err := entries(node, "the schema")
	wrong := []error{err}
	present := func(name string) *yaml.Node { return child(node, name) }
	types := typesOf(present("type"))
	for _, m := range members {
		k, known := keywords[m.name]
		if !known {
			wrong = append(wrong, unknownKeyword(m))
			continue
		}
		if k.needs != "" && present(k.needs) == nil {
			wrong = append(wrong, lineError(m.key, "%s says nothing without %s; add it, or leave %s out", m.name, k.needs, m.name))
		}
		wrong = append(wrong, appliesTo(m, k, types, present("format")), lintValue(m), lintInner(m.value, k.holds))
	}
	return errors.Join(wrong...)
}

func unknownKeyword(m entry) error {
	if advice, ok := refused[m.name]; ok {
		return lineError(m.key, "%s is not taken in a schema: %s", m.name, advice)
	}
	known := make([]string, 0, len(keywords))
	for name := range keywords {
		known = append(known, name)
	}
	sort.Strings(known)
	return lineError(m.key, "%q is no keyword of JSON Schema 2020-12; %s", m.name, meant(m.name, known))
}

// appliesTo complains about a keyword that judges none of the types admitted
// beside it.
func appliesTo(m entry, k keyword, types jsonTypes, format *yaml.Node) error {
	if k.holds == holdsNote || k.on&types != 0 || types == 0 {
		return nil
	}
	if format != nil && strings.HasPrefix(format.Value, "decimal") && k.on&typeNumber != 0 && types&typeString != 0 {
		return nil // a decimal's bounds hold for its text form too
	}
	return lineError(m.key, "%s says nothing about type %s; it judges %s", m.name, types, k.on)
}

// lintValue checks what the meta-schema does not.
func lintValue(m entry) error {
	switch m.name {
	case "type":
		return lintType(m.value)
	case "format":
		return lintFormat(m.value)
	case "pattern":
		return lintPattern(m.value)
	case "patternProperties":
		if m.value.Kind != yaml.MappingNode {
			return nil
		}
		var wrong []error
		for i := 0; i < len(m.value.Content); i += 2 {
			wrong = append(wrong, lintPattern(m.value.Content[i]))
		}
		return errors.Join(wrong...)
	case "enum":
		if m.value.Kind == yaml.SequenceNode && len(m.value.Content) == 0 {
			return lineError(m.value, "enum is empty, so no value could ever pass; list the values")
		}
	case "contentEncoding":
		_, err := choice(m.value, "contentEncoding", "base64")
		return err
	case "contentMediaType":
		_, err := choice(m.value, "contentMediaType", "application/json")
		return err
	case "$schema":
		if strings.TrimSuffix(m.value.Value, "#") != "https://json-schema.org/draft/2020-12/schema" {
			return lineError(m.value, "$schema is %s; only JSON Schema 2020-12 is read: write https://json-schema.org/draft/2020-12/schema", shape(m.value))
		}
	case "$ref":
		u, err := url.Parse(m.value.Value)
		if err == nil && u.IsAbs() {
			return lineError(m.value, "$ref %s is remote and never fetched; save it beside this file and write its name", m.value.Value)
		}
	}
	return nil
}

func lintType(node *yaml.Node) error {
	list := []*yaml.Node{node}
	if node.Kind == yaml.SequenceNode {
		list = node.Content
	}
	var wrong []error
	for _, item := range list {
		if item.Kind == yaml.ScalarNode && item.ShortTag() == "!!null" {
			wrong = append(wrong, lineError(item, `the type null is a word here; write it in quotes: "null"`))
		} else if item.Kind != yaml.ScalarNode || !slices.Contains(typeNames, item.Value) {
			wrong = append(wrong, lineError(item, "the type is %s; %s", shape(item), meant(item.Value, typeNames)))
		}
	}
	return errors.Join(wrong...)
}

func lintFormat(node *yaml.Node) error {
	if _, _, decimal, err := parseDecimalFormat(node.Value); decimal {
		if err != nil {
			return lineError(node, "%v", err)
		}
		return nil
	}
	if formatNamed(node.Value) == nil {
		return lineError(node, "the format %q is not asserted; %s (pattern can describe any form)", node.Value, meant(node.Value, formatNames()))
	}
	return nil
}

func lintPattern(node *yaml.Node) error {
	if _, err := regexp.Compile(node.Value); err != nil {
		text := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
		return lineError(node, "the pattern %q cannot be matched in bounded time: %s; write it in RE2 syntax, which has no look-around, back references or \\u", cut(node.Value), text)
	}
	return nil
}

// lintInner goes on into the schemas that a keyword's value holds.
func lintInner(node *yaml.Node, in content) error {
	var wrong []error
	switch {
	case in == holdsSchema:
		return lintSchema(node)
	case in == holdsList && node.Kind == yaml.SequenceNode:
		for _, item := range node.Content {
			wrong = append(wrong, lintSchema(item))
		}
	case in == holdsMap && node.Kind == yaml.MappingNode:
		for i := 1; i < len(node.Content); i += 2 {
			wrong = append(wrong, lintSchema(node.Content[i]))
		}
	}
	return errors.Join(wrong...)
}
