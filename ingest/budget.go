package ingest

import "sync/atomic"

// A budget bounds the memory that requests in work may take together. What
// does not fit is refused at once with 503: a queue would only move the memory.
type budget struct {
	used atomic.Int64
	max  int64
}

// take reserves n bytes, or nothing.
func (b *budget) take(n int64) bool {
	if b.used.Add(n) > b.max {
		b.used.Add(-n)
		return false
	}
	return true
}

func (b *budget) give(n int64) { b.used.Add(-n) }

// What a request is charged with: estimates on the high side.
const (
	requestCost = 16 << 10 // goroutine, connection buffers, pooled state
	eventCost   = 1 << 10  // an event's row, identity, headers and result
	bodyCost    = 2        // each byte of a body: as received and as encoded
)
