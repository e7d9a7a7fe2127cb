package journal

import (
	"bytes"
	"hash/crc32"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

// FuzzFrame gives decode frames whose CRC is right, whatever else they say:
// what passes must be readable without a panic, and as large as it says.
func FuzzFrame(f *testing.F) {
	e := &penstock.Event{ID: []byte("id"), Key: []byte("key"), Body: []byte("body"), Headers: []penstock.Header{{Name: "n", Value: []byte("v")}}}
	b := make([]byte, recordSize(e))
	encode(b, e, 7, flagOpens, 1)
	f.Add(b)
	commit := make([]byte, headSize)
	encodeCommit(commit, b, 7, 1)
	f.Add(commit)
	encodeSeal(commit, 7, 1)
	f.Add(commit)
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if len(b) >= headSize {
			if n := padded(int(le.Uint32(b[4:]))); n >= headSize && n <= len(b) {
				le.PutUint32(b, crc32.Update(1, castagnoli, b[4:n]))
			}
		}
		got, fit := decode(b, 1)
		if fit != whole {
			return
		}
		if got.size > len(b) || got.size%alignment != 0 || len(got.bytes) != got.size {
			t.Fatalf("a frame of %d in %d bytes", got.size, len(b))
		}
		if got.kind == kindRecord {
			var e penstock.Event
			got.event(&e, "door", nil, map[string]string{})
			if n := len(e.ID) + len(e.Key) + len(e.Body); n > got.size {
				t.Fatalf("%d bytes in a frame of %d", n, got.size)
			}
		}
	})
}

// TestFrameKeepsTheEvent writes and reads events of every shape.
func TestFrameKeepsTheEvent(t *testing.T) {
	for _, e := range []penstock.Event{
		{},
		{Body: []byte{}},
		{Raw: []byte("raw"), Letter: true},
		{ID: []byte("i"), Key: []byte("k"), Body: []byte("b"), Time: time.Unix(-5, 999_999_999).UTC()},
		{Body: []byte("b"), Headers: []penstock.Header{{Name: "", Value: nil}, {Name: "n", Value: []byte("v")}, {Name: "n", Value: []byte{}}}},
	} {
		b := make([]byte, recordSize(&e))
		for i := range b {
			b[i] = 0xaa // a buffer that is used again
		}
		encode(b, &e, 9, 0, 3)
		f, fit := decode(b, 3)
		if fit != whole || f.seq != 9 || f.letter() != e.Letter {
			t.Fatalf("%+v: %v %+v", e, fit, f)
		}
		var got penstock.Event
		f.event(&got, "door", nil, map[string]string{})
		if !bytes.Equal(got.ID, e.ID) || !bytes.Equal(got.Key, e.Key) || !bytes.Equal(got.Body, record(&e)) ||
			!got.Time.Equal(e.Time) || len(got.Headers) != len(e.Headers) || got.Origin != (penstock.Origin{Door: "door", Position: 9}) {
			t.Errorf("%+v came back as %+v", e, got)
		}
		for i, h := range got.Headers {
			if h.Name != e.Headers[i].Name || !bytes.Equal(h.Value, e.Headers[i].Value) {
				t.Errorf("header %d: %+v", i, h)
			}
		}
		if _, fit := decode(b, 4); fit != bad {
			t.Error("a frame of another journal is valid")
		}
	}
}
