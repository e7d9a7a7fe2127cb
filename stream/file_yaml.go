package stream

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// parseYAML reads the one document of a file.
func parseYAML(data []byte) (*yaml.Node, error) {
	if err := checkText(data); err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := decoder.Decode(&doc); err != nil {
		return nil, yamlError(err, data)
	}
	var more yaml.Node
	if err := decoder.Decode(&more); err == nil {
		return nil, lineError(&more, "a second document; write one a file")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, lineError(&doc, "the file is empty; see docs/stream-file.md")
	}
	return doc.Content[0], errors.Join(beyondJSON(doc.Content[0])...)
}

// beyondJSON lists what YAML has and JSON has not: it would be read by some
// programs and not by others, or say nothing, as an anchor that nobody uses.
func beyondJSON(node *yaml.Node) []error {
	var wrong []error
	switch {
	case node.Kind == yaml.AliasNode:
		return []error{lineError(node, "*%s is an alias; write out what it stands for, stream files have no anchors", node.Value)}
	case node.Anchor != "":
		wrong = append(wrong, lineError(node, "&%s is an anchor; leave it out, stream files have none", node.Anchor))
	case node.Style&yaml.TaggedStyle != 0:
		wrong = append(wrong, lineError(node, "%s is a tag; leave it out, and put text that looks like a number in quotes", node.Tag))
	case node.Kind == yaml.ScalarNode && node.ShortTag() == "!!merge":
		wrong = append(wrong, lineError(node, "<< is a merge key; write the members out"))
	}
	for _, inner := range node.Content {
		wrong = append(wrong, beyondJSON(inner)...)
	}
	return wrong
}

// checkText refuses what is no text: the YAML library would not say where.
func checkText(data []byte) error {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil // UTF-16, which the library reads
	}
	line := 1
	for i, r := range string(data) {
		switch {
		case r == '\n':
			line++
		case r == utf8.RuneError && !bytes.HasPrefix(data[i:], []byte("\uFFFD")):
			return &FileError{Line: line, Text: fmt.Sprintf("the byte 0x%02X is no UTF-8 (in Latin-1 it is %c); save the file as UTF-8", data[i], rune(data[i]))}
		case r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r&^1 == 0xfffe || r == 0xfeff && i > 0:
			return &FileError{Line: line, Text: fmt.Sprintf("the control character U+%04X; leave it out, or write it as \\u%04x in double quotes", r, r)}
		}
	}
	return nil
}

var tabIndent = regexp.MustCompile(`^ *\t`)

// yamlError gives a syntax error of the YAML library the form of all others.
func yamlError(err error, data []byte) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if text == "EOF" {
		return &FileError{Line: 1, Text: "the file is empty; see docs/stream-file.md"}
	}
	line := 1
	if _, scan := fmt.Sscanf(text, "line %d:", &line); scan == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	advice := "mind the indentation, and put text with : or # or { in quotes"
	if lines := bytes.Split(data, []byte("\n")); text == "found character that cannot start any token" && line <= len(lines) && tabIndent.Match(lines[line-1]) {
		text, advice = "the line is indented with a tab", "write spaces, two for each level"
	}
	return &FileError{Line: line, Text: "not YAML: " + text + "; " + advice}
}
