package main

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/stats"
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
	m := measuringFor(t, 1)
	for g := range 16 {
		of := newGroup(t, m, g)
		for i := range min(900_000, m.options.MaxDistinct) {
			of[0].values.Add(float64(i))
		}
		if err := m.bound(); err != nil {
			t.Fatal(err)
		}
		if values, _ := m.kept(); values > distinctMax {
			t.Fatalf("%d groups keep %d different values, want at most %d", len(m.groups), values, distinctMax)
		}
	}
}

// TestStatsBoundCells: what many groups and columns keep to estimate medians from is
// limited together, at wider cells and so a greater error, and where that is not enough
// with an error that says what to do.
func TestStatsBoundCells(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: it keeps ten million cells: run without -short")
	}
	m := measuringFor(t, 4)
	m.options.MaxDistinct = leastDistinct
	wild, err := stats.NewAccumulator(m.options)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		if x := math.Float64frombits(random.Uint64()); x-x == 0 {
			wild.Add(x)
		}
	}
	for g := range groupsMax {
		if err := wild.Limit(leastDistinct, m.options.MaxCells); err != nil {
			t.Fatal(err)
		}
		for _, c := range newGroup(t, m, g) {
			if err := c.values.Merge(wild); err != nil {
				t.Fatal(err)
			}
		}
		err := m.bound()
		_, entries := m.kept()
		if err != nil {
			if m.options.MaxCells != leastCells || !strings.Contains(err.Error(), "4 columns have too many different values to be kept: compute fewer columns at once") {
				t.Error(err)
			}
			return
		}
		if entries > entriesMax {
			t.Fatalf("%d groups keep %d values and cells, want at most %d", len(m.groups), entries, entriesMax)
		}
	}
	t.Error("there is no limit")
}

func measuringFor(t *testing.T, columns int) *measuring {
	t.Helper()
	c := &statsConfig{by: "g", nan: "reject", tie: "smallest"}
	o, err := c.options()
	if err != nil {
		t.Fatal(err)
	}
	return &measuring{config: c, options: o, columns: make([]string, columns), groups: map[string]group{}}
}

func newGroup(t *testing.T, m *measuring, number int) group {
	t.Helper()
	g, err := m.newGroup(fmt.Sprint(number))
	if err != nil {
		t.Fatal(err)
	}
	return g
}
