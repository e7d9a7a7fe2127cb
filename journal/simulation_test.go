package journal_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/journal"
)

var (
	seedsFlag = flag.Uint64("seeds", 1000, "how many seeds the simulation runs")
	seedFlag  = flag.Uint64("seed", 0, "run only this seed of the simulation")
)

// TestSimulation writes, drains, crashes and recovers by seed, on a disk and
// into a sink that fail, and holds what came through against what was promised.
// Whatever can happen must have happened in some seed.
func TestSimulation(t *testing.T) {
	seeds := *seedsFlag
	if testing.Short() {
		seeds = min(seeds, 100)
	}
	if *seedFlag > 0 {
		simulate(t, *seedFlag, faithful)
		return
	}
	marks := map[string]int{}
	for seed := uint64(1); seed <= seeds && !t.Failed(); seed++ {
		for name, n := range simulate(t, seed, faithful) {
			marks[name] += n
		}
	}
	for _, name := range []string{
		"joined", "dropped", "full", "unknown", "broken", "sync failure", "disk full", "rolled", "segment deleted",
		"torn tail", "crash in recovery", "killed", "power cut", "closed", "cut while it wrote", "last commit moved",
		"answer lost", "sink down", "dead letter", "awaited", "recovered from broken",
	} {
		if marks[name] == 0 {
			t.Errorf("in %d seeds it never happened: %s", seeds, name)
		}
	}
	if testing.Verbose() {
		for _, name := range slices.Sorted(maps.Keys(marks)) {
			t.Logf("%6d %s", marks[name], name)
		}
	}
}

// A fault is built into the journal or its disk on purpose.
type fault struct {
	name  string
	disk  func(journal.FS) journal.FS
	build func(*journal.Options)
}

var faithful = fault{name: "none"}

// life is everything between an Open and a crash or Close.
type life struct {
	j     *journal.Journal
	stop  context.CancelFunc
	ended chan struct{}
	calls sync.WaitGroup
}

// sim is one seed's run.
type sim struct {
	seed   uint64
	rng    *rand.Rand
	disk   *faults.Disk
	sink   *faults.Sink
	o      journal.Options
	fault  fault
	life   *life
	gate   chan struct{} // syncs wait for it; nil: they do not
	nextID int
	wasBad bool // a write failed in this life

	mu     sync.Mutex
	over   bool              // the machine is off: what calls return now, nobody hears
	acked  map[string]uint64 // number by identity
	lastOf map[string]uint64 // highest number acked, by key
	maybe  map[string]bool   // identities that may be stored
	marks  map[string]int
	errs   []string
}

// simulate runs one seed and returns what has happened. Findings fail t; with
// a nil t they are returned as the mark "finding".
func simulate(t *testing.T, seed uint64, f fault) (marks map[string]int) {
	run := func() {
		s := newSim(seed, f)
		s.run()
		marks = s.marks
		for _, e := range s.errs {
			marks["finding"]++
			marks["finding: "+e]++
		}
	}
	synctest.Test(t, func(*testing.T) { run() })
	if f.name == faithful.name {
		for name := range marks {
			if found, ok := strings.CutPrefix(name, "finding: "); ok {
				t.Errorf("seed %d: %s (rerun: go test ./journal -run TestSimulation -seed %d)", seed, found, seed)
			}
		}
	}
	return marks
}

