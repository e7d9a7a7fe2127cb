package check_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/report"
)

// harness runs every case of a program, of which the file beside it has the list, as
// a program that names its functions in a list would not be mended: what it gives for input as it is meant,
// and for hostile input, how many rows.
const harness = `

import copy, itertools, json
cur.execute("CREATE TABLE t (id INTEGER, name TEXT, note TEXT)")
cur.executemany("INSERT INTO t VALUES (?, ?, ?)", [(1, "a", "x"), (2, "b", "y"), (3, "c", "what?"), (4, "2.5", ""), (5, "7", ""), (6, "d", "o'neil")])
out = []
for f, good, bad in CASES:
    rows = len(f(*bad)) if bad else None
    out.append([f.__name__, repr(f(*good)), rows])
print(json.dumps(out))
`

// A ran is what one case gave.
type ran struct {
	name, good string
	bad        *int // rows for hostile input; nil where there is none
}

// UnmarshalJSON reads [name, good, bad].
func (r *ran) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&r.name, &r.good, &r.bad})
}

func run(t *testing.T, exe, text, cases string) []ran {
	t.Helper()
	out, err := exec.Command(exe, "-W", "ignore", "-c", text+cases+harness).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var got []ran
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err, string(out))
	}
	return got
}

// TestMendPython mends Python programs whose functions each build a query in
// another way. What is found and what it becomes are golden files. Both
// programs are run on a real database: with input as it is meant the mended one
// gives what the other gave, and hostile input finds nothing in what was mended.
func TestMendPython(t *testing.T) {
	exe, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("python3 is not on PATH: CI runs the mended programs, install it")
		}
		t.Skip("SKIP: python3 is not on PATH; install it to run the mended programs")
	}
	files, err := filepath.Glob("testdata/python/*.py")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := checked(t, name)
			var found bytes.Buffer
			if err := report.Text(&found, r.Findings, report.Brief); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".found", found.Bytes())
			mended, err := check.Mended(safe(r.Findings))
			if err != nil || len(mended) != 1 {
				t.Fatal(len(mended), err)
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			cases, err := os.ReadFile(name + ".cases")
			if err != nil {
				t.Fatal(err)
			}
			for _, after := range mended {
				golden(t, name+".mended", after)
				compare(t, run(t, exe, string(text), string(cases)), run(t, exe, string(after), string(cases)))
			}
		})
	}
}

func compare(t *testing.T, before, after []ran) {
	t.Helper()
	for i, b := range before {
		a := after[i]
		if a.good != b.good {
			t.Errorf("%s gave %s, and mended %s", b.name, b.good, a.good)
		}
		if b.bad != nil && (*a.bad > 0 || *b.bad < 2) {
			t.Errorf("%s: hostile input found %d rows, and mended %d", b.name, *b.bad, *a.bad)
		}
	}
}
