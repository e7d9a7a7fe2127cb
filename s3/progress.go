package s3

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/penstock-io/penstock"
)

// State is how far an object has come.
type State string

// The states.
const (
	Running    State = "running"    // somebody works on it, or will go on with it
	Done       State = "done"       // every record is in the sink or rejected
	Superseded State = "superseded" // a newer object of the key takes its place
	Failed     State = "failed"     // given up, see Why
)

// Progress is what the ledger knows of the last object of a key.
type Progress struct {
	Object    Object `json:"object"`
	Size      int64  `json:"size"`
	Sequencer string `json:"sequencer,omitempty"`
	Stream    string `json:"stream"`
	State     State  `json:"state"`
	Why       string `json:"why,omitempty"`

	Owner string `json:"owner,omitempty"` // who works on it, until Until
	Until int64  `json:"until,omitempty"` // Unix milliseconds; past is nobody
	Newer string `json:"newer,omitempty"` // sequencer of a newer object, whose worker waits for this one to stop

	Offset int64          `json:"offset"`           // of the text: the records before it are settled
	Tally  penstock.Tally `json:"tally"`            // of those records
	Cut    int64          `json:"cut"`              // how many they are, counted where the text is cut and not by their verdicts
	Format string         `json:"format,omitempty"` // how the text is written, once known
	Inner  string         `json:"inner,omitempty"`  // what its Cutter needs to go on
	Table  string         `json:"table,omitempty"`  // the table that it was begun on, as its Route tells it
	Batch  int            `json:"batch,omitempty"`  // bytes of text of a batch: whoever goes on cuts as whoever began
	Hop    int            `json:"hop,omitempty"`    // invocations that have worked on it before this one
	Stuck  int            `json:"stuck,omitempty"`  // of the last of them, how many got no byte further
	At     time.Time      `json:"at"`

	// Reading is when this reading was begun, in Unix milliseconds, if the key was
	// read before: a sink that keeps count itself must not take one for the other.
	Reading int64 `json:"reading,omitempty"`
}

// Unaccounted is how many records before Offset have neither been written nor
// rejected. It is 0, or something is wrong with us.
func (p Progress) Unaccounted() int64 {
	return p.Cut - p.Tally.Delivered - p.Tally.Dropped - p.Tally.Rejected
}

// job names this reading to a sink that keeps count itself, perhaps for the
// tables of several streams.
func (p Progress) job() string {
	if p.Reading == 0 {
		return "lambda " + p.Stream
	}
	return fmt.Sprintf("lambda %s %d", p.Stream, p.Reading)
}

// name is where the ledger keeps the progress of a key.
func (o Object) name() string { return "s3://" + o.Bucket + "/" + o.Key }

// ErrDamaged says that the ledger's entry of a key is none that was ever made.
// Reopen puts a new one in its place.
var ErrDamaged = errors.New("it is damaged")

