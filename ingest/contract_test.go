package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A contract is openapi.json, held against what goes over the line.
type contract struct {
	t        *testing.T
	doc      map[string]any
	compiler *jsonschema.Compiler

	mu   sync.Mutex
	seen map[string]bool // "POST /path 202", as the document spells the path
}

const contractURL = "https://penstock.test/openapi.json"

func newContract(t *testing.T) *contract {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := &contract{t: t, doc: parsed.(map[string]any), compiler: jsonschema.NewCompiler(), seen: map[string]bool{}}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	if err := c.compiler.AddResource(contractURL, parsed); err != nil {
		t.Fatal(err)
	}
	return c
}

// at returns what stands at the pointer, references followed.
func (c *contract) at(pointer ...string) (any, string) {
	var here any = c.doc
	path := ""
	for _, p := range pointer {
		m, ok := here.(map[string]any)
		if !ok || m[p] == nil {
			return nil, path
		}
		here = m[p]
		path += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(p)
		if ref, ok := here.(map[string]any)["$ref"].(string); ok {
			here, path = c.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
		}
	}
	return here, path
}

// validate holds JSON text against the schema at the pointer.
func (c *contract) validate(text []byte, pointer ...string) error {
	_, path := c.at(pointer...)
	schema, err := c.compiler.Compile(contractURL + "#" + strings.ReplaceAll(strings.ReplaceAll(path, "{", "%7B"), "}", "%7D"))
	if err != nil {
		return fmt.Errorf("schema at %s: %w", path, err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

func contractPath(path string) string {
	parts := strings.SplitN(path, "/", 6) // "", v1, streams, NAME, events, ID
	if len(parts) > 3 && parts[2] == "streams" {
		parts[3] = "{stream}"
	}
	if len(parts) > 5 {
		parts[5] = "{id}"
	}
	return strings.Join(parts, "/")
}

// RoundTrip sends the request and checks both it and its answer.
func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil && r.ContentLength > 0 { // a body of unknown length is sent as it comes
		sent, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	c.check(r, sent, response, text)
	return response, nil
}

func (c *contract) check(r *http.Request, sent []byte, response *http.Response, text []byte) {
	path, method, status := contractPath(r.URL.Path), strings.ToLower(r.Method), fmt.Sprint(response.StatusCode)
	if response.StatusCode == http.StatusMethodNotAllowed { // answered to a method that has no operation
		methods, _ := c.at("paths", path)
		for m := range methods.(map[string]any) {
			if m != "parameters" {
				method = m
			}
		}
	}
	name := strings.ToUpper(method) + " " + path + " " + status
	at := []string{"paths", path, method, "responses", status}
	answer, _ := c.at(at...)
	if answer == nil {
		c.t.Errorf("%s is not in openapi.json\n%s", name, text)
		return
	}
	c.mu.Lock()
	c.seen[name] = true
	c.mu.Unlock()
	media := response.Header.Get("Content-Type")
	if err := c.validate(text, append(at, "content", media, "schema")...); err != nil {
		c.t.Errorf("%s, %s: %v\n%s", name, media, err, text)
	}
	c.checkHeaders(name, response.Header, append(at, "headers"))
	all := response.StatusCode == http.StatusOK || response.StatusCode == http.StatusAccepted
	if all && method == "post" && r.Header.Get("Content-Encoding") == "" {
		media := r.Header.Get("Content-Type")
		if strings.HasSuffix(media, "json") && media != "application/x-ndjson" {
			if err := c.validate(sent, "paths", path, "post", "requestBody", "content", media, "schema"); err != nil {
				c.t.Errorf("%s took a body that openapi.json does not have: %v\n%s", name, err, sent)
			}
		}
	}
}

// optional headers are documented and not always there.
var optional = []string{"Retry-After", "Penstock-Ack"}

func (c *contract) checkHeaders(name string, got http.Header, at []string) {
	documented, _ := c.at(at...)
	names, _ := documented.(map[string]any)
	for header := range names {
		value := got.Get(header)
		if value == "" {
			if !slices.Contains(optional, header) {
				c.t.Errorf("%s: header %s is missing", name, header)
			}
			continue
		}
		text, _ := json.Marshal(value)
		if err := c.validate(text, append(slices.Clone(at), header, "schema")...); err != nil {
			c.t.Errorf("%s: header %s: %v", name, header, err)
		}
	}
	for _, header := range append(optional, "Allow", "Www-Authenticate", "Accept-Encoding") {
		if _, ok := names[header]; !ok && got.Get(header) != "" && header != "Www-Authenticate" {
			c.t.Errorf("%s: header %s is not in openapi.json", name, header)
		}
	}
}

// examples checks that each example in the document is what its schema says.
func (c *contract) examples(here any, path ...string) {
	m, ok := here.(map[string]any)
	if !ok {
		return
	}
	if example, ok := m["example"]; ok && m["schema"] != nil {
		text, _ := json.Marshal(example)
		if err := c.validate(text, append(slices.Clone(path), "schema")...); err != nil {
			c.t.Errorf("example at %v: %v", path, err)
		}
	}
	for name, below := range m {
		c.examples(below, append(slices.Clone(path), name)...)
	}
}

// unseen lists the answers in the document that no request has had.
func (c *contract) unseen() []string {
	var all []string
	paths, _ := c.at("paths")
	for path, item := range paths.(map[string]any) {
		for method, operation := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				if name := strings.ToUpper(method) + " " + path + " " + status; !c.seen[name] {
					all = append(all, name)
				}
			}
		}
	}
	slices.Sort(all)
	return all
}
