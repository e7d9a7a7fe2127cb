package penstock_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/faults"
)

var seedFlag = flag.Int64("seed", -1, "run the simulation with this seed only, and print what it met")

// TestSimulation drives the language with seeded faults, several doors at a
// time, and checks the contract of design section 3 on every event.
func TestSimulation(t *testing.T) {
	if *seedFlag >= 0 {
		s := simulate(t, uint64(*seedFlag), honest())
		t.Logf("seed %d: shape %s, %d events, marks %v", *seedFlag, s.shape, len(s.sent), s.marks)
		for _, v := range s.violations {
			t.Error(v)
		}
		return
	}
	seeds := uint64(1500)
	if testing.Short() {
		seeds = 500
	}
	met := map[string]int{}
	for seed := range seeds {
		s := simulate(t, seed, honest())
		if len(s.violations) > 0 {
			t.Fatalf("seed %d (shape %s; run again with -run TestSimulation -seed %d):\n%s",
				seed, s.shape, seed, strings.Join(s.violations, "\n"))
		}
		for mark, n := range s.marks {
			met[mark] += n
		}
	}
	// A fault that never happens proves nothing.
	for _, mark := range []string{
		"request", "worker", "drain", "load",
		"before", "after", "partial", "down", "timeout", "refusal", "reject", "known",
		"letter before", "letter after", "letter partial", "letter down",
		"step failed", "step rejected", "door rejected", "condemned", "condemned, then rejected",
		"crash", "crash with a letter missing", "resent", "delivered", "dropped", "rejected",
	} {
		if met[mark] == 0 {
			t.Errorf("in %d seeds %q never happened", seeds, mark)
		}
	}
}

// TestSimulationRepeats proves that a seed tells the whole story: two runs of
// it meet the same faults and leave the same records.
func TestSimulationRepeats(t *testing.T) {
	for seed := range uint64(50) {
		a, b := simulate(t, seed, honest()), simulate(t, seed, honest())
		if !maps.Equal(a.marks, b.marks) {
			t.Fatalf("seed %d: marks differ: %v and %v", seed, a.marks, b.marks)
		}
		if x, y := fmt.Sprint(a.sink.Records()), fmt.Sprint(b.sink.Records()); x != y {
			t.Fatalf("seed %d: records differ:\n%s\n%s", seed, x, y)
		}
	}
}

// A language is the nouns under test, each replaceable by a mutant.
type language struct {
	retry    func(to penstock.Sink) penstock.Sink
	bisect   func(to penstock.Sink) penstock.Sink
	letters  func(to, letters penstock.Sink) penstock.Sink
	pipeline func(steps []penstock.Step, to penstock.Sink) penstock.Sink
	sink     func(*faults.Sink) penstock.Sink
}

func honest() language {
	return language{
		// The sink takes its time; a pause without jitter keeps a seed exact.
		retry:   func(to penstock.Sink) penstock.Sink { return penstock.Retry{To: to, Min: 1, Max: 1} },
		bisect:  func(to penstock.Sink) penstock.Sink { return penstock.Bisect{To: to} },
		letters: func(to, letters penstock.Sink) penstock.Sink { return penstock.DeadLetters{To: to, Letters: letters} },
		pipeline: func(steps []penstock.Step, to penstock.Sink) penstock.Sink {
			return penstock.Pipeline{Steps: steps, To: to}
		},
		sink: func(s *faults.Sink) penstock.Sink { return s },
	}
}

// calmAfter is when faults stop.
const calmAfter = time.Minute

// The shapes are the ways in which the house puts the nouns together.
const (
	request = "request" // HTTP: steps, then the journal; the client sends again
	worker  = "worker"  // everything, with retries
	drain   = "drain"   // journal to Kafka: progress, letters beside, crashes
	load    = "load"    // file to table: letters first, progress, crashes
)

// The faults of an event, by who is to refuse it.
const (
	good = iota
	badForDoor
	badForStep
	badForSink
)

// record is one event as its door sends it, the truth to check against.
type record struct {
	door  string
	at    uint64
	id    string
	key   string
	fault int
}

// glimpse is what a door knew of an event when a Write came back.
type glimpse struct {
	record
	verdict penstock.Verdict
}

type simulation struct {
	seed          uint64
	shape         string
	memory        faults.Memory
	sink, letters *faults.Sink
	into          penstock.Sink

	mu         sync.Mutex
	sent       []record
	glimpses   []glimpse
	tally      penstock.Tally
	marks      map[string]int
	violations []string
}

// simulate runs one seed in a bubble of its own, for some minutes of its time.
func simulate(t *testing.T, seed uint64, l language) *simulation {
	t.Helper()
	var s *simulation
	synctest.Test(t, func(t *testing.T) {
		s = newSimulation(seed, l)
		s.run()
	})
	return s
}

