package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// A fullSchema is the stream's whole schema in the full validator. It judges
// the values, not the bytes they came in, so that a CSV row gets the verdict
// its JSON twin would get.
type fullSchema struct {
	schema *jsonschema.Schema
}

// compileFull compiles the schema in the full validator, which also checks it
// against the meta-schema. Every stream is compiled so, to find mistakes; only
// those with Slow keywords keep the result.
func compileFull(node *yaml.Node, asJSON any, file string, included *sources) (*fullSchema, error) {
	place, err := filepath.Abs(file)
	if err != nil {
		return nil, lineError(node, "find the schema's folder: %v", err)
	}
	address := (&url.URL{Scheme: "file", Path: filepath.ToSlash(place)}).String()
	compiler := newFullCompiler(included)
	if err := compiler.AddResource(address, asJSON); err != nil {
		return nil, schemaError(node, err)
	}
	schema, err := compiler.Compile(address)
	if err != nil {
		return nil, schemaError(node, err)
	}
	included.documents[address] = document{file, node}
	if err := checkSchemas(schema, included); err != nil {
		return nil, err
	}
	return &fullSchema{schema: schema}, nil
}

// newFullCompiler sets the validator up to assert what the checks assert.
func newFullCompiler(included *sources) *jsonschema.Compiler {
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.AssertContent()
	compiler.UseLoader(included)
	for _, f := range formats {
		compiler.RegisterFormat(&jsonschema.Format{Name: f.name, Validate: f.validate})
	}
	for precision := uint8(1); precision <= 18; precision++ {
		for scale := uint8(0); scale <= precision; scale++ {
			compiler.RegisterFormat(decimalValidator(precision, scale))
		}
	}
	compiler.RegisterVocabulary(decimalBounds)
	compiler.AssertVocabs()
	return compiler
}

func (f *format) validate(v any) error {
	if text, ok := v.(string); ok && !f.valid([]byte(text)) {
		return errors.New("want " + f.wants)
	}
	return nil
}

func decimalValidator(precision, scale uint8) *jsonschema.Format {
	field := Field{Precision: precision, Scale: scale, FromText: true, FromNumber: true}
	return &jsonschema.Format{
		Name: fmt.Sprintf("decimal(%d,%d)", precision, scale),
		Validate: func(v any) error {
			fits := true
			switch v := v.(type) {
			case string:
				_, fits = parseDecimal([]byte(v), precision, scale)
			case json.Number:
				n, ok := parseNumeral([]byte(v))
				_, fits = n.decimal(precision, scale)
				fits = fits && ok
			}
			if !fits {
				return errors.New("want " + wantedDecimal(field))
			}
			return nil
		},
	}
}

// judge gives the full validator's verdict on what was received.
func (f *fullSchema) judge(s *Stream, e *penstock.Event) error {
	document, err := s.document(e)
	if err != nil {
		return err
	}
	err = f.schema.Validate(document)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return fmt.Errorf("validate an event of %s: %w", s.Name, err)
	}
	return s.fullReject(invalid, document, e.Extra)
}

// document is the event as received, in the form the validator reads. Decode
// and the other doors have bounded its depth and its numbers.
func (s *Stream) document(e *penstock.Event) (map[string]any, error) {
	document := make(map[string]any, s.Declared+4)
	if len(e.Extra) > 0 {
		text := make([]byte, 0, len(e.Extra)+2)
		text = append(append(append(text, '{'), e.Extra...), '}')
		if err := readJSON(text, &document); err != nil {
			return nil, fmt.Errorf("read the extra members of an event of %s: %w", s.Name, err)
		}
	}
	for i := range s.Fields[:s.Declared] {
		v, f := &e.Values[i], &s.Fields[i]
		if v.Kind == penstock.Absent {
			continue
		}
		value, err := valueJSON(v, f)
		if err != nil {
			return nil, fmt.Errorf("read the field %s of an event of %s: %w", f.Name, s.Name, err)
		}
		document[f.Name] = value
	}
	return document, nil
}

// valueJSON is a value as the validator reads it. A decimal that may come as
// number or as text is a number, so that both forms get the same verdict.
func valueJSON(v *penstock.Value, f *Field) (any, error) {
	switch v.Kind {
	case penstock.Null:
		return nil, nil
	case penstock.Bool:
		return v.Num == 1, nil
	case penstock.Int:
		return json.Number(v.AppendText(nil)), nil
	case penstock.Number:
		return json.Number(v.Bytes), nil
	case penstock.Decimal:
		if f.FromNumber {
			return json.Number(v.AppendText(nil)), nil
		}
		return string(received(v)), nil
	case penstock.Time:
		return string(received(v)), nil
	case penstock.Text:
		return string(v.Bytes), nil
	}
	var inner any
	err := readJSON(v.Bytes, &inner)
	return inner, err
}

func readJSON(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(into)
}

// schemaError gives the validator's complaint about the schema a line.
func schemaError(node *yaml.Node, err error) error {
	var mistake *FileError
	if errors.As(err, &mistake) {
		return err
	}
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		if tree, ok := invalid.Err.(*jsonschema.ValidationError); ok {
			leaf := deepest(tree)
			return lineError(at(node, leaf.InstanceLocation), "%s in the schema: %s; see docs/stream-file.md",
				placeOf(leaf.InstanceLocation), strings.Replace(leafText(leaf), "send ", "write ", 1))
		}
	}
	var missing *jsonschema.JSONPointerNotFoundError
	if errors.As(err, &missing) {
		_, pointer, _ := strings.Cut(missing.URL, "#")
		return lineError(refNode(node, "#"+pointer), "$ref #%s leads nowhere; write it under $defs, or mend the pointer", pointer)
	}
	var unread *jsonschema.LoadURLError
	if errors.As(err, &unread) {
		name := unread.URL[strings.LastIndexByte(unread.URL, '/')+1:]
		return lineError(refNode(node, name), "read the schema %s: %v; write its name relative to this file", name, unread.Err)
	}
	return lineError(node, "the schema does not compile: %v; see docs/stream-file.md", plainError(err))
}

func placeOf(tokens []string) string {
	if len(tokens) == 0 {
		return "the top"
	}
	return "/" + strings.Join(tokens, "/")
}

// plainError leaves out this machine's paths.
func plainError(err error) string {
	text := err.Error()
	if wd, e := os.Getwd(); e == nil {
		text = strings.ReplaceAll(text, "file://"+filepath.ToSlash(wd)+"/", "")
	}
	return text
}

// refNode finds the $ref that ends so, for its line.
func refNode(node *yaml.Node, end string) *yaml.Node {
	if found := findRef(node, end); found != nil {
		return found
	}
	return node
}

func findRef(node *yaml.Node, end string) *yaml.Node {
	for i, inner := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 1 && node.Content[i-1].Value == "$ref" && strings.Contains(inner.Value, end) {
			return inner
		}
		if found := findRef(inner, end); found != nil {
			return found
		}
	}
	return nil
}
