package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/journal"
)

// small is a journal of 24 events in several segments, of which the first few
// are drained. It returns the disk and the bodies by number.
func small(t *testing.T, o journal.Options, closed bool) (*faults.Disk, map[uint64]string) {
	disk := faults.NewDisk(1)
	o.FS = disk.Machine()
	j, err := journal.Open("j", o)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[uint64]string{}
	for i := 0; len(bodies) < 24; i++ {
		b := &penstock.Batch{}
		for range 1 + i%3 {
			n := len(bodies) + len(b.Events) + 1
			b.Events = append(b.Events, event(fmt.Sprintf("id-%d", n), "k", strings.Repeat(fmt.Sprintf("<%d>", n), 40)))
		}
		if err := j.Write(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			bodies[e.Place().Seq] = string(e.Body)
		}
		if len(bodies) == 6 {
			drain(t, j, discard)
		}
	}
	if !closed {
		disk.Kill()
	}
	j.Close()
	return disk, bodies
}

// reopen opens what is on the disk and returns all that can be drained.
func reopen(t *testing.T, disk *faults.Disk, o journal.Options) (map[uint64]string, journal.Recovery) {
	t.Helper()
	o.FS = disk.Machine()
	j, err := journal.Open("j", o)
	if err != nil {
		t.Fatal(err)
	}
	var sink collected
	drain(t, j, &sink)
	r := j.Recovery()
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	got := map[uint64]string{}
	for _, e := range sink.events {
		if _, twice := got[e.Origin.Position]; twice {
			t.Errorf("number %d came twice", e.Origin.Position)
		}
		got[e.Origin.Position] = string(e.Body)
	}
	return got, r
}

// TestFlipEveryByte changes each byte of a small journal, one at a time. It
// must open all the same, give back no wrong record, and say exactly which ones
// it cannot give back.
func TestFlipEveryByte(t *testing.T) {
	o := journal.Options{SegmentBytes: 4 << 10, Log: quiet}
	for _, closed := range []bool{true, false} {
		disk, bodies := small(t, o, closed)
		for _, name := range disk.Names() {
			content := disk.Read(name)
			written := int64(len(bytes.TrimRight(content, "\x00")))
			for off := int64(0); off < int64(len(content)); off++ {
				if off > written && off%64 != 0 || testing.Short() && off%7 != 0 {
					continue
				}
				broken := disk.Clone(2)
				broken.Flip(name, off, 1<<(off%8))
				got, r := reopen(t, broken, o)
				judgeFlip(t, fmt.Sprintf("%s byte %d closed %v", name, off, closed), bodies, got, r, closed)
				if t.Failed() {
					return
				}
			}
		}
	}
}

func judgeFlip(t *testing.T, where string, bodies, got map[uint64]string, r journal.Recovery, closed bool) {
	t.Helper()
	for seq, body := range got {
		if bodies[seq] != body {
			t.Errorf("%s: number %d came back as %q", where, seq, body)
		}
	}
	lost := map[uint64]bool{}
	for _, l := range r.Lost {
		for seq := l.First; seq <= l.Last; seq++ {
			lost[seq] = true
		}
	}
	for seq := uint64(7); seq <= 24; seq++ {
		_, there := got[seq]
		// Without a seal nobody can tell rot in the last commit from a write that
		// never ended: it is reported as torn.
		torn := !closed && len(r.Torn) > 0 && seq > r.Last
		if there == (lost[seq] || torn) {
			t.Errorf("%s: number %d came back: %v; reported lost: %v, torn: %v; %+v", where, seq, there, lost[seq], torn, r)
		}
	}
	if len(lost) > 0 && len(r.Damage) == 0 {
		t.Errorf("%s: lost without damage: %+v", where, r)
	}
	for _, d := range r.Damage {
		if d.Bytes > 0 && d.Quarantine == "" {
			t.Errorf("%s: damage was not set aside: %+v", where, d)
		}
	}
}

// TestCutAtEveryOperation runs one small history once for each call that
// changes the disk, and cuts the power there.
func TestCutAtEveryOperation(t *testing.T) {
	rounds := uint64(6)
	if testing.Short() {
		rounds = 1
	}
	for seed := uint64(1); seed <= rounds; seed++ {
		for n := 1; ; n++ {
			if !cutAt(t, seed, n) {
				break
			}
			if n > 1000 {
				t.Fatal("the history never ends")
			}
		}
	}
}