func newSimulation(seed uint64, l language) *simulation {
	rng := rand.New(rand.NewPCG(seed, 0))
	s := &simulation{seed: seed, marks: map[string]int{}}
	s.shape = []string{request, worker, drain, load}[rng.IntN(4)]
	s.memory = faults.Memory(rng.IntN(2))
	if s.shape == drain || s.shape == load {
		s.memory = faults.ByPosition
	}
	rate := func() float64 { return rng.Float64() * 0.25 }
	outage := 5 * time.Second
	if rng.IntN(16) == 0 {
		outage = 20 * calmAfter // only Calm ends it
	}
	options := faults.SinkOptions{
		Seed: seed, Before: rate(), After: rate(), Partial: rate(), Down: rate() / 5, DownMax: outage,
		SlowMax: 50 * time.Millisecond, Memory: s.memory, Refusing: faults.Refusing(rng.IntN(2)),
		Bad: func(e *penstock.Event) bool { return strings.HasPrefix(string(e.Raw), "sink") },
	}
	if s.shape == request {
		options.Refusing = faults.EachAlone // nobody is there to bisect
	}
	s.sink = faults.NewSink(options)
	s.letters = faults.NewSink(faults.SinkOptions{
		Seed: seed + 1, Before: rate(), After: rate(), Partial: rate(), Down: rate() / 5, DownMax: outage,
		SlowMax: 50 * time.Millisecond,
	})
	s.into = s.build(l, rate())
	return s
}

// build puts the nouns together, each watched.
func (s *simulation) build(l language, stepRate float64) penstock.Sink {
	pipeline := func(to penstock.Sink) penstock.Sink {
		return s.watch("pipeline", l.pipeline(s.steps(stepRate), to))
	}
	letters := func(to, into penstock.Sink) penstock.Sink { return s.watch("dead letters", l.letters(to, into)) }
	bisect := func(to penstock.Sink) penstock.Sink { return s.watch("bisect", l.bisect(to)) }
	retry := func(to penstock.Sink) penstock.Sink { return s.watch("retry", l.retry(to)) }
	to := s.watch("sink", l.sink(s.sink))
	switch s.shape {
	case request:
		return letters(pipeline(to), s.letters)
	case worker:
		return retry(bisect(letters(pipeline(to), s.letters)))
	case drain:
		return retry(bisect(letters(to, to)))
	default: // load
		return retry(pipeline(bisect(letters(to, s.letters))))
	}
}

// watch holds a noun to what Sink promises: no error means nothing pends.
func (s *simulation) watch(noun string, to penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		err := to.Write(ctx, b)
		if pending := b.Tally().Pending; err == nil && pending > 0 {
			s.violate("%s: no error while %d of %d events pend", noun, pending, len(b.Events))
		}
		return err
	})
}

func (s *simulation) run() {
	s.mark(s.shape)
	rng := rand.New(rand.NewPCG(s.seed, 1))
	ctx, cancel := context.WithTimeout(context.Background(), 10*calmAfter)
	defer cancel()
	var doors sync.WaitGroup
	for i := range 1 + rng.IntN(4) {
		rng := rand.New(rand.NewPCG(s.seed, uint64(2+i)))
		doors.Go(func() {
			// Doors live some nanoseconds apart and all that happens takes whole
			// milliseconds, so no two ever act at once: the seed decides who is first.
			time.Sleep(time.Duration(i))
			s.door(ctx, fmt.Sprintf("door%d", i), rng)
		})
	}
	time.Sleep(calmAfter + 100*time.Microsecond)
	s.sink.Calm()
	s.letters.Calm()
	doors.Wait()
	s.check()
}

// door sends its records in batches, each until it is settled.
func (s *simulation) door(ctx context.Context, name string, rng *rand.Rand) {
	defer func() {
		if p := recover(); p != nil {
			s.violate("%s: panic: %v", name, p)
		}
	}()
	all := s.records(name, rng)
	for at := 0; at < len(all) && ctx.Err() == nil; {
		n := min(1+rng.IntN(8), len(all)-at)
		if s.shape == drain || s.shape == load {
			at = s.attempt(ctx, all[at:at+n], at, rng)
			continue
		}
		s.insist(ctx, all[at:at+n], rng)
		at += n
	}
	if ctx.Err() != nil {
		s.violate("%s: not settled %v after the faults stopped", name, 9*calmAfter)
	}
}

