package report_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/report"
)

// sample is a finding with everything: two threads, a chain of calls, a fix in
// a file whose name and text need care.
func sample() finding.Finding {
	f := &ir.File{Path: "a b/ü.py", Abs: "/x/a b/ü.py", Lang: ir.Python, Text: []byte("# ü\nwith lock_a:\n    with lock_b:\n        pass\n")}
	a, b := ir.Span{File: f, Start: 5, End: 17}, ir.Span{File: f, Start: 22, End: 34}
	return finding.Finding{
		Rule: "lock-order", Level: finding.Likely, At: a, Message: "deadlock: 100% of \"it\"\nand more", Key: "lock-order a b",
		Threads: []string{"one", "two"},
		Steps: []finding.Step{
			{Thread: 0, At: a, Text: "takes lock_a", Via: []ir.Span{b}, Names: []string{"one", "inner"}},
			{Thread: 1, At: b, Text: "waits for lock_a"},
			{Thread: 1, Text: "is nowhere"},
		},
		Why: []string{"neither goes on."}, Advice: []string{"Take them in one order."},
		Fixes: []finding.Fix{{Title: "take lock_a first", Edits: []finding.Edit{{Span: b, New: "with lock_c:"}}}},
	}
}

// schema is the official one: testdata/README.md.
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	f, err := os.Open("testdata/sarif-2.1.0.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(z)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSARIF holds the output against the schema, with findings and without; a
// log that is wrong is refused.
func TestSARIF(t *testing.T) {
	s := schema(t)
	for _, found := range [][]finding.Finding{nil, {sample()}} {
		var b bytes.Buffer
		if err := report.SARIF(&b, found, report.Rules()); err != nil {
			t.Fatal(err)
		}
		var log any
		if err := json.Unmarshal(b.Bytes(), &log); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(log); err != nil {
			t.Error(err)
		}
		results := log.(map[string]any)["runs"].([]any)[0].(map[string]any)["results"]
		if n := len(results.([]any)); n != len(found) {
			t.Errorf("%d results, want %d", n, len(found))
		}
		log.(map[string]any)["runs"].([]any)[0].(map[string]any)["tool"] = map[string]any{}
		if s.Validate(log) == nil {
			t.Error("a log whose tool has no driver is taken")
		}
	}
}

// TestSARIFPlaces checks what a viewer marks and what a fixer replaces.
func TestSARIFPlaces(t *testing.T) {
	var b bytes.Buffer
	if err := report.SARIF(&b, []finding.Finding{sample()}, report.Rules()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"uri": "a%20b/%C3%BC.py"`, `"byteOffset": 22`, `"byteLength": 12`, `"startLine": 2`, `"startColumn": 1`, `"endColumn": 13`,
		`"executionOrder": 2`, `"ruleIndex": 0`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

// TestJSON reads the JSON back: places, levels and edits are what they were.
func TestJSON(t *testing.T) {
	var b bytes.Buffer
	if err := report.JSON(&b, []finding.Finding{sample()}); err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Rule, Level, Key string
		At               struct{ Line, Column, Offset, Length int }
		Fixes            []struct{ Edits []struct{ New string } }
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[0].Level != "likely" || got[0].At.Line != 2 || got[0].At.Offset != 5 || got[0].Fixes[0].Edits[0].New != "with lock_c:" {
		t.Errorf("%+v", got)
	}
	b.Reset()
	if err := report.JSON(&b, nil); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("no findings are %q, want an empty list", b.String())
	}
}

// TestGitHub checks that a message of two lines stays one annotation, and that
// a file's name cannot end the property it is in.
func TestGitHub(t *testing.T) {
	f := sample()
	f.At.File.Path = "a,b:c.py"
	var b bytes.Buffer
	if err := report.GitHub(&b, []finding.Finding{f}); err != nil {
		t.Fatal(err)
	}
	if want := "::error file=a%2Cb%3Ac.py,line=2,col=1,title=lock-order::deadlock: 100%25 of \"it\"%0Aand more\n"; b.String() != want {
		t.Errorf("%q, want %q", b.String(), want)
	}
}

// TestRules checks that each rule is documented whole, and found by its name.
func TestRules(t *testing.T) {
	for _, r := range report.Rules() {
		if r.ID == "" || r.Title == "" || r.Text == "" || r.Noise == "" {
			t.Errorf("rule %q lacks a part: %+v", r.ID, r)
		}
		if got, ok := report.FindRule(r.ID); !ok || got.ID != r.ID || !strings.Contains(got.Markdown(), r.Title) {
			t.Errorf("rule %s is not found by its name", r.ID)
		}
	}
	if _, ok := report.FindRule("nonsense"); ok {
		t.Error("a rule that is not there is found")
	}
}
