package finding_test

import (
	"testing"

	"github.com/penstock-io/penstock/check/finding"
)

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		sql         string
		open, close int
	}{
		{"a = '", 4, 4}, {"a = 'x", 4, 4}, {"a = 'x' AND b", -1, 4}, {"a = 'x' AND b = '", 16, 4},
		{"it''s", -1, -1}, {"''' OR", 2, 2}, {"", -1, -1}, {"x'", 1, 1},
	} {
		if open, shut := finding.OpenQuote(c.sql), finding.CloseQuote(c.sql); open != c.open || shut != c.close {
			t.Errorf("%q: open at %d, closes at %d, want %d and %d", c.sql, open, shut, c.open, c.close)
		}
	}
	for before, want := range map[string]bool{
		"now() - interval ": true, "now() - INTERVAL": true, "at > timestamp with time zone ": true, "a = E": true,
		"a = ": false, "updated_date = ": false, "LIKE ": false, "": false,
	} {
		if got := finding.TypesLiteral(before); got != want {
			t.Errorf("%q: %v", before, got)
		}
	}
}
