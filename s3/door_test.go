package s3

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const rowsFile = `
stream: rows
schema:
  type: object
  required: [n]
  properties: {n: {type: integer}, pad: {type: string}}
id: n
`

func rows(t testing.TB) *stream.Stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.yaml")
	if err := os.WriteFile(file, []byte(rowsFile), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

// A house is a bucket on disk, a ledger, and a table in memory.
type house struct {
	t       testing.TB
	dir     string
	door    *Door
	options Options
	ledger  *FolderLedger
	stream  *stream.Stream

	mu     sync.Mutex
	table  map[string]int // records by identity, and how often they were written
	before func(ctx context.Context, c penstock.Chunk) error
}

func newHouse(t testing.TB, change func(*Options)) *house {
	h := &house{t: t, dir: t.TempDir(), stream: rows(t), table: map[string]int{}, ledger: &FolderLedger{Dir: t.TempDir()}}
	for _, bucket := range []string{"in", "bad"} {
		if err := os.Mkdir(filepath.Join(h.dir, bucket), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	h.options = Options{
		Store:   &Folder{Buckets: map[string]string{"in": filepath.Join(h.dir, "in"), "bad": filepath.Join(h.dir, "bad")}},
		Ledger:  h.ledger,
		Rejects: Place{Bucket: "bad"},
		Routes:  []Route{{From: Place{Bucket: "in"}, Stream: h.stream, Into: h.into}},
	}
	if change != nil {
		change(&h.options)
	}
	door, err := New(h.options)
	if err != nil {
		t.Fatal(err)
	}
	h.door = door
	return h
}

func (h *house) into(c penstock.Chunk) penstock.Sink {
	return penstock.Pipeline{Steps: []penstock.Step{h.stream.Check, h.stream.Identify}, To: penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		if h.before != nil {
			if err := h.before(ctx, c); err != nil {
				return err
			}
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, e := range b.Pending().Events {
			h.table[string(e.ID)]++
			e.Deliver(penstock.Place{})
		}
		return nil
	})}
}

func (h *house) put(key string, body []byte) Notice {
	h.t.Helper()
	if err := (h.options.Store).Put(h.t.Context(), "in", key, body); err != nil {
		h.t.Fatal(err)
	}
	return h.notice(key)
}

// notice is of the object as it is now.
func (h *house) notice(key string) Notice {
	o, size, err := h.options.Store.Stat(h.t.Context(), Object{Bucket: "in", Key: key})
	if err != nil {
		h.t.Fatal(err)
	}
	return Notice{Object: o, Size: size, Action: Created}
}

func (h *house) rejected() []RejectLine {
	h.t.Helper()
	var all []RejectLine
	err := filepath.Walk(filepath.Join(h.dir, "bad"), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			var l RejectLine
			if err := json.Unmarshal(line, &l); err != nil {
				return err
			}
			all = append(all, l)
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// lines makes n records; each tenth is bad, if so told.
func lines(n int, bad bool) []byte {
	var b bytes.Buffer
	for i := range n {
		if bad && i%10 == 3 {
			fmt.Fprintf(&b, "{\"n\":\"%d\"}\n", i)
			continue
		}
		fmt.Fprintf(&b, "{\"n\":%d,\"pad\":\"%060d\"}\n", i, i)
	}
	return b.Bytes()
}

func array(text []byte) []byte {
	return []byte("[" + strings.TrimSuffix(strings.ReplaceAll(string(text), "\n", " ,\n"), ",\n") + "]")
}

func squeezed(text []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(text)
	w.Close()
	return b.Bytes()
}

func zstandard(text []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(text, nil)
}

// Whatever the form, and wherever an invocation is cut off, each record lands
// and each reject is kept, once.
func TestEachRecordOnceInEveryForm(t *testing.T) {
	const n = 30_000 // several batches
	text := lines(n, true)
	for _, batch := range []int{0, 64 << 10} {
		eachRecordOnce(t, n, text, batch)
	}
}

func eachRecordOnce(t *testing.T, n int, text []byte, batch int) {
	for name, body := range map[string][]byte{
		"lines": text, "byte order mark": append([]byte(byteOrder), text...), "no end of line": bytes.TrimSpace(text),
		"array": array(text), "gzip": squeezed(text), "zstd": zstandard(text), "gzip array": squeezed(array(text)),
	} {
		t.Run(fmt.Sprint(name, batch), func(t *testing.T) {
			stop := errors.New("cut off")
			h := newHouse(t, func(o *Options) { o.Lease, o.BatchBytes = time.Hour, batch })
			cuts := 0
			h.before = func(context.Context, penstock.Chunk) error {
				if cuts++; cuts%2 == 0 {
					return stop
				}
				return nil
			}
			notice := h.put("a", body)
			var r Report
			var err error = stop
			runs := 0
			for ; errors.Is(err, stop); runs++ {
				if r, err = h.door.Process(t.Context(), notice); runs > 200 {
					t.Fatal("it does not get to an end")
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			if runs < 3 {
				t.Errorf("%d runs: it was not cut off", runs)
			}
			want := penstock.Tally{Read: int64(n), Delivered: int64(n - n/10), Rejected: int64(n / 10)}
			if r.Progress.Tally != want {
				t.Errorf("tally %v, want %v", r.Progress.Tally, want)
			}
			if len(h.table) != n-n/10 {
				t.Errorf("%d records in the table, want %d", len(h.table), n-n/10)
			}
			seen := map[uint64]bool{}
			for _, l := range h.rejected() {
				if seen[l.Record] || l.Record%10 != 4 || l.Raw != fmt.Sprintf(`{"n":"%d"}`, l.Record-1) || l.Code != "type" {
					t.Errorf("reject %+v", l)
				}
				seen[l.Record] = true
			}
			if len(seen) != n/10 {
				t.Errorf("%d rejects are kept, want %d", len(seen), n/10)
			}
			if r, err := h.door.Process(t.Context(), notice); err != nil || r.Outcome != Already || r.Tally.Read != 0 {
				t.Errorf("the same notice again: %v %v %v", r.Outcome, r.Tally, err)
			}
		})
	}
}

// The size of a batch may change while an object is half done, or before it is
// read again: each reject is still kept once.
func TestBatchSizeChanges(t *testing.T) {
	const n = 200
	for name, again := range map[string]bool{"half done": false, "done, and read again": true} {
		for _, sizes := range [][2]int{{64 << 10, 100}, {100, 64 << 10}} {
			t.Run(fmt.Sprint(name, sizes), func(t *testing.T) {
				h := newHouse(t, func(o *Options) { o.BatchBytes = sizes[0] })
				if !again {
					h.before = func(context.Context, penstock.Chunk) error { return errors.New("cut off") }
				}
				notice := h.put("a", lines(n, true))
				if _, err := h.door.Process(t.Context(), notice); (err == nil) != again {
					t.Fatal(err)
				}
				if again {
					if err := h.door.Reopen(t.Context(), "in", "a"); err != nil {
						t.Fatal(err)
					}
				}
				h.before, h.options.BatchBytes = nil, sizes[1]
				var err error
				if h.door, err = New(h.options); err != nil {
					t.Fatal(err)
				}
				if _, err := h.door.Process(t.Context(), notice); err != nil {
					t.Fatal(err)
				}
				var kept []uint64
				for _, l := range h.rejected() {
					kept = append(kept, l.Record)
				}
				slices.Sort(kept)
				if len(kept) != n/10 || len(slices.Compact(kept)) != n/10 {
					t.Errorf("rejects of records %v are kept, want %d, each once", kept, n/10)
				}
			})
		}
	}
}

func TestTextThatIsNoRecords(t *testing.T) {
	ok := `{"n":1}`
	for _, c := range []struct{ name, text, tally, codes string }{
		{"empty", "", "read 0 = delivered 0 + dropped 0 + rejected 0", ""},
		{"blank lines", "\n \n" + ok + "\n\r\n", "read 1 = delivered 1 + dropped 0 + rejected 0", ""},
		{"bad line", ok + "\n{\n" + `{"n":2}`, "read 3 = delivered 2 + dropped 0 + rejected 1", "syntax"},
		{"two on a line", `{"n":2} {"n":3}` + "\n" + ok, "read 2 = delivered 1 + dropped 0 + rejected 1", "syntax"},
		{"first line is an array", `["x"]` + "\n" + ok + "\n" + `{"n":2}`, "read 3 = delivered 2 + dropped 0 + rejected 1", "*"},
		{"long line", `{"n":1,"pad":"` + strings.Repeat("x", 3<<20) + "\"}\n" + ok, "read 2 = delivered 1 + dropped 0 + rejected 1", "too_long"},
		{"long last line", ok + "\n" + `{"n":1,"pad":"` + strings.Repeat("x", 2<<20), "read 2 = delivered 1 + dropped 0 + rejected 1", "too_long"},
		{"empty array", " [ ] \n", "read 0 = delivered 0 + dropped 0 + rejected 0", ""},
		{"array without end", "[" + ok, "read 2 = delivered 1 + dropped 0 + rejected 1", "malformed"},
		{"array without comma", "[" + ok + " " + `{"n":2}]`, "read 2 = delivered 1 + dropped 0 + rejected 1", "malformed"},
		{"text behind an array", "[" + ok + "] x", "read 2 = delivered 1 + dropped 0 + rejected 1", "malformed"},
		{"bad element", "[" + ok + `,{"n":2,"n":3},{"n":4}]`, "read 3 = delivered 2 + dropped 0 + rejected 1", "duplicate_name"},
		{"long element", "[" + ok + `,{"n":2,"pad":"` + strings.Repeat("x", 2<<20) + `"},{"n":4}]`, "read 2 = delivered 1 + dropped 0 + rejected 1", "*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHouse(t, nil)
			r, err := h.door.Process(t.Context(), h.put("a", []byte(c.text)))
			want := Done
			if c.codes == CodeMalformed || c.name == "long element" { // the rest is not read: nobody may take that for done
				want = Failed
			}
			if errors.Is(err, errMalformed) != (want == Failed) || want == Done && err != nil {
				t.Error(err)
			}
			if r.Progress.Tally.String() != c.tally || r.Progress.State != want {
				t.Errorf("%s %v, want %s %s", r.Progress.State, r.Progress.Tally, want, c.tally)
			}
			var codes []string
			for _, l := range h.rejected() {
				codes = append(codes, l.Code)
			}
			if got := strings.Join(codes, " "); got != c.codes && c.codes != "*" {
				t.Errorf("codes %q, want %q", got, c.codes)
			}
		})
	}
}

// Lines that begin with one that is none are told by the object's name.
func TestLinesByName(t *testing.T) {
	for _, key := range []string{"a.jsonl", "a.NDJSON", "a.jsonl.gz"} { // which need not be what it is compressed with
		h := newHouse(t, nil)
		r, err := h.door.Process(t.Context(), h.put(key, []byte("bad\n{\"n\":1}\n")))
		if want := "read 2 = delivered 1 + dropped 0 + rejected 1"; err != nil || r.Progress.Tally.String() != want {
			t.Errorf("%s: %v, error %v; want %s", key, r.Progress.Tally, err, want)
		}
	}
}

// What is broken as a whole fails, is not taken for its end, and says so.
func TestObjectsThatCannotBeRead(t *testing.T) {
	whole := squeezed(lines(20_000, false))
	for name, body := range map[string][]byte{
		"half a gzip": whole[:len(whole)/2], "neither form": []byte("hello, world"), "UTF-16": []byte("\xff\xfe{\x00"),
		"other records": bytes.Repeat([]byte("{\"m\":1}\n"), 200),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t, nil)
			r, err := h.door.Process(t.Context(), h.put("a", body))
			if !errors.Is(err, errMalformed) || r.Outcome != Failure || r.Progress.State != Failed || r.Progress.Why == "" {
				t.Errorf("%s, %s (%s), error %v", r.Outcome, r.Progress.State, r.Progress.Why, err)
			}
		})
	}
}

// The share of rejects is held against RejectRatioMax from the hundredth record
// on, and exactly.
func TestRejectRatio(t *testing.T) {
	for _, c := range []struct {
		bad, good int
		most      float64
		want      State
	}{
		{99, 0, 0, Done}, {100, 0, 0, Failed}, {50, 50, 0, Done}, {51, 49, 0, Failed},
		{100, 0, 1, Done}, {1, 99, 0.01, Done}, {2, 98, 0.01, Failed}, {1, 98, 0.001, Done}, {1, 99, 0.001, Failed},
	} {
		h := newHouse(t, func(o *Options) { o.RejectRatioMax = c.most })
		text := strings.Repeat("{\"n\":\"x\"}\n", c.bad) + strings.Repeat("{\"n\":1}\n", c.good)
		r, err := h.door.Process(t.Context(), h.put("a", []byte(text)))
		if r.Progress.State != c.want || (err == nil) != (c.want == Done) || r.Progress.Tally.Rejected != int64(c.bad) {
			t.Errorf("%d bad and %d good of at most %v: %s %v, %v; want %s", c.bad, c.good, c.most, r.Progress.State, r.Progress.Tally, err, c.want)
		}
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	for name, o := range map[string]Options{
		"below 0": {RejectRatioMax: -1}, "above 1": {RejectRatioMax: 1.01}, "no number": {RejectRatioMax: math.NaN()},
		"lease": {Lease: -1}, "margin": {Margin: -1}, "hops": {HopsMax: -1},
	} {
		o.Rejects = Place{Bucket: "bad"}
		if _, err := New(o); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestHandleAnswers(t *testing.T) {
	h := newHouse(t, nil)
	h.put("a b", lines(3, false))
	h.put("broken", []byte("no records"))
	record := func(key string) string {
		return `{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"in"},"object":{"key":` + quoted(key) + `}}}`
	}
	for _, c := range []struct{ name, payload, want, failed string }{
		{"direct", records(record("a+b"), record("gone"), record("%zz")), "null", ""},
		{"direct, one fails", records(record("broken"), record("a+b")), "", "neither JSON lines nor a JSON array"},
		{"sqs", records(message("m1", records(record("broken"), record("broken"))), message("m2", records(record("a+b"))), message("m3", testEvent)),
			`{"batchItemFailures":[{"itemIdentifier":"m1"}]}`, ""},
		{"sqs, all well", records(message("m2", records(record("a+b")))), `{"batchItemFailures":[]}`, ""},
		{"test", testEvent, "null", ""},
	} {
		got, err := h.door.Handle(t.Context(), []byte(c.payload))
		if string(got) != c.want || (err == nil) != (c.failed == "") || err != nil && !strings.Contains(err.Error(), c.failed) {
			t.Errorf("%s: %s, %v; want %s, %s", c.name, got, err, c.want, c.failed)
		}
	}
	notices, _ := filepath.Glob(filepath.Join(h.dir, "bad/notices/*.json"))
	if len(notices) != 1 {
		t.Errorf("%d poisonous notices are kept, want 1", len(notices))
	}
}

func TestRejectsMustLieElsewhere(t *testing.T) {
	for _, c := range []struct {
		from, rejects Place
		ok            bool
	}{
		{Place{"in", "a/"}, Place{"in", "rejects/"}, true}, {Place{"in", ""}, Place{"bad", ""}, true},
		{Place{"in", ""}, Place{"in", "rejects/"}, false}, {Place{"in", "a/"}, Place{"in", "a/rejects/"}, false}, {Place{"in", "a/"}, Place{"in", ""}, false},
	} {
		_, err := New(Options{Routes: []Route{{From: c.from, Stream: rows(t)}}, Rejects: c.rejects})
		if (err == nil) != c.ok {
			t.Errorf("from %v, rejects %v: %v", c.from, c.rejects, err)
		}
	}
}

// Out of time, an invocation hands over, and the chain of them gets to the end.
func TestHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var handed [][]byte
		h := newHouse(t, func(o *Options) {
			o.Continue = func(_ context.Context, payload []byte) error { handed = append(handed, payload); return nil }
		})
		h.before = func(ctx context.Context, _ penstock.Chunk) error { return pause(ctx, 4*time.Second) }
		notice := h.put("a", lines(30_000, true))
		payload, err := notice.Payload()
		if err != nil {
			t.Fatal(err)
		}
		hops := 0
		for ; payload != nil; hops++ {
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // 5 s of work, one batch and a part
			answer, err := h.door.Handle(ctx, payload)
			cancel()
			if err != nil || string(answer) != "null" {
				t.Fatalf("invocation %d: %s %v", hops+1, answer, err)
			}
			if payload = nil; len(handed) > 0 {
				payload, handed = handed[0], handed[1:]
			}
		}
		p, _, err := h.door.Status(t.Context(), "in", "a")
		if err != nil || p.State != Done || p.Tally != (penstock.Tally{Read: 30_000, Delivered: 27_000, Rejected: 3000}) {
			t.Errorf("%s %v %v", p.State, p.Tally, err)
		}
		if hops < 4 || p.Hop != hops-1 {
			t.Errorf("%d invocations, the ledger says %d", hops, p.Hop+1)
		}
	})
}

// A chain that gets nowhere ends by itself.
func TestHandOverEndsWithoutProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handed := make(chan []byte, 10)
		h := newHouse(t, func(o *Options) {
			o.Continue = func(_ context.Context, payload []byte) error { handed <- payload; return nil }
		})
		h.before = func(ctx context.Context, _ penstock.Chunk) error { return pause(ctx, time.Hour) }
		payload, _ := h.put("a", lines(10, false)).Payload()
		invoke := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := h.door.Handle(ctx, payload)
			return err
		}
		if err := invoke(); err != nil {
			t.Fatal(err)
		}
		payload = <-handed
		for attempt := range 3 { // as Lambda calls what fails, before it goes to the on-failure destination
			if err := invoke(); err == nil || !strings.Contains(err.Error(), "no byte beyond 0") || len(handed) > 0 {
				t.Errorf("attempt %d of the continuation: %v, and handed over %d times", attempt+1, err, len(handed))
			}
		}
	})
}