// cutAt returns false when the history ended before the n-th operation.
func cutAt(t *testing.T, seed uint64, n int) bool {
	disk := faults.NewDisk(seed)
	disk.CutPowerAt(n)
	sink := faults.NewSink(faults.SinkOptions{Memory: faults.ByPosition})
	acked := map[string]bool{}
	o := journal.Options{SegmentBytes: 4 << 10, Identities: 12, CheckpointEvery: 1, Log: quiet}
	write := func(j *journal.Journal, id string) bool {
		b := batch(event(id, "k", strings.Repeat(id, 100)), event(id+"'", "k", "2"))
		err := j.Write(t.Context(), b)
		if err == nil {
			acked[id], acked[id+"'"] = true, true
		}
		return err == nil
	}
	history := func() {
		for range 2 {
			o.FS = disk.Machine()
			j, err := journal.Open("j", o)
			if err != nil {
				return
			}
			for i := range 12 {
				if !write(j, fmt.Sprintf("%d", disk.Ops()*100+i)) {
					break
				}
				if i%5 == 4 {
					drain(t, j, sink)
				}
			}
			j.Close()
		}
	}
	history()
	ended := !disk.Off()
	disk.CutPower()
	o.FS = disk.Machine()
	j, err := journal.Open("j", o)
	if err != nil {
		t.Fatalf("seed %d, cut at %d: %v", seed, n, err)
	}
	if r := j.Recovery(); len(r.Damage) > 0 || r.Checkpoint != "" {
		t.Errorf("seed %d, cut at %d: %+v", seed, n, r)
	}
	drain(t, j, sink)
	j.Close()
	times := map[string]int{}
	for _, r := range sink.Records() {
		times[r.ID]++
	}
	for id := range acked {
		if times[id] != 1 {
			t.Errorf("seed %d, cut at %d: %s was acknowledged and came through %d times", seed, n, id, times[id])
		}
	}
	return !ended
}

// TestRepair takes the checkpoint and all headers away, so that only the given
// identity can save the journal.
func TestRepair(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(dir, journal.Options{SegmentBytes: 4 << 10, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if err := j.Write(t.Context(), batch(event(fmt.Sprint(i), "k", strings.Repeat("x", 300)))); err != nil {
			t.Fatal(err)
		}
	}
	id := j.ID()
	if _, err := journal.Repair(dir, ""); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("repair of an open journal: %v", err)
	}
	if r, err := journal.Verify(dir); err != nil || !r.InUse {
		t.Errorf("verify of an open journal: %+v, %v", r, err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	segments, _ := filepath.Glob(filepath.Join(dir, "*.segment"))
	for _, name := range segments {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		f.WriteAt([]byte("rot"), 3)
		f.Close()
	}
	if _, err := journal.Open(dir, journal.Options{Log: quiet}); err == nil {
		t.Fatal("a journal without an identity opened")
	}
	if _, err := journal.Repair(dir, id); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Verify(dir)
	if err != nil || len(r.Damage) > 0 || r.Events != 30 || r.Checkpoint != "" {
		t.Errorf("after repair: %+v, %v", r, err)
	}
	var out bytes.Buffer
	if n, err := journal.Export(dir, &out, journal.Range{First: 29}); err != nil || n != 2 {
		t.Errorf("export: %d, %v", n, err)
	}
	want := `{"seq":29,"id":"28","key":"k","time":"2023-11-14T22:13:20.000000005Z","headers":{"h":"v-28"},"body_base64":"`
	if !strings.HasPrefix(out.String(), want) {
		t.Errorf("export wrote %s", out.String())
	}
}

// FuzzRecover gives any bytes as the end of a segment. Recovery must not
// panic, not fail, and not invent an event.
func FuzzRecover(f *testing.F) {
	o := journal.Options{SegmentBytes: 4 << 10, Log: quiet}
	f.Add(uint16(0), []byte{})
	f.Add(uint16(64), []byte{0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Add(uint16(300), bytes.Repeat([]byte{0xff}, 100))
	f.Fuzz(func(t *testing.T, at uint16, b []byte) {
		disk, bodies := small(t, o, false)
		names := disk.Names()
		name := names[len(names)-1-int(at)%2]
		content := disk.Read(name)
		for i, c := range b {
			if off := int64(at) + int64(i); off < int64(len(content)) {
				disk.Flip(name, off, content[off]^c)
			}
		}
		o.FS = disk.Machine()
		j, err := journal.Open("j", o)
		if err != nil {
			return // only the identity can be at fault, see TestFlipEveryByte
		}
		defer j.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var sink collected
		ended := make(chan error, 1)
		go func() { ended <- j.Run(ctx, &sink) }()
		if err := j.AwaitDrained(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
		for _, e := range sink.events {
			if bodies[e.Origin.Position] != string(e.Body) {
				t.Errorf("number %d came back as %q", e.Origin.Position, e.Body)
			}
		}
	})
}
