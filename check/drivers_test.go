package check_test

import (
	"os"
	"strings"
	"testing"
)

// TestDrivers: each way to send a query through sqlx and gorm is found, on the line
// that says so, and mended where a parameter can stand. The libraries are their
// signatures alone, which is all that is read of them.
func TestDrivers(t *testing.T) {
	const dir = "goread/testdata/drivers"
	text, err := os.ReadFile(dir + "/orders.go")
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for i, line := range strings.Split(string(text), "\n") {
		if _, what, ok := strings.Cut(line, "// want "); ok {
			want[i+1] = what
		}
	}
	for _, f := range checked(t, dir).Findings {
		got := "advice"
		if len(f.Fixes) > 0 {
			got = "--fix"
		}
		if line := f.At.Line(); want[line] != got {
			t.Errorf("%v: %s with %s, want %q", f.At, f.Message, got, want[line])
		} else {
			delete(want, line)
		}
	}
	for line, what := range want {
		t.Errorf("line %d: nothing found, want %s", line, what)
	}
}