// A forgetful ledger makes an entry and loses the answer, now and then.
type forgetful struct {
	Ledger
	lose func(n int) bool
	n    int
}

func (f *forgetful) Store(ctx context.Context, name string, text []byte, version int64) (bool, error) {
	ok, err := f.Ledger.Store(ctx, name, text, version)
	if f.n++; f.lose(f.n) {
		return false, errors.New("the answer is lost")
	}
	return ok, err
}

// Whichever answer of the ledger is lost, the next attempt goes on at once, and
// does not wait for the lease of the one before, which has an hour.
func TestLostAnswersOfTheLedger(t *testing.T) {
	for lost := 2; lost < 6; lost++ { // the first is that of the lease itself: nobody knows who has it
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t, func(o *Options) {
				o.BatchBytes, o.Lease = 100, time.Hour
				o.Ledger = &forgetful{Ledger: o.Ledger, lose: func(n int) bool { return n == lost }}
			})
			notice := h.put("a", lines(3, false))
			if _, err := h.door.Process(t.Context(), notice); err == nil {
				t.Fatal("an answer was lost, and it did not matter")
			}
			start := time.Now()
			r, err := h.door.Process(t.Context(), notice)
			if err != nil || r.Progress.State != Done || r.Progress.Tally.Read != 3 || r.Progress.Unaccounted() != 0 || time.Since(start) > time.Minute {
				t.Errorf("answer %d lost: then %s %v after %v, %v", lost, r.Progress.State, r.Progress.Tally, time.Since(start), err)
			}
		})
	}
}

