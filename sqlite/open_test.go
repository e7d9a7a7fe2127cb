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
