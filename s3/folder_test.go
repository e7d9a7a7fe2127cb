package s3

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
)

// touch changes a file's time and nothing else.
func (h *house) touch(key string, at time.Time) {
	h.t.Helper()
	if err := os.Chtimes(filepath.Join(h.dir, "in", key), at, at); err != nil {
		h.t.Fatal(err)
	}
}

// An object on disk is what is in it, as in S3: touching its file while it is
// read, or after, changes nothing.
func TestFolderTellsFilesByContent(t *testing.T) {
	h := newHouse(t, nil)
	ctx := t.Context()
	pinned := h.put("a", []byte("0123456789")).Object
	for i := range 3 {
		h.touch("a", time.Date(2020+i, 1, 1, 0, 0, 0, 0, time.UTC))
		part, err := h.options.Store.Read(ctx, pinned, 2, 3)
		if err != nil {
			t.Fatal(err)
		}
		h.touch("a", time.Date(2030+i, 1, 1, 0, 0, 0, 0, time.UTC))
		text, err := io.ReadAll(part)
		if err := errors.Join(err, part.Close()); err != nil || string(text) != "234" {
			t.Fatalf("%q, %v", text, err)
		}
	}
	part, err := h.options.Store.Read(ctx, pinned, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(h.dir, "in/a"), []byte("abcdefghij"), 0o600); err != nil { // in its place
		t.Fatal(err)
	}
	h.touch("a", time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)) // even where the file system's clock has not moved
	if err := part.Close(); !errors.Is(err, ErrGone) {
		t.Errorf("a file that is written while a part of it is read: %v, want that it is gone", err)
	}
	if _, _, err := h.options.Store.Stat(ctx, pinned); !errors.Is(err, ErrGone) {
		t.Errorf("a file with other content: %v, want that it is gone", err)
	}
}

