package journal_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/penstock-io/penstock/journal"
)

// TestUnconfirmed keeps the first unconfirmed number through restarts, with
// events and without, until Confirm.
func TestUnconfirmed(t *testing.T) {
	dir := t.TempDir()
	next := 0
	life := func(want uint64, confirm bool, write int) {
		t.Helper()
		j, err := journal.Open(dir, journal.Options{Log: quiet})
		if err != nil {
			t.Fatal(err)
		}
		if got := j.Unconfirmed(); got != want {
			t.Errorf("unconfirmed from %d on, want %d", got, want)
		}
		if confirm {
			for range 2 {
				if err := j.Confirm(); err != nil {
					t.Fatal(err)
				}
			}
			if got := j.Unconfirmed(); got != 0 {
				t.Errorf("unconfirmed from %d on after Confirm", got)
			}
		}
		for range write {
			next++
			if err := j.Write(t.Context(), batch(event(string(rune('a'+next)), "k", "v"))); err != nil {
				t.Fatal(err)
			}
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	life(1, false, 2)
	life(1, false, 3)
	life(1, true, 4)
	life(10, false, 1)
	life(10, false, 0)
	if err := os.WriteFile(filepath.Join(dir, "unconfirmed"), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	life(11, false, 1) // no better is known
	life(11, true, 0)
	life(12, true, 0)
}
