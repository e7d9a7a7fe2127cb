package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
)

func TestLoadOrders(t *testing.T) {
	s := loadOrders(t)
	var row []string
	for _, f := range s.Fields {
		row = append(row, fmt.Sprintf("%s: %v", f.Name, f.Type))
	}
	want := []string{
		"order_id: an integer", "user_id: an integer", "created_at: a time", "amount: a decimal",
		"currency: text", "status: text", "email: text", "note: text",
		"amount_minor: an integer", "email: text", "country: any value", "tier: any value",
	}
	if !slices.Equal(row, want) {
		t.Errorf("the row is %q, want %q", row, want)
	}
	if s.Declared != 8 || len(s.Slow) != 0 || !slices.Equal(s.ID, []int{0}) || s.Key != 1 || s.Time != 2 ||
		s.Topic != "orders" || s.Table.Name != "orders" || !slices.Equal(s.Table.PrimaryKey, []int{0}) ||
		s.Ack != penstock.AckDisk || !s.Rejects || len(s.Version) != 12 {
		t.Errorf("the stream is %+v", s)
	}
	if f := s.Fields[3]; f.Precision != 12 || f.Scale != 2 || !f.FromText || !f.FromNumber {
		t.Errorf("amount is %+v", f)
	}
	l := s.Lookups[0]
	if l.Name != "customer" || filepath.Base(l.File) != "customers.csv" || l.Match != 1 || l.Column != "user_id" ||
		l.Missing != PolicyDefault || l.Add[0].Default.String() != "unknown" {
		t.Errorf("the look-up is %+v", l)
	}
}

// TestSchemaIsExact: what senders are shown is what they are judged by, digit
// for digit.
func TestSchemaIsExact(t *testing.T) {
	s := loadText(t, "stream: exact\nschema: {properties: {n: {maximum: 9223372036854775807.000000000000000001, type: number}}}\n")
	want := `{"properties":{"n":{"maximum":9223372036854775807.000000000000000001,"type":"number"}}}`
	if string(s.Schema()) != want {
		t.Errorf("the schema is %s, want %s", s.Schema(), want)
	}
}

func TestLoadDefaults(t *testing.T) {
	s := loadText(t, "stream: page-views\nschema: {properties: {at: {type: string}}}\n")
	if s.Key != -1 || s.Time != -1 || s.ID != nil || s.Topic != "page-views" || s.Table.Name != "page_views" ||
		s.Table.PrimaryKey != nil || s.Ack != penstock.AckDisk || s.Rejects {
		t.Errorf("the stream is %+v", s)
	}
}

func TestLoadFolder(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("notes.txt", "not a stream")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "has no *.yaml file") {
		t.Errorf("an empty folder gives %v", err)
	}
	write("b.yaml", "stream: b\nschema: money.schema.yaml\n")
	write("a.yml", "stream: a\nschema: {properties: {n: {$ref: money.schema.yaml}}}\n")
	write("money.schema.yaml", "type: [object, number]\nproperties: {n: {type: number}}\n")
	streams, err := Load(dir)
	if err != nil || len(streams) != 2 || streams[0].Name != "a" || streams[1].Name != "b" {
		t.Fatalf("loaded %v, %v; want a and b", streams, err)
	}
	before := streams[0].Version + streams[1].Version
	write("money.schema.yaml", "type: [object, number]\nproperties: {n: {type: number, minimum: 0}}\n")
	if streams, err = Load(dir); err != nil {
		t.Fatal(err)
	}
	if streams[0].Version == before[:12] || streams[1].Version == before[12:] {
		t.Error("a changed schema file leaves the version of a stream that includes it")
	}
	before = streams[1].Version
	write("b.yaml", "stream: b\nschema: money.schema.yaml\ntopic: elsewhere\n")
	if streams, err = Load(dir); err != nil || streams[1].Version == before {
		t.Errorf("a changed stream file leaves its version (%v)", err)
	}
	write("c.yaml", "stream: a\nschema: {properties: {n: true}}\n")
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "c.yaml:1: the stream a is described in "+filepath.Join(dir, "a.yml")+" already") {
		t.Errorf("two streams of one name give %v", err)
	}
	if _, err := Load(filepath.Join(dir, "none")); err == nil {
		t.Error("a path that is not there loads")
	}
}