// A tag is remembered from one process to the next, by the file's size and time;
// what was remembered wrongly, and cannot be read, costs nothing.
func TestFolderRemembersTags(t *testing.T) {
	ledger := &FolderLedger{Dir: t.TempDir()}
	dir := t.TempDir()
	file, at := filepath.Join(dir, "a"), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	etag := func(content string) string {
		t.Helper()
		if err := errors.Join(os.WriteFile(file, []byte(content), 0o600), os.Chtimes(file, at, at)); err != nil {
			t.Fatal(err)
		}
		o, _, err := (&Folder{Buckets: map[string]string{"in": dir}, Tags: ledger}).Stat(t.Context(), Object{Bucket: "in", Key: "a"})
		if err != nil {
			t.Fatal(err)
		}
		return o.ETag
	}
	one := etag("one")
	if got := etag("two"); got != one { // nothing else shows that the file was not read again
		t.Errorf("a file of the same size and time was read again: %s, then %s", one, got)
	}
	if err := os.WriteFile(ledger.file(tagName("s3://in/a")), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	two := etag("two")
	if two == one {
		t.Error("a damaged tag was believed")
	}
	if got := etag("one"); got != two {
		t.Error("a damaged tag was not written over")
	}
}

// An object that was overwritten while it was read, and then put back, is read:
// nothing announces it by a sequencer that would tell.
func TestObjectIsBack(t *testing.T) {
	h := newHouse(t, nil)
	first := h.put("a", lines(3, false))
	l, _, err := h.door.acquire(t.Context(), first, first.Size)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.update(t.Context(), func(p *Progress) { p.State, p.Owner, p.Until = Superseded, "", 0 }); err != nil {
		t.Fatal(err)
	}
	if r, err := h.door.Process(t.Context(), first); err != nil || r.Outcome != Loaded || r.Tally.Delivered != 3 {
		t.Errorf("%s %v %v", r.Outcome, r.Tally, err)
	}
	first.Sequencer = "0A"
	if _, v := claim(Progress{Object: first.Object, Sequencer: "0A", State: Superseded}, 1, first, time.Now()); v != finished {
		t.Errorf("the same notice twice, and it was superseded: %v, want finished", v)
	}
}

// Each reading of a key has a name of its own for a sink that keeps count, but
// for one that goes on, and the first of a new ledger.
func TestReadingsHaveNames(t *testing.T) {
	h := newHouse(t, nil)
	jobs := map[string]int{}
	route := h.options.Routes[0].Into
	h.options.Routes[0].Into = func(c penstock.Chunk) penstock.Sink { jobs[c.Job]++; return route(c) }
	door, err := New(h.options)
	if err != nil {
		t.Fatal(err)
	}
	process := func(n Notice) {
		t.Helper()
		if _, err := door.Process(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	process(h.put("a", lines(1, false)))
	process(h.put("a", lines(1, false)))
	if len(jobs) != 1 || jobs["lambda rows"] != 1 {
		t.Errorf("the same content twice: %v", jobs)
	}
	process(h.put("a", lines(2, false)))
	process(h.put("a", lines(1, false)))
	if err := door.Reopen(t.Context(), "in", "a"); err != nil {
		t.Fatal(err)
	}
	process(h.notice("a"))
	for job, n := range jobs {
		if n != 1 {
			t.Errorf("job %q has %d batches", job, n)
		}
	}
	if len(jobs) != 4 {
		t.Errorf("jobs %v, want 4", jobs)
	}
}

// An entry that is damaged is said to be, and Reopen ends it.
func TestDamagedEntry(t *testing.T) {
	for _, text := range []string{"", "{", `{"version":3}`, `{"version":3,"text":7}`, `{"version":0,"text":{}}`,
		`{"version":3,"text":{"object":{"bucket":"in","key":"b"},"state":"done"}}`, `{"version":3,"text":{"object":{"bucket":"in","key":"a"}}}`,
		`{"version":3,"text":{"object":{"bucket":"in","key":"a"},"state":"running","format":"jsonl","offset":-1}}`,
		`{"version":3,"text":{"object":{"bucket":"in","key":"a"},"state":"running","format":"jsonl","cut":-1}}`} {
		h := newHouse(t, nil)
		n := h.put("a", lines(3, true))
		if err := os.WriteFile(h.ledger.file("s3://in/a"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := h.door.Process(t.Context(), n); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want that it is damaged", text, err)
		}
		if err := h.door.Reopen(t.Context(), "in", "a"); err != nil {
			t.Fatal(err)
		}
		if r, err := h.door.Process(t.Context(), n); err != nil || r.Outcome != Loaded || r.Tally.Read != 3 {
			t.Errorf("%s: then %s %v %v", text, r.Outcome, r.Tally, err)
		}
	}
}

// An offset that lies beyond the object's text is not believed: nothing of it is
// called done, and the next notice of its own has it read from its beginning.
func TestOffsetBeyondTheText(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(lines(3, true)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"plain": lines(3, true), "gzip": packed.Bytes()} {
		h := newHouse(t, nil)
		n := h.put("a", body)
		pinned, size, err := h.options.Store.Stat(t.Context(), n.Object)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(Progress{Object: pinned, Size: size, Sequencer: n.Sequencer, Stream: h.stream.Name, State: Running, Format: formatLines, Offset: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := h.ledger.Store(t.Context(), "s3://in/a", text, 0); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if r, err := h.door.Process(t.Context(), n); err == nil || r.Progress.State != Failed || !strings.Contains(err.Error(), "1048576") {
			t.Errorf("%s: %s %s %v, want that it failed for its offset", name, r.Outcome, r.Progress.State, err)
		}
		if r, err := h.door.Process(t.Context(), n); err != nil || r.Outcome != Loaded || r.Tally.Read != 3 {
			t.Errorf("%s: then %s %v %v", name, r.Outcome, r.Tally, err)
		}
	}
}

// Several processes share a ledger: of all who write over one version, one
// succeeds. A FolderLedger for each stands for them, since they share no memory.
func TestFolderLedgerOfManyProcesses(t *testing.T) {
	const writers, entries = 8, 25
	dir := t.TempDir()
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			ledger := &FolderLedger{Dir: dir}
			for done := 0; done < entries; {
				_, version, err := ledger.Load(t.Context(), "x")
				if err != nil {
					t.Error(err)
					return
				}
				ok, err := ledger.Store(t.Context(), "x", []byte("{}"), version)
				if err != nil {
					t.Error(err)
					return
				}
				if ok {
					done++
				}
			}
		})
	}
	wait.Wait()
	if _, version, err := (&FolderLedger{Dir: dir}).Load(t.Context(), "x"); err != nil || version != writers*entries {
		t.Errorf("version %d, want %d: two wrote over one (%v)", version, writers*entries, err)
	}
}

// Names of any length and kind have a file of their own.
func TestFolderLedgerNames(t *testing.T) {
	ledger := &FolderLedger{Dir: t.TempDir()}
	long := strings.Repeat("é/", 500)
	for i, name := range []string{"a", "a/b", "a%2Fb", long, long + "x", ".", "..", "é"} {
		if ok, err := ledger.Store(t.Context(), name, []byte("{}"), 0); !ok || err != nil {
			t.Errorf("name %d: %v %v", i, ok, err)
		}
	}
}
