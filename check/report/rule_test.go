package report_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/report"
)

var update = flag.Bool("update", false, "write docs/rules anew")

// TestRulePages: docs/rules has each rule's page as it is beside the code, an
// index, and no page more.
func TestRulePages(t *testing.T) {
	dir := filepath.FromSlash("../../docs/rules")
	index := "# The rules of penstock check\n\n| rule | |\n|---|---|\n"
	pages := map[string]string{}
	for _, r := range report.Rules() {
		pages[r.ID+".md"] = r.Markdown()
		index += "| [" + r.ID + "](" + r.ID + ".md) | " + r.Title + " |\n"
	}
	pages["README.md"] = index
	if *update {
		for name, text := range pages {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	there, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range there {
		if _, ok := pages[filepath.Base(name)]; !ok {
			t.Errorf("%s is of no rule", name)
		}
	}
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(got) != want {
			t.Errorf("docs/rules/%s is not as it is in rule.go (%v): run with -update", name, err)
		}
	}
}

// TestRulesKnown: each rule that a finding may have is documented.
func TestRulesKnown(t *testing.T) {
	for _, id := range []string{locks.RuleOrder, locks.RuleDouble, locks.RuleReread, locks.RuleLeak, locks.RuleSameClass, "sql-injection"} {
		r, ok := report.FindRule(id)
		if !ok || r.Text == "" || r.Before == "" || r.After == "" || r.Noise == "" || strings.HasSuffix(r.Title, ".") {
			t.Errorf("rule %s is not documented, or not wholly: %+v", id, r)
		}
	}
}
