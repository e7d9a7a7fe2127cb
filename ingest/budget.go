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

// calm reports whether at most a quarter of the budget is in use.
func (b *budget) calm() bool { return b.used.Load() <= b.max/4 }

// What a request is charged with: estimates on the high side.
const (
	requestCost = 16 << 10  // goroutine, connection buffers, pooled state
	gzipCost    = 64 << 10  // tables and window of a decoder
	zstdCost    = 384 << 10 // the same, and a block; a larger window is charged beside it
	bodyCost    = 3         // each byte of a body: as received, without its escapes, and as encoded
	eventCost   = 448       // an event's identity, headers, result and place in the journal's draft
	fieldCost   = 40        // a field of its row
	letterCost  = 640       // an event of a stream that keeps dead letters, should it become one
)

// eventCost is what each event of the stream is charged with.
func (s *Stream) eventCost() int64 {
	cost := int64(eventCost + fieldCost*len(s.Fields))
	if s.Letters != nil {
		cost += letterCost
	}
	return cost
}