// A worker that was overtaken cannot move the ledger, whenever it wakes up.
func TestZombieCannotMoveTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		notice := h.put("a", lines(10, false))
		zombie, _, err := h.door.acquire(t.Context(), notice, 10)
		if err != nil || zombie == nil {
			t.Fatal(zombie, err)
		}
		time.Sleep(h.door.o.Lease + time.Second) // it does not renew: it is frozen
		if r, err := h.door.Process(t.Context(), notice); err != nil || r.Outcome != Loaded {
			t.Fatal(r.Outcome, err)
		}
		if err := zombie.update(t.Context(), func(p *Progress) { p.Offset = 5 }); !errors.Is(err, errTaken) {
			t.Errorf("the zombie's checkpoint: %v, want that it was taken over", err)
		}
		if p, _, _ := h.door.Status(t.Context(), "in", "a"); p.State != Done || p.Tally.Read != 10 {
			t.Errorf("the ledger was moved: %+v", p)
		}
	})
}

// While one works, a second delivery of the notice waits, and then has nothing
// to do; one that waits in vain comes again.
func TestTwoDeliveriesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		h.before = func(ctx context.Context, _ penstock.Chunk) error { return pause(ctx, 25*time.Second) }
		notice := h.put("a", lines(10, false))
		var outcomes []string
		var mu sync.Mutex
		var wait sync.WaitGroup
		for range 3 {
			wait.Go(func() {
				r, _ := h.door.Process(t.Context(), notice)
				mu.Lock()
				outcomes = append(outcomes, string(r.Outcome))
				mu.Unlock()
			})
		}
		wait.Wait()
		slices.Sort(outcomes)
		if got := strings.Join(outcomes, " "); got != "already_done already_done loaded" {
			t.Errorf("outcomes %s", got)
		}
		for id, n := range h.table {
			if n != 1 {
				t.Errorf("record %s was written %d times", id, n)
			}
		}
	})
}

