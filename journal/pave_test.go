package journal_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/journal"
)

// watchedFS notes where zeros alone are written, and how far its files go.
type watchedFS struct {
	journal.FS
	paved []int64 // where each stretch of zeros begins
	over  bool    // one has begun before the end of what was stored
	end   int64   // of what was stored
	most  int64   // the furthest byte written
}

func (f *watchedFS) Open(name string, flag int) (journal.File, error) {
	file, err := f.FS.Open(name, flag)
	return watchedFile{file, f}, err
}

type watchedFile struct {
	journal.File
	fs *watchedFS
}

func (f watchedFile) WriteAt(b []byte, at int64) (int, error) {
	if len(bytes.TrimLeft(b, "\x00")) == 0 {
		f.fs.paved = append(f.fs.paved, at)
		f.fs.over = f.fs.over || at < f.fs.end
	} else {
		f.fs.end = max(f.fs.end, at+int64(len(b)))
	}
	f.fs.most = max(f.fs.most, at+int64(len(b)))
	return f.File.WriteAt(b, at)
}

// Zeros are written behind commits now and then, not behind each, never before
// what is stored and never beyond the segment; and not behind commits so large
// that the next one would not fit on them.
func TestZerosAhead(t *testing.T) {
	const segment = 1 << 20
	fs := &watchedFS{FS: faults.NewDisk(1).Machine()}
	j := open(t, "j", journal.Options{FS: fs, SegmentBytes: segment})
	const commits = 900
	for n := range commits {
		if err := j.Write(t.Context(), batch(event(fmt.Sprint(n), "k", string(make([]byte, 900))))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(fs.paved); n < 3 || n > 6 {
		t.Errorf("zeros were written %d times for %d commits of 1 kB, want 3 to 6", n, commits)
	}
	if fs.over || fs.most > segment {
		t.Errorf("zeros at %d, over what is stored (%v) or beyond the segment's %d bytes (%d)", fs.paved, fs.over, segment, fs.most)
	}
	before := len(fs.paved)
	for _, id := range []string{"large", "larger"} { // the first begins a segment
		if err := j.Write(t.Context(), batch(event(id, "k", string(make([]byte, 300<<10))))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(fs.paved) - before; n > 0 {
		t.Errorf("zeros were written %d times behind commits that are larger than they are", n)
	}
	if got := j.Stats().Appended; got != commits+2 {
		t.Errorf("%d events are stored, want %d", got, commits+2)
	}
}
