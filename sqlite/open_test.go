package sqlite_test

import (
	"sync"
	"testing"

	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
)

// TestOpenTogether: a file that is not there yet is made by whoever comes
// first, and those who come at the same moment wait for it. SQLite itself does
// not wait where a new file becomes one with a write-ahead log.
func TestOpenTogether(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	for range 20 {
		file := newFile(t)
		start := make(chan struct{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				<-start
				table, err := sqlite.Open(sinktest.Within(t), file, sqlite.Options{Stream: s})
				if err != nil {
					t.Error(err)
					return
				}
				table.Close()
			})
		}
		close(start)
		all.Wait()
	}
}

// A table that was dropped and made anew, or is in another file, is another.
func TestIDTellsTables(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	file := newFile(t)
	id := func(file string) string {
		table := open(t, file, sqlite.Options{Stream: s})
		defer table.Close()
		id, err := table.ID(t.Context())
		if err != nil || id == "" {
			t.Fatalf("id %q, %v", id, err)
		}
		return id
	}
	first := id(file)
	if again := id(file); again != first {
		t.Errorf("opened again it is %s, was %s", again, first)
	}
	exec(t, file, "DROP TABLE orders")
	if anew, other := id(file), id(newFile(t)); anew == first || other == first {
		t.Errorf("dropped and made anew it is %s, in another file %s, was %s", anew, other, first)
	}
}