// The newest object of a key wins, in whatever order the notices come; a worker
// on an older one stops when a newer one comes.
func TestNewerObjectSupersedes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, nil)
		h.before = func(ctx context.Context, _ penstock.Chunk) error { return pause(ctx, 5*time.Second) }
		old := h.put("a", lines(30_000, false))
		old.Sequencer = "0A"
		var older Report
		var wait sync.WaitGroup
		wait.Go(func() { older, _ = h.door.Process(t.Context(), old) })
		time.Sleep(7 * time.Second)
		newer := h.put("a", lines(20, false))
		newer.Sequencer = "0B"
		r, err := h.door.Process(t.Context(), newer)
		if err != nil || r.Outcome != Loaded || r.Progress.Tally.Read != 20 {
			t.Errorf("the newer: %s %v %v", r.Outcome, r.Progress.Tally, err)
		}
		wait.Wait()
		if older.Outcome != WasReplaced || older.Err != nil {
			t.Errorf("the older: %s %v", older.Outcome, older.Err)
		}
		late := newer
		late.Sequencer = "09"
		late.Object.ETag = newer.Object.ETag
		asked := Progress{Object: old.Object, Sequencer: "0A", State: Running, Until: time.Now().Add(time.Hour).UnixMilli(), Newer: "0B"}
		if _, v := claim(asked, 1, newer, time.Now()); v != mustWait {
			t.Errorf("once asked: %v, want mustWait, or it races with the answer", v)
		}
		if _, v := claim(r.Progress, 1, Notice{Object: Object{Bucket: "in", Key: "a", ETag: "other"}, Sequencer: "0a"}, time.Now()); v != finished {
			t.Errorf("an older notice that comes late: %v, want finished", v)
		}
	})
}

