package ttlcache

import (
	"cmp"
	"encoding"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"reflect"
	"time"
)

// snapshotFormat opens a snapshot, so that nothing else is taken for one.
const snapshotFormat = "penstock ttlcache 1"

// A snapshotHeader begins a snapshot.
type snapshotHeader struct {
	Format string
	Saved  time.Time // wall clock, so that the time between snapshot and restore counts
}

// A snapshotPart is some entries. The last one has none and says how many
// there were.
type snapshotPart[K comparable, V any] struct {
	Entries []snapshotEntry[K, V]
	Total   int
}

type snapshotEntry[K comparable, V any] struct {
	Key   K
	Value V
	Left  time.Duration // to live when the header was written, or NoExpiry
}

// snapshotPartMax is how many entries are written at a time.
const snapshotPartMax = 1024

// Snapshot writes the live entries to w, for Restore, in the format of
// encoding/gob: K and V must be types that gob can encode. What gob would leave
// out is an error, and nothing is written: functions, channels, and structs
// with fields that are not exported, unless they have a method GobEncode or
// MarshalBinary. This cannot be told of what is in an interface. In gob's way,
// a pointer to 0, "" or false and an empty slice come back as nil, and a key
// that is a pointer comes back as another. The cache can be used meanwhile; as
// with All, an entry that comes or goes may be written or not.
func (c *Cache[K, V]) Snapshot(w io.Writer) error {
	seen := map[reflect.Type]bool{}
	if err := cmp.Or(saveable(reflect.TypeFor[K](), seen), saveable(reflect.TypeFor[V](), seen)); err != nil {
		return fmt.Errorf("ttlcache: write snapshot: %w", err)
	}
	return c.store().save(w)
}

func (s *store[K, V]) save(w io.Writer) error {
	out := gob.NewEncoder(w)
	if err := out.Encode(snapshotHeader{snapshotFormat, time.Now()}); err != nil {
		return fmt.Errorf("ttlcache: write snapshot: %w", err)
	}
	began := s.clock.now()
	total := 0
	part := snapshotPart[K, V]{Entries: make([]snapshotEntry[K, V], 0, snapshotPartMax)}
	write := func() error {
		if err := out.Encode(part); err != nil {
			return fmt.Errorf("ttlcache: write snapshot: %w", err)
		}
		total += len(part.Entries)
		part.Entries = part.Entries[:0]
		return nil
	}
	for e := range s.walk {
		if e.due <= s.clock.now() {
			continue
		}
		left := NoExpiry
		if e.due != never {
			left = time.Duration(e.due - began)
		}
		part.Entries = append(part.Entries, snapshotEntry[K, V]{e.key, e.value, left})
		if len(part.Entries) == snapshotPartMax {
			if err := write(); err != nil {
				return err
			}
		}
	}
	if len(part.Entries) > 0 {
		if err := write(); err != nil {
			return err
		}
	}
	part.Total = total
	return write()
}

var (
	gobEncoder      = reflect.TypeFor[gob.GobEncoder]()
	binaryMarshaler = reflect.TypeFor[encoding.BinaryMarshaler]()
)

// saveable says what of a type gob would leave out. Seen are the types that
// were looked at.
func saveable(t reflect.Type, seen map[reflect.Type]bool) error {
	itself := reflect.PointerTo(t) // has the methods of t, too
	if seen[t] || itself.Implements(gobEncoder) || itself.Implements(binaryMarshaler) {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return fmt.Errorf("%v cannot be written", t)
	case reflect.Map:
		return cmp.Or(saveable(t.Key(), seen), saveable(t.Elem(), seen))
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return saveable(t.Elem(), seen)
	case reflect.Struct:
		return saveableFields(t, seen)
	}
	return nil
}

// saveableFields is saveable for a struct. A field without a size holds nothing
// that could be left out.
func saveableFields(t reflect.Type, seen map[reflect.Type]bool) error {
	for i := range t.NumField() {
		f := t.Field(i)
		switch {
		case f.Type.Size() == 0 || f.Name == "_":
		case !f.IsExported():
			return fmt.Errorf("%v.%s would be left out: export it, or give %v the methods GobEncode and GobDecode", t, f.Name, t)
		default:
			if err := saveable(f.Type, seen); err != nil {
				return fmt.Errorf("%v.%s: %w", t, f.Name, err)
			}
		}
	}
	return nil
}

// Restore adds the entries of a snapshot that are still alive, and returns how
// many. The time between Snapshot and Restore counts, by the wall clock; a clock
// that was turned back counts as no time. A key that has a live value keeps it.
// Beyond the cache's limits, some of them have made room again for others. What was read before an error stays in the cache. r must be trusted as far as
// encoding/gob asks for.
func (c *Cache[K, V]) Restore(r io.Reader) (int, error) {
	in := gob.NewDecoder(r)
	var header snapshotHeader
	if err := in.Decode(&header); err != nil {
		return 0, fmt.Errorf("ttlcache: read snapshot: %w", err)
	}
	if header.Format != snapshotFormat {
		return 0, fmt.Errorf("ttlcache: read snapshot: the format is %q, this version reads %q", header.Format, snapshotFormat)
	}
	began := time.Now()
	passed := max(0, began.Sub(header.Saved))
	for restored, read := 0, 0; ; {
		var part snapshotPart[K, V]
		if err := in.Decode(&part); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return restored, fmt.Errorf("ttlcache: read snapshot after %d entries: %w", read, err)
		}
		if c.store().closed.Load() { // and holds nothing
			return restored, ErrClosed
		}
		if len(part.Entries) == 0 {
			if read != part.Total {
				return restored, fmt.Errorf("ttlcache: read snapshot: it has %d entries, it should have %d", read, part.Total)
			}
			return restored, nil
		}
		read += len(part.Entries)
		for _, e := range part.Entries {
			if left := e.Left; left != NoExpiry {
				if e.Left = left - passed - time.Since(began); e.Left <= 0 {
					continue
				}
			}
			if _, stored := c.SetIfAbsent(e.Key, e.Value, e.Left); stored {
				restored++
			}
		}
	}
}
