package check

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/locks"
)

// ReadObserved reads the lock orders that runs of a program have shown, as package
// lockorder writes them: one JSON object a line,
//
//	{"before":{"file":"store.go","line":21},"after":{"file":"store.go","line":24}}
func ReadObserved(name string) ([]locks.Seen, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read what was observed: %w", err)
	}
	seen := map[locks.Seen]bool{}
	var out []locks.Seen
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var s locks.Seen
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil || s.Before.File == "" || s.After.File == "" {
			return nil, fmt.Errorf("read what was observed: %s:%d is not an order as LOCKORDER_OBSERVED writes it (%v): run the tests again with -tags lockorder", name, n, err)
		}
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read what was observed: %s: %w", name, err)
	}
	return out, nil
}

// tally adds up how the observed fits, over units: an order that one unit
// cannot place belongs to another.
func (r *Report) tally(t locks.Tally) {
	if r.Files == 0 {
		r.Tally = t
		return
	}
	r.Tally.Unplaced = min(r.Tally.Unplaced, t.Unplaced)
	r.Tally.Seen += t.Seen
	r.Tally.Added += t.Added
	r.Tally.Read += t.Read
	r.Tally.Unseen += t.Unseen
}

// Diagnose explains a hung process by a dump of its threads and its source: who
// waits for which lock, and who has it.
func Diagnose(ctx context.Context, o Options, threads []dump.Thread) (*Report, error) {
	units, out, err := o.units()
	if err != nil {
		return nil, err
	}
	known := 0
	for _, u := range units {
		r, err := u.read(ctx, nil)
		if err != nil {
			return nil, err
		}
		found, n := locks.Diagnose(r.locks, threads)
		known += n
		out.add(r, found)
	}
	if known == 0 {
		return nil, errors.New("no thread of the dump stands in the source that was read: name the files that the process was started from, as they were then")
	}
	return out, nil
}
