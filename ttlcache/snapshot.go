package ttlcache

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
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
// encoding/gob: K and V must be types that gob can encode. The cache can be used
// meanwhile; as with All, an entry that comes or goes may be written or not.
func (c *Cache[K, V]) Snapshot(w io.Writer) error {
	s := c.store()
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
