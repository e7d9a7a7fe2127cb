package reads_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// checklistRows is how many points the checklist has, and unattacked are those
// that are no hole of the endpoint itself: of its connections, its start, its
// dependencies.
const checklistRows = 17

var unattacked = map[int]bool{13: true, 16: true, 17: true}

// TestChecklist holds the table in docs/get-user-orders.md against the tests:
// each row has one that is there, and each row that can be attacked an attack.
func TestChecklist(t *testing.T) {
	page, err := os.ReadFile("../docs/get-user-orders.md")
	if err != nil {
		t.Fatal(err)
	}
	attacked := map[int]bool{}
	for _, a := range attacks {
		attacked[a.row] = true
	}
	rows := regexp.MustCompile(`(?m)^\| ([0-9]+) \| .* \| (.*) \|$`).FindAllSubmatch(page, -1)
	for i, row := range rows {
		n, err := strconv.Atoi(string(row[1]))
		if err != nil || n != i+1 {
			t.Errorf("row %s stands at place %d", row[1], i+1)
		}
		if attacked[n] == unattacked[n] {
			t.Errorf("row %d: attacked is %v", n, attacked[n])
		}
		if named := bytes.Contains(row[2], []byte("`reads: TestAttacks`")); named != attacked[n] {
			t.Errorf("row %d names the attacks: %v; they try it: %v", n, named, attacked[n])
		}
		proofs := regexp.MustCompile("`([a-z/]+): ((?:Test|Fuzz)[A-Za-z0-9]+)`").FindAllSubmatch(row[2], -1)
		if len(proofs) == 0 {
			t.Errorf("row %d names no test", n)
		}
		for _, p := range proofs {
			if !testIsIn(t, string(p[1]), string(p[2])) {
				t.Errorf("row %d names %s in %s, and there is no such test", n, p[2], p[1])
			}
		}
	}
	if len(rows) != checklistRows {
		t.Errorf("the table has %d rows, want %d", len(rows), checklistRows)
	}
}

func testIsIn(t *testing.T, room, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", room, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\nfunc "+name+"(")) {
			return true
		}
	}
	return false
}