func newSim(seed uint64, f fault) *sim {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &sim{
		seed: seed, rng: rng, fault: f, disk: faults.NewDisk(seed),
		acked: map[string]uint64{}, lastOf: map[string]uint64{}, maybe: map[string]bool{}, marks: map[string]int{},
	}
	s.sink = faults.NewSink(faults.SinkOptions{
		Seed: seed, Before: 0.1, After: 0.15, Down: 0.02, DownMax: 2 * time.Second, SlowMax: 20 * time.Millisecond,
		Memory: faults.ByPosition, Bad: func(e *penstock.Event) bool { return strings.HasSuffix(string(e.ID), "13") },
	})
	s.o = journal.Options{
		SegmentBytes: 4 << 10, CommitBytes: 4 << 10, QuotaBytes: 8 << 10, CheckpointEvery: 50 * time.Millisecond,
		Identities: 1000, DrainEvents: 1 + rng.IntN(20), DrainBytes: 1 << 10, Log: quiet,
	}
	if rng.IntN(2) == 0 {
		s.o.Identities = 40 // what is repeated is always younger, see id
	}
	if f.build != nil {
		f.build(&s.o)
	}
	return s
}

func (s *sim) mark(name string) {
	s.mu.Lock()
	s.marks[name]++
	s.mu.Unlock()
}

func (s *sim) fail(format string, args ...any) {
	s.mu.Lock()
	s.errs = append(s.errs, fmt.Sprintf(format, args...))
	s.mu.Unlock()
}

func (s *sim) run() {
	for range 3 + s.rng.IntN(3) {
		if !s.open() {
			return
		}
		for range 10 + s.rng.IntN(25) {
			s.act()
			synctest.Wait()
		}
		s.end()
	}
	s.settle()
	s.judge()
}

// open begins a life; now and then the power goes while it recovers.
func (s *sim) open() bool {
	for {
		s.over, s.wasBad, s.gate = false, false, nil
		if s.rng.IntN(4) == 0 {
			s.disk.CutPowerAt(1 + s.rng.IntN(12))
		}
		fs := s.disk.Machine()
		if s.fault.disk != nil {
			fs = s.fault.disk(fs)
		}
		s.o.FS = fs
		j, err := journal.Open("j", s.o)
		if err == nil {
		}
		if s.disk.Off() {
			s.mark("crash in recovery")
			s.disk.CutPower()
			if err == nil {
				j.Close()
			}
			continue
		}
		if err != nil {
			s.fail("open: %v", err)
			return false
		}
		s.disk.CutPowerAt(0)
		s.disk.OnSync(s.hold)
		s.examine(j.Recovery())
		ctx, stop := context.WithCancel(context.Background())
		s.life = &life{j: j, stop: stop, ended: make(chan struct{})}
		go func(l *life) {
			defer close(l.ended)
			if err := l.j.Run(ctx, penstock.Retry{To: penstock.Bisect{To: penstock.DeadLetters{To: s.into(), Letters: s.into()}}}); ctx.Err() == nil {
				s.fail("run ended by itself: %v", err)
			}
		}(s.life)
		return true
	}
}

func (s *sim) examine(r journal.Recovery) {
	if len(r.Damage) > 0 || len(r.Lost) > 0 || r.Checkpoint != "" {
		s.fail("recovery found damage on a healthy disk: %+v", r)
	}
	if r.Rewritten > 0 {
		s.mark("last commit moved")
	}
	for _, torn := range r.Torn {
		s.mark("torn tail")
		if torn.Events > 0 {
			s.mark("torn events")
		}
	}
}

// into gives the journal's door a fixed name, so that the sink's faults depend
// on the seed alone.
func (s *sim) into() penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		for _, e := range b.Events {
			e.Origin.Door = "door"
		}
		return s.sink.Write(ctx, b)
	})
}

// hold keeps a sync waiting while the gate is shut.
func (s *sim) hold(string) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
}

func (s *sim) shut(gate chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gate != nil {
		close(s.gate)
	}
	s.gate = gate
}

func (s *sim) act() {
	switch n := s.rng.IntN(20); {
	case n < 11:
		s.write()
	case n < 13:
		s.shut(make(chan struct{}))
	case n < 15:
		s.shut(nil)
	case n < 18:
		time.Sleep(time.Duration(s.rng.IntN(200)) * time.Millisecond)
	case n == 18:
		f := faults.DiskFaults{}
		switch s.rng.IntN(4) {
		case 0:
			f.SyncError = 0.5
		case 1:
			f.ShortWrite = 0.3
		case 2:
			f.Capacity = 1
		}
		s.disk.SetFaults(f)
	default:
		if s.rng.IntN(3) == 0 {
			s.disk.CutPowerAt(1 + s.rng.IntN(10))
		}
	}
}

