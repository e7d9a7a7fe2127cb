package postgres

import (
	"errors"
	"io"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
)

// TestNobodyReadsAfterTheEnd: pgx leaves its reading goroutine behind when the
// connection is lost in the middle of a COPY, or ctx ends. By then the events
// are written again, or others are in their memory: the race detector tells.
func TestNobodyReadsAfterTheEnd(t *testing.T) {
	s := sinktest.Stream(t, sinktest.Orders)
	events := sinktest.Events(t, s, 1, `{"order_id":1}`, `{"order_id":2}`, `{"order_id":3}`).Events
	table := &Table{columns: []column{{slot: -1}}, extra: -1}
	for range 200 {
		r := &rows{table: table, events: events}
		reading, left := make(chan struct{}), make(chan error)
		go func() {
			buf := make([]byte, 1)
			for begun := false; ; begun = true {
				_, err := r.Read(buf)
				if err != nil {
					left <- err
					return
				}
				if !begun {
					close(reading)
				}
			}
		}()
		<-reading
		r.end()
		for _, e := range events { // as whoever has the memory next does
			e.Extra = append(e.Extra[:0], `"x":1`...)
			e.Values = append([]penstock.Value(nil), e.Values...)
		}
		if err := <-left; !errors.Is(err, errEnded) && err != io.EOF {
			t.Fatal(err)
		}
		for _, e := range events {
			e.Extra = nil
		}
	}
}
