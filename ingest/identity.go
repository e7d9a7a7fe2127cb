package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/google/uuid"

	"github.com/penstock-io/penstock"
)

// identify gives the event an identity where the stream declares none: that
// of its CloudEvent, else one made from the Idempotency-Key, else a new
// UUIDv7, which the sender learns from the answer. No two of the three can
// look the same: the first has a space, the second a colon, the last neither.
func (q *request) identify(e *penstock.Event, v *envelope, index int) {
	switch {
	case len(q.door.ID) > 0:
		// the stream's Identify step has the last word
	case v != nil:
		e.ID = append(append(append(e.ID[:0], v.source...), ' '), v.id...)
	case q.idempotency != "":
		e.ID = q.appendIdempotent(e.ID[:0], e.Raw, index)
	default:
		e.ID = appendUUID(e.ID[:0], uuid.Must(uuid.NewV7()))
	}
}

// appendIdempotent makes an identity of who sends, the Idempotency-Key, the
// place in the request and what stands there. The last is there so that a key
// used again for other events, or for the left-overs of a batch whose places
// have shifted, never makes a new event look like a duplicate and be lost.
func (q *request) appendIdempotent(dst, raw []byte, index int) []byte {
	dst = append(dst, "idempotency:"...)
	if q.holder != nil {
		dst = append(dst, q.holder.Name...)
	}
	dst = append(dst, ':')
	dst = append(dst, q.idempotency...)
	dst = append(dst, ':')
	dst = strconv.AppendInt(dst, int64(index), 10)
	dst = append(dst, ':')
	sum := sha256.Sum256(raw)
	return hex.AppendEncode(dst, sum[:8])
}

func appendUUID(dst []byte, id uuid.UUID) []byte {
	for i, from := range [...]int{0, 4, 6, 8, 10} {
		if i > 0 {
			dst = append(dst, '-')
		}
		to := [...]int{4, 6, 8, 10, 16}[i]
		dst = hex.AppendEncode(dst, id[from:to])
	}
	return dst
}