// parse reads an entry.
func parse(text []byte, name string) (p Progress, err error) {
	err = json.Unmarshal(text, &p)
	switch {
	case err != nil:
	case p.Object.name() != name:
		err = fmt.Errorf("it is of %v", p.Object)
	case !slices.Contains([]State{Running, Done, Superseded, Failed}, p.State):
		err = fmt.Errorf("its state is %q", p.State)
	case min(p.Offset, p.Cut, p.Tally.Read, p.Tally.Delivered, p.Tally.Dropped, p.Tally.Rejected) < 0:
		err = fmt.Errorf("it has a count below 0: offset %d, %d records, %v", p.Offset, p.Cut, p.Tally)
	}
	if err != nil {
		return Progress{}, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	return p, nil
}

// errTaken says that another worker has the ledger's entry.
var errTaken = errors.New("another worker has taken the object over")

// errBusy says that another worker has the object; it passes.
var errBusy = errors.New("another invocation works on the object: try again later")

// errNewer says that a newer object of the key has come, whose worker waits for
// this one to stop.
var errNewer = errors.New("a newer object of its key has come")

// A lease is the right to move an object's progress on. It is lost as soon as
// anybody else takes the object over, which the next entry of ours finds out.
type lease struct {
	door *Door
	name string

	mu       sync.Mutex // one entry at a time: checkpoints and renewals
	progress Progress
	version  int64
	unsure   bool // whether the last entry was made, so what the ledger has
}

// acquire gets the lease of a notice's object, or says why there is nothing to
// do: the progress then is what the ledger has, not Running.
func (d *Door) acquire(ctx context.Context, n Notice, size int64) (*lease, Progress, error) {
	l := &lease{door: d, name: n.Object.name()}
	owner := rand.Text()
	patience := time.Now().Add(2 * d.o.Lease)
	for {
		there, version, err := d.load(ctx, l.name)
		if err != nil {
			return nil, there, err
		}
		mine, verdict := claim(there, version, n, time.Now())
		switch verdict {
		case finished:
			return nil, there, nil
		case givenUp:
			return nil, there, fmt.Errorf("%v was given up: %s", n.Object, there.Why)
		case mayTake:
			mine.Size, mine.Owner, mine.Until = size, owner, time.Now().Add(d.o.Lease).UnixMilli()
			l.progress, l.version = mine, version
			if err := l.write(ctx); !errors.Is(err, errTaken) {
				return l, mine, err
			}
			continue // somebody was faster: look again
		case mustAsk:
			there.Newer = n.Sequencer
			l.progress, l.version = there, version
			if err := l.write(ctx); err != nil && !errors.Is(err, errTaken) {
				return nil, there, err
			}
		}
		if time.Now().After(patience) {
			return nil, there, fmt.Errorf("%v: %w", n.Object, errBusy)
		}
		if err := pause(ctx, min(d.o.Lease/20, time.Second)); err != nil {
			return nil, there, fmt.Errorf("%v: %w", n.Object, errBusy)
		}
	}
}

// A verdict says what a notice may do with what the ledger has of its key.
type verdict uint8

const (
	mayTake  verdict = iota // nobody works on it: go on, or begin
	mustWait                // the same object is in work
	mustAsk                 // an older object is in work: ask its worker to stop
	finished                // there is nothing to do
	givenUp                 // it failed: only a notice of its own begins it anew
)

// claim compares a notice with the ledger's entry for its key, and returns the
// progress from which its worker would go on.
func claim(there Progress, version int64, n Notice, now time.Time) (Progress, verdict) {
	fresh := Progress{Object: n.Object, Sequencer: n.Sequencer, State: Running}
	free := there.State != Running || there.Until <= now.UnixMilli()
	same := there.Object == n.Object && (there.Sequencer == n.Sequencer || there.Sequencer == "" || n.Sequencer == "")
	if there.Object == n.Object { // its rejects lie where its batches began, and are to be written over
		fresh.Batch = there.Batch
	}
	if same {
		fresh.Reading = there.Reading
	} else if version > 0 {
		fresh.Reading = now.UnixMilli()
	}
	switch {
	case version == 0, same && there.State == Superseded && n.Sequencer == "": // it was overwritten, and is back
		return fresh, mayTake
	case same && (there.State == Done || there.State == Superseded):
		return there, finished
	case same && there.State == Failed && n.Hop > 0: // Lambda tries a hand-over that failed again, which must not go on for ever
		return there, givenUp
	case same && there.State == Failed:
		return fresh, mayTake
	case same && free:
		return there, mayTake
	case same:
		return there, mustWait
	case after(there.Sequencer, n.Sequencer) && n.Sequencer != "" || after(there.Newer, n.Sequencer):
		n.superseded(&there)
		return there, finished
	case free:
		return fresh, mayTake
	case there.Newer == n.Sequencer && n.Sequencer != "":
		return there, mustWait // asked already: another entry would come in the way of the answer
	}
	return there, mustAsk
}

// superseded makes the entry the answer for a notice that came too late. It is
// not written: the ledger keeps what it has of the newer object.
func (n Notice) superseded(p *Progress) {
	*p = Progress{Object: n.Object, Sequencer: n.Sequencer, State: Superseded, Why: "a newer object of its key was announced before"}
}

func (d *Door) load(ctx context.Context, name string) (p Progress, version int64, err error) {
	text, version, err := d.o.Ledger.Load(ctx, name)
	if err == nil && version > 0 {
		p, err = parse(text, name)
	}
	if err != nil {
		return p, version, fmt.Errorf("read the ledger's entry of %s: %w", name, err)
	}
	return p, version, nil
}

// write puts the progress in the place of the entry that was read or written
// last. The caller holds mu, or nobody else has the lease yet.
func (l *lease) write(ctx context.Context) error {
	l.progress.At = time.Now().UTC().Truncate(time.Millisecond)
	text, err := json.Marshal(l.progress)
	if err != nil {
		return err
	}
	ok, err := l.door.o.Ledger.Store(ctx, l.name, text, l.version)
	if err != nil {
		return fmt.Errorf("write the ledger's entry of %s: %w", l.name, err)
	}
	if !ok {
		return fmt.Errorf("%s: %w", l.name, errTaken)
	}
	l.version++
	return nil
}

// update changes the progress and writes it. If the ledger has another entry
// than ours, but one that is ours to go on from, the change is made to that one:
// it may be made more than once. What could not be written is as it was.
func (l *lease) update(ctx context.Context, change func(*Progress)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if err := l.recall(ctx); err != nil {
			return err
		}
		before := l.progress
		change(&l.progress)
		err := l.write(ctx)
		if err == nil {
			return nil
		}
		l.progress, l.unsure = before, true
		if !errors.Is(err, errTaken) {
			return err
		}
	}
}

// sure makes the progress what the ledger has. It is called before something is
// decided by it.
func (l *lease) sure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recall(ctx)
}

// recall looks at the ledger, if need be. While the entry names us as its owner,
// it is one of ours, whose answer was lost, perhaps because we no longer waited
// for it; or one of ours in which a newer object's worker has asked us to stop.
// The caller holds mu.
func (l *lease) recall(ctx context.Context) error {
	if !l.unsure {
		return nil
	}
	there, version, err := l.door.load(ctx, l.name)
	if err != nil {
		return err
	}
	if there.Owner != l.progress.Owner {
		return fmt.Errorf("%s: %w", l.name, errTaken)
	}
	asked := l.progress.Newer == "" && there.Newer != ""
	l.progress, l.version, l.unsure = there, version, false
	if asked {
		return fmt.Errorf("%s: %w", l.name, errNewer)
	}
	return nil
}

// renew holds the lease for another while.
func (l *lease) renew(ctx context.Context) error {
	return l.update(ctx, func(p *Progress) { p.Until = time.Now().Add(l.door.o.Lease).UnixMilli() })
}

// keep renews the lease until ctx ends, and ends the work by cancel when it is lost.
func (l *lease) keep(ctx context.Context, cancel context.CancelCauseFunc) {
	for pause(ctx, l.door.o.Lease/3) == nil {
		if err := l.renew(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
			return
		}
	}
}

func (l *lease) now() Progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress
}

// pause waits, or returns ctx's error when that comes first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
