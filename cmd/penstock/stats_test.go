package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestStatsManyValues: the mode of a group with more different values than a
// tenth of a million is exact, and that of far too many is said to be unknown.
func TestStatsManyValues(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: it reads five million values: run without -short")
	}
	for _, c := range []struct {
		groups, values int
		says           string
	}{
		{2, 100_000, `"mode":7,"modes":[7],"mode_count":2,"mode_ties":1,"mode_count_error":0,"mode_exact":true`},
		{5, 900_000, `"mode_exact":false`},
	} {
		var csv bytes.Buffer
		csv.WriteString("x,g\n")
		for g := range c.groups {
			for i := range c.values {
				fmt.Fprintf(&csv, "%d,%d\n", i, g)
			}
			fmt.Fprintf(&csv, "7,%d\n", g)
		}
		name := filepath.Join(t.TempDir(), "many.csv")
		if err := os.WriteFile(name, csv.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, complaints bytes.Buffer
		sh := shell{stdin: strings.NewReader(""), stdout: &out, stderr: &complaints, getenv: func(string) string { return "" }}
		status := run(t.Context(), []string{"stats", name, "--column", "x", "--by", "g", "--json"}, sh)
		if status != 0 || strings.Count(out.String(), c.says) != c.groups {
			t.Errorf("%d groups of %d: status %d, %s\n%.1000s", c.groups, c.values, status, complaints.String(), out.String())
		}
	}
}

// TestStatsBound: the limit of all different values together holds for groups,
// too, that come after it was reached once.
func TestStatsBound(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: it keeps four million values: run without -short")
	}
	m := &measuring{config: &statsConfig{by: "g"}, columns: []string{"x"}, groups: map[string]*group{}}
	for g := range 16 {
		of, err := m.newGroup(fmt.Sprint(g))
		if err != nil {
			t.Fatal(err)
		}
		values := 900_000
		if m.options.MaxDistinct != 0 {
			values = m.options.MaxDistinct
		}
		for i := range values {
			of.of[0].Add(float64(i))
		}
		if err := m.bound(); err != nil {
			t.Fatal(err)
		}
		all := 0
		for _, g := range m.groups {
			all += g.of[0].Distinct()
		}
		if all > distinctMax {
			t.Fatalf("%d groups keep %d different values, want at most %d", len(m.groups), all, distinctMax)
		}
	}
}