// write sends a batch of some new events and some that were sent before.
func (s *sim) write() {
	b := &penstock.Batch{}
	for range 1 + s.rng.IntN(6) {
		id := s.id()
		key := fmt.Sprintf("k%d", id%3)
		e := event(fmt.Sprintf("id-%d", id), key, strings.Repeat(fmt.Sprintf("body-%d.", id), 1+id%40))
		e.Headers = e.Headers[:id%2]
		b.Events = append(b.Events, e)
	}
	floor := map[string]uint64{}
	s.mu.Lock()
	maps.Copy(floor, s.lastOf)
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(1+s.rng.IntN(2000))*time.Millisecond)
	await := s.rng.IntN(4) == 0
	l := s.life
	l.calls.Go(func() {
		defer cancel()
		err := l.j.Write(ctx, b)
		s.hear(b, err, floor)
		if await && err == nil && l.j.Await(ctx, b) == nil {
			s.mark("awaited")
			s.awaited(b)
		}
	})
	synctest.Wait()
}

// id draws a new number or one of the last 20.
func (s *sim) id() int {
	if s.nextID > 0 && s.rng.IntN(4) == 0 {
		return s.nextID - s.rng.IntN(min(20, s.nextID))
	}
	s.nextID++
	return s.nextID
}

// hear takes an answer in, unless the machine is off.
func (s *sim) hear(b *penstock.Batch, err error, floor map[string]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !b.Tally().Conserved() || err == nil && b.Tally().Pending > 0 {
		s.errs = append(s.errs, fmt.Sprintf("%v with error %v", b.Tally(), err))
	}
	unknown := s.over || s.disk.Off() || errors.Is(err, journal.ErrUnknown)
	for _, e := range b.Events {
		id := string(e.ID)
		switch {
		case e.Verdict() == penstock.Pending:
			if unknown {
				s.maybe[id] = true
			}
			continue
		case s.over || s.disk.Off():
			s.maybe[id] = true
			continue
		}
		sentBefore := s.maybe[id]
		s.maybe[id] = true
		seq, key := e.Place().Seq, string(e.Key)
		if before, ok := s.acked[id]; ok && before != seq {
			s.errs = append(s.errs, fmt.Sprintf("%s was acknowledged as number %d and as %d", id, before, seq))
		}
		s.acked[id] = seq
		s.lastOf[key] = max(s.lastOf[key], seq)
		if e.Verdict() == penstock.Dropped {
			s.marks["dropped"]++
		} else if seq <= floor[key] && !sentBefore {
			s.errs = append(s.errs, fmt.Sprintf("%s got number %d, but %d of its key had been acknowledged before it was sent", id, seq, floor[key]))
		}
	}
	s.note(err)
}

func (s *sim) note(err error) {
	switch {
	case err == nil && s.wasBad:
		s.marks["recovered from broken"]++
		s.wasBad = false
	case errors.Is(err, journal.ErrBroken):
		s.marks["broken"]++
		s.wasBad = true
		if strings.Contains(err.Error(), "no space") {
			s.marks["disk full"]++
		}
	case errors.Is(err, journal.ErrFull):
		s.marks["full"]++
	}
	if errors.Is(err, journal.ErrUnknown) {
		s.marks["unknown"]++
	}
}

// awaited checks that what Await says is downstream is there.
func (s *sim) awaited(b *penstock.Batch) {
	stored := map[string]bool{}
	for _, r := range s.sink.Records() {
		stored[r.ID] = true
	}
	for _, e := range b.Events {
		if e.Place().Ack == penstock.AckKafka && !stored[string(e.ID)] {
			s.fail("Await said that %s is downstream; it is not", e.ID)
		}
	}
}