// TestDocumentedExamples loads what docs/stream-file.md shows.
func TestDocumentedExamples(t *testing.T) {
	text, err := os.ReadFile("../docs/stream-file.md")
	if err != nil {
		t.Fatal(err)
	}
	const before = "stream: documented\n"
	const schema = `schema:
  properties:
    user_id: {type: integer}
    amount: {type: [number, string], format: "decimal(12,2)"}
    currency: {type: string}
    status: {type: string}
    email: {type: string}
`
	loaded := 0
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		switch {
		case strings.HasPrefix(block, "stream:"):
		case strings.HasPrefix(block, "schema: order.schema.json"):
			continue // a file that is not there
		case strings.HasPrefix(block, "schema:"):
			block = before + block
		default:
			block = before + schema + block
		}
		loadText(t, block)
		loaded++
	}
	if loaded < 4 {
		t.Errorf("found %d examples, want at least 4", loaded)
	}
}

// TestLoadRefusesEndlessFiles: a device or a vast file must not fill memory.
func TestLoadRefusesEndlessFiles(t *testing.T) {
	if _, err := Load(os.DevNull); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%s gives %v", os.DevNull, err)
	}
	file := filepath.Join(t.TempDir(), "vast.yaml")
	if err := os.WriteFile(file, make([]byte, fileBytesMax+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(file); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a vast file gives %v", err)
	}
}

// FuzzLoad: no text makes Load panic or leave a mistake without a line.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/broken/*.yaml")
	files = append(files, "../examples/orders/orders.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "fuzz.yaml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		streams, err := Load(file)
		if err != nil {
			if line, _, _ := strings.Cut(err.Error(), "\n"); !strings.Contains(line, "fuzz.yaml:") {
				t.Errorf("the mistake has no line: %v", err)
			}
			return
		}
		streams[0].NewDecoder()
	})
}

// loadError is the mistake that a stream file with the given text has.
func loadError(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Load(file)
	if err == nil {
		t.Fatalf("loaded:\n%s", text)
	}
	return err.Error()
}

// TestTreesAreNoCircles: a schema may lead back to itself by way of a field.
func TestTreesAreNoCircles(t *testing.T) {
	s := loadText(t, `stream: trees
schema:
  $defs:
    node: {allOf: [{$ref: "#/$defs/inner"}]}
    inner:
      properties:
        left: {$ref: "#/$defs/node"}
        value: {type: integer}
  properties:
    root: {$ref: "#/$defs/node"}
    self: {$ref: "#"}
`)
	var e penstock.Event
	if _, err := s.NewDecoder().Decode([]byte(`{"root":{"left":{"left":{"value":"x"}}}}`), &e); err != nil {
		t.Fatal(err)
	}
	if r := penstock.AsReject(s.Check(t.Context(), &e)); r == nil || r.Pointer != "/root/left/left/value" {
		t.Errorf("the tree's leaf gives %v", r)
	}
}

// TestWantedObjects: what enum and const want is said, objects too.
func TestWantedObjects(t *testing.T) {
	s := loadText(t, `stream: wanted
schema:
  properties:
    shape: {enum: [{sides: 3}, none, [1.50]]}
    same: {const: {a: []}}
`)
	for event, want := range map[string]string{
		`{"shape":{"sides":4}}`: `send one of {"sides":3}, "none", [1.50]`,
		`{"same":[]}`:           `send {"a":[]}`,
	} {
		var e penstock.Event
		if _, err := s.NewDecoder().Decode([]byte(event), &e); err != nil {
			t.Fatal(err)
		}
		if r := penstock.AsReject(s.Check(t.Context(), &e)); r == nil || !strings.HasSuffix(r.Detail, want) {
			t.Errorf("%s gives %v, want %s", event, r, want)
		}
	}
}