// FuzzCutter: any text is cut into the same records whether it is read in one
// go or entered anew at each batch, and every byte is accounted for.
func FuzzCutter(f *testing.F) {
	s := rows(f)
	for _, seed := range []string{"", "{\"n\":1}\n{\"n\":2}", "[{\"n\":1} , {\"n\":2}]", "[", "[1", "[{}", "[]x", "\n\n", "{\n", "[{\"n\":1}{", "[,1]"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, text []byte, isArray bool) {
		whole := cutAll(t, s, text, isArray, false, 0)
		for _, batch := range []int{0, 1, 7} {
			if anew := cutAll(t, s, text, isArray, true, batch); !maps.Equal(whole, anew) {
				t.Errorf("read in one go %v, entered anew after batches of %d bytes %v", whole, batch, anew)
			}
		}
	})
}

func cutAll(t *testing.T, s *stream.Stream, text []byte, isArray, anew bool, batch int) map[uint64]string {
	records := map[uint64]string{}
	in := Input{Text: bytes.NewReader(text), Stream: s, First: 1, BatchBytes: batch}
	c := newJSON(in, isArray)
	var at int64
	for range 10_000 {
		var b penstock.Batch
		n, err := c.Next(&b)
		if err != nil {
			if at != int64(len(text)) && !c.malformed {
				t.Fatalf("the end is at byte %d of %d", at, len(text))
			}
			return records
		}
		at += n
		for _, e := range b.Events {
			records[e.Origin.Position] = fmt.Sprint(e.Verdict(), string(e.Raw))
		}
		if anew {
			c = newJSON(Input{Text: bytes.NewReader(text[at:]), Stream: s, First: uint64(len(records)) + 1, State: c.State(), BatchBytes: batch}, isArray)
		}
	}
	t.Fatal("it does not end")
	return nil
}