// end ends a life in one of the ways that lives end.
func (s *sim) end() {
	l := s.life
	if at := l.j.Checkpoint(); at > s.sink.Position("door") {
		s.fail("the checkpoint %d is ahead of the sink's progress %d", at, s.sink.Position("door"))
	}
	for name, n := range map[string]uint64{
		"joined": l.j.Stats().Joined, "sync failure": l.j.Stats().SyncFailures,
		"segment deleted": l.j.Stats().SegmentsDeleted, "rolled": uint64(l.j.Stats().Segments - 1),
	} {
		s.marks[name] += int(n)
	}
	way := s.rng.IntN(3)
	if s.disk.Off() {
		s.mark("cut while it wrote")
		way = 2
	}
	if way == 0 {
		s.disk.CutPowerAt(0)
		s.disk.SetFaults(faults.DiskFaults{})
		s.shut(nil)
		l.calls.Wait()
		l.stop()
		<-l.ended
		if err := l.j.Close(); err != nil {
			s.fail("close: %v", err)
		}
		s.mark("closed")
		s.disk.Kill()
		return
	}
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	if way == 1 {
		s.mark("killed")
		s.disk.Kill()
	} else {
		s.mark("power cut")
		s.disk.CutPower()
	}
	s.disk.SetFaults(faults.DiskFaults{})
	l.stop()
	s.shut(nil)
	<-l.ended
	l.j.Close()
	l.calls.Wait()
}

// settle ends all faults and waits until the journal is empty.
func (s *sim) settle() {
	s.sink.Calm()
	s.disk.SetFaults(faults.DiskFaults{})
	if !s.open() {
		return
	}
	s.disk.CutPowerAt(0)
	l := s.life
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	b := batch(event("the-last", "k0", "x"))
	for l.j.Write(ctx, b) != nil && ctx.Err() == nil {
		time.Sleep(time.Second)
	}
	s.hear(b, nil, nil)
	if err := l.j.AwaitDrained(ctx); err != nil {
		s.fail("an hour after all faults ended: %v, %+v", err, l.j.Stats())
	}
	if left := l.j.Stats().BacklogBytes; left != 0 {
		time.Sleep(time.Second)
		if left := l.j.Stats().BacklogBytes; left != 0 {
			s.fail("drained, and %d bytes are said to wait", left)
		}
	}
	l.stop()
	<-l.ended
	if err := l.j.Close(); err != nil {
		s.fail("close: %v", err)
	}
}

// judge holds the sink against what was acknowledged.
func (s *sim) judge() {
	records := s.sink.Records()
	at := map[string]uint64{}
	last := uint64(0)
	for _, r := range records {
		if r.Letter {
			s.mark("dead letter")
		}
		if _, twice := at[r.ID]; twice {
			s.fail("%s came through twice, as %d and %d", r.ID, at[r.ID], r.Origin.Position)
		}
		at[r.ID] = r.Origin.Position
		if r.Origin.Position <= last {
			s.fail("%d came after %d", r.Origin.Position, last)
		}
		last = r.Origin.Position
		if !s.maybe[r.ID] {
			s.fail("%s came through, but its sender was told that it is not stored", r.ID)
		}
		var id int
		if n, _ := fmt.Sscanf(r.ID, "id-%d", &id); n == 1 && r.Body != strings.Repeat(fmt.Sprintf("body-%d.", id), 1+id%40) {
			s.fail("%s came through with another body", r.ID)
		}
	}
	for id, seq := range s.acked {
		if got, ok := at[id]; !ok {
			s.fail("%s was acknowledged as number %d and is lost", id, seq)
		} else if got != seq {
			s.fail("%s was acknowledged as number %d and came through as %d", id, seq, got)
		}
	}
	for name, mark := range map[string]string{"after": "answer lost", "down": "sink down"} {
		s.marks[mark] += s.sink.Marks()[name]
	}
}