// insist writes one batch until nothing of it pends.
func (s *simulation) insist(ctx context.Context, part []record, rng *rand.Rand) {
	b := s.batch(part)
	for ctx.Err() == nil {
		s.write(ctx, b, part, rng)
		if b.Tally().Pending == 0 {
			break
		}
		s.mark("resent")
		time.Sleep(50 * time.Millisecond)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally = s.tally.Add(b.Tally())
}

// attempt writes one batch once. If it does not settle, that is a crash: the
// batch is forgotten, and the door goes on from the position it returns, its
// own checkpoint or, in the shape that trusts it, the sink's progress.
func (s *simulation) attempt(ctx context.Context, part []record, checkpoint int, rng *rand.Rand) int {
	b := s.batch(part)
	s.write(ctx, b, part, rng)
	if b.Tally().Pending == 0 && rng.IntN(6) > 0 {
		return checkpoint + len(part)
	}
	s.mark("crash")
	for _, e := range b.Events {
		if e.Verdict() == penstock.Pending && e.Reason() != nil {
			s.mark("crash with a letter missing")
		}
	}
	if s.shape == load {
		return max(checkpoint, int(s.sink.Position(part[0].door)))
	}
	return checkpoint
}

// write hands the batch in, for a while that may be too short, and notes what
// the door is told.
func (s *simulation) write(ctx context.Context, b *penstock.Batch, part []record, rng *rand.Rand) {
	patience := time.Duration(1+rng.IntN(400))*time.Millisecond + 500*time.Microsecond
	if rng.IntN(3) == 0 {
		patience = 20 * calmAfter
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	condemned := map[*penstock.Event]bool{}
	for _, e := range b.Events {
		condemned[e] = e.Verdict() == penstock.Pending && e.Reason() != nil
	}
	_ = s.into.Write(ctx, b) // the ledger tells
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range b.Events {
		s.glimpses = append(s.glimpses, glimpse{part[i], e.Verdict()})
		s.marks[e.Verdict().String()]++
		if e.Verdict() == penstock.Pending && e.Reason() != nil {
			s.marks["condemned"]++
		}
		if condemned[e] && e.Verdict() == penstock.Rejected {
			s.marks["condemned, then rejected"]++
		}
	}
	if !b.Tally().Conserved() {
		s.violations = append(s.violations, "not conserved: "+b.Tally().String())
	}
}

// records makes up what a door has to send.
func (s *simulation) records(name string, rng *rand.Rand) []record {
	all := make([]record, 5+rng.IntN(25))
	for i := range all {
		r := record{door: name, at: uint64(i + 1), key: []string{"", "a", "b", "c"}[rng.IntN(4)]}
		r.id = fmt.Sprintf("%s-%d", name, r.at)
		switch n := rng.IntN(20); {
		case n == 0 && s.shape != drain:
			r.fault = badForStep
		case n == 1 && (s.shape == request || s.shape == worker):
			r.fault = badForDoor
		case n <= 3:
			r.fault = badForSink
		case n <= 5 && s.memory == faults.ByID:
			r.id = fmt.Sprintf("twice-%d", rng.IntN(4))
		}
		all[i] = r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent = append(s.sent, all...)
	return all
}

// batch makes fresh events, as a door does when it reads.
func (s *simulation) batch(part []record) *penstock.Batch {
	b := &penstock.Batch{}
	for _, r := range part {
		who := []string{"good", "door", "step", "sink"}[r.fault]
		raw := []byte(who + "|" + r.id + "|" + r.key)
		e := &penstock.Event{Origin: penstock.Origin{Door: r.door, Position: r.at}, Raw: raw}
		if s.shape == drain {
			e.ID, e.Key, e.Body = []byte(r.id), []byte(r.key), raw
		}
		if r.fault == badForDoor {
			e.Reject(penstock.NewReject("syntax", "", "not an event"))
			s.mark("door rejected")
		}
		b.Events = append(b.Events, e)
	}
	return b
}

// steps are a look-up that fails at times, identity and key, and the encoding.
func (s *simulation) steps(rate float64) []penstock.Step {
	start := time.Now()
	var mu sync.Mutex
	rngs := map[string]*rand.Rand{}
	draw := func(door string) float64 {
		mu.Lock()
		defer mu.Unlock()
		if rngs[door] == nil {
			rngs[door] = rand.New(rand.NewPCG(s.seed, uint64(door[len(door)-1])))
		}
		return rngs[door].Float64()
	}
	lookUp := func(ctx context.Context, e *penstock.Event) error {
		fails := draw(e.Origin.Door) < rate && time.Since(start) < calmAfter
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if fails {
			s.mark("step failed")
			return fmt.Errorf("look-up: %w", faults.ErrWorld)
		}
		if strings.HasPrefix(string(e.Raw), "step") {
			s.mark("step rejected")
			return penstock.NewReject("unknown", "/id", "nobody knows it")
		}
		return nil
	}
	identify := func(_ context.Context, e *penstock.Event) error {
		parts := strings.Split(string(e.Raw), "|")
		e.ID, e.Key = append(e.ID[:0], parts[1]...), append(e.Key[:0], parts[2]...)
		return nil
	}
	encode := func(_ context.Context, e *penstock.Event) error {
		e.Body = append(e.Body[:0], e.Raw...)
		return nil
	}
	return []penstock.Step{lookUp, identify, encode}
}

func (s *simulation) mark(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks[name]++
}

func (s *simulation) violate(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, fmt.Sprintf(format, args...))
}
