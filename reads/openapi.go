package reads

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/penstock-io/penstock/stream"
)

// answers are the schemas that all reads share.
//
//go:embed openapi.json
var answers []byte

// Describe adds the paths that are served to an OpenAPI document.
func (h *Handler) Describe(openAPI []byte) ([]byte, error) {
	var document, shared map[string]any
	if err := json.Unmarshal(openAPI, &document); err != nil {
		return nil, fmt.Errorf("describe the reads: %w", err)
	}
	if err := json.Unmarshal(answers, &shared); err != nil {
		return nil, fmt.Errorf("describe the reads: %w", err)
	}
	components := document["components"].(map[string]any)
	for kind, added := range shared {
		there, _ := components[kind].(map[string]any)
		if there == nil {
			there = map[string]any{}
			components[kind] = there
		}
		for name, what := range added.(map[string]any) {
			there[name] = what
		}
	}
	paths := document["paths"].(map[string]any)
	for _, e := range *h.served.Load() {
		paths[e.read.Path] = map[string]any{"get": e.operation(false)}
		paths[e.read.Me] = map[string]any{"get": e.operation(true)}
	}
	return json.Marshal(document)
}

func (e *endpoint) operation(me bool) map[string]any {
	name := e.read.Path[strings.LastIndexByte(e.read.Path, '/')+1:]
	summary, id := "A user's "+name+", newest first", "read_"+name
	var parameters []any
	if me {
		summary, id = "The asker's own "+name+", newest first", "read_my_"+name
	} else {
		parameters = append(parameters, parameter(e.Stream.Fields[e.read.By].Name, "path", "whose rows; one that is not the asker's is as one that is not there", map[string]any{"type": "string"}))
	}
	instant := map[string]any{"type": "string", "format": "date-time"}
	parameters = append(parameters,
		parameter("limit", "query", "rows on the page", map[string]any{"type": "integer", "minimum": 1, "maximum": limitMax, "default": limitDefault}),
		parameter("cursor", "query", "next_cursor of the page before, with the same other parameters", map[string]any{"type": "string", "maxLength": cursorBytesMax}),
		parameter(e.afterName, "query", "only rows of this time or later", instant),
		parameter(e.beforeName, "query", "only rows before this time", instant))
	for _, slot := range e.read.Filter {
		parameters = append(parameters, parameter(e.Stream.Fields[slot].Name, "query", "only rows with this value", e.enumeration(slot)))
	}
	responses := map[string]any{"200": map[string]any{
		"description": "A page. With a next_cursor there are more rows.",
		"headers":     map[string]any{"Link": map[string]any{"description": "the next page, rel=next", "schema": map[string]any{"type": "string"}}},
		"content":     map[string]any{"application/json": map[string]any{"schema": e.pageSchema()}},
	}}
	for status, why := range map[string]string{
		"400": "A parameter or the cursor is not valid.", "401": "No key or token, or one that proves nothing.",
		"404": "Not the asker's, or not there: the answer is the same.", "405": "Another method than GET or HEAD.",
		"429": "Too many requests; Retry-After says when again.", "500": "A defect.", "503": "The rows cannot be read now; Retry-After says when again.",
	} {
		responses[status] = map[string]any{"description": why, "content": map[string]any{"application/problem+json": map[string]any{
			"schema": map[string]any{"$ref": "#/components/schemas/ReadProblem"}}}}
	}
	return map[string]any{"summary": summary, "operationId": id, "parameters": parameters, "responses": responses,
		"security": []any{map[string]any{}, map[string]any{"bearer": []any{}}, map[string]any{"apiKey": []any{}}, map[string]any{"mutualTLS": []any{}}}}
}

func parameter(name, in, description string, schema map[string]any) map[string]any {
	return map[string]any{"name": name, "in": in, "description": description, "required": in == "path", "schema": schema}
}

// enumeration is what the stream's own schema lists.
func (e *endpoint) enumeration(slot int) map[string]any {
	var schema struct {
		Properties map[string]struct {
			Enum []any `json:"enum"`
		} `json:"properties"`
	}
	if json.Unmarshal(e.Stream.Schema(), &schema) != nil {
		return map[string]any{"type": "string"}
	}
	return map[string]any{"type": "string", "enum": schema.Properties[e.Stream.Fields[slot].Name].Enum}
}

func (e *endpoint) pageSchema() map[string]any {
	properties := map[string]any{}
	var required []any
	for _, slot := range e.read.Columns {
		f := e.Stream.Fields[slot]
		properties[f.Name] = valueSchema(f)
		required = append(required, f.Name)
	}
	row := map[string]any{"type": "object", "additionalProperties": false, "required": required, "properties": properties}
	return map[string]any{"type": "object", "additionalProperties": false, "required": []any{"data", "next_cursor"}, "properties": map[string]any{
		"data": map[string]any{"type": "array", "maxItems": limitMax, "items": row}, "next_cursor": map[string]any{"type": []any{"string", "null"}}}}
}

// valueSchema is what appendValue writes of a field.
func valueSchema(f stream.Field) map[string]any {
	switch f.Type {
	case stream.Bool:
		return map[string]any{"type": []any{"boolean", "null"}}
	case stream.Time:
		return map[string]any{"type": []any{"string", "null"}, "format": "date-time"}
	case stream.JSON, stream.Any:
		return map[string]any{}
	case stream.Text:
		return map[string]any{"type": []any{"string", "null"}}
	}
	return map[string]any{"type": []any{"string", "null"}, "description": "a number as text, with all its digits"}
}
