package journal

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The errors that callers tell apart. An error from Write that does not wrap
// ErrUnknown means: what pends is certainly not stored.
var (
	// ErrOverQuota is never over: no drain makes room for so much.
	ErrOverQuota = errors.New("the batch takes more than the journal's whole quota: send smaller batches, or give it a larger quota")

	ErrFull    = errors.New("the journal has reached its quota; try again after RetryAfter, or give it a larger quota")
	ErrClosed  = errors.New("the journal is closed")
	ErrBroken  = errors.New("the journal's disk takes no writes; mend it or make room, the journal tries again by itself")
	ErrUnknown = errors.New("it is not known whether the events were stored; ask for them by identity, or send them again with the same")
	ErrLocked  = errors.New("another process has the journal open; stop it first")
	ErrLost    = errors.New("the event was stored and then lost to damage on the disk; see the journal's quarantine")
)

// Options are a journal's limits and habits. The zero Options are the safest.
type Options struct {
	// QuotaBytes bounds the events that wait for the drain, counted as their
	// records on disk. Beyond it Write returns ErrFull. 0 means 1 GiB.
	QuotaBytes int64

	// Identities is how many of the last identities are remembered to tell
	// duplicates, 22 bytes of memory each; IdentitiesMax at most. 0 means
	// 1,000,000.
	Identities int

	// RetainBytes bounds the drained events that are kept on disk so that the
	// memory of identities can be rebuilt at start. Where it is too small for
	// that, Stats.IdentitiesUnkept counts. 0 means 512 MiB.
	RetainBytes int64

	// SegmentBytes is the size of a segment file, 4 KiB to 1 GiB. A commit
	// that is larger gets a segment of its own. 0 means 64 MiB.
	SegmentBytes int64

	// CommitBytes bounds what one fdatasync covers, unless a single batch is
	// larger. Two commits are in memory at a time. 4 KiB to 64 MiB, 0 means
	// 4 MiB.
	CommitBytes int

	// DrainEvents and DrainBytes bound the batches that Run writes. An event
	// larger than DrainBytes comes alone. 0 means 50,000 and 2 MiB. A batch has
	// DrainBytes only while batches are slow to be settled.
	DrainEvents, DrainBytes int

	// DrainEvery is the least time from one batch that Run writes to the next
	// while nobody waits for the drain in Await. 0 means 10 ms.
	DrainEvery time.Duration

	// CheckpointEvery is the least time between two checkpoints, each of which
	// costs three disk syncs. A crash repeats at most the drain of that time,
	// which a sink that keeps progress recognises. 0 means 200 ms.
	CheckpointEvery time.Duration

	// Topic and RejectsTopic name the places of drained events whose own
	// answer from the drain is no longer in memory, and of events that the
	// drain dead-lettered. Empty means the place has no topic then.
	Topic, RejectsTopic string

	// Log hears of damage, failed syncs and recoveries. nil means slog.Default().
	Log *slog.Logger

	// FS is the disk. nil means the operating system's.
	FS FS

	mutant mutant
}

// A mutant is a mistake built in on purpose, to prove that the tests see it.
type mutant uint8

const (
	faithful mutant = iota
	rememberEarly
	unlinkEarly
	trustCache
)

func (o Options) withDefaults() Options {
	o.QuotaBytes = orDefault(o.QuotaBytes, 1<<30)
	o.Identities = min(orDefault(o.Identities, 1_000_000), IdentitiesMax)
	o.RetainBytes = orDefault(o.RetainBytes, 512<<20)
	o.SegmentBytes = min(max(orDefault(o.SegmentBytes, 64<<20), 4<<10), 1<<30)
	o.CommitBytes = min(max(orDefault(o.CommitBytes, 4<<20), 4<<10), 64<<20)
	o.DrainEvents = orDefault(o.DrainEvents, 50_000)
	o.DrainBytes = orDefault(o.DrainBytes, 2<<20)
	o.DrainEvery = orDefault(o.DrainEvery, 10*time.Millisecond)
	o.CheckpointEvery = orDefault(o.CheckpointEvery, 200*time.Millisecond)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func orDefault[N int | int64 | time.Duration](n, otherwise N) N {
	if n <= 0 {
		return otherwise
	}
	return n
}

// A Journal is one stream's log on disk. It is safe for concurrent use, except
// that there is one Run at a time. It owns one goroutine, which Close ends.
type Journal struct {
	dir     string
	fs      FS
	o       Options
	id      [16]byte
	seed    uint32
	door    string
	lock    File
	log     *slog.Logger
	block   cipher.Block
	drafts  sync.Pool // of *draft
	found   Recovery
	wake    chan struct{} // there is something to commit
	grown   chan struct{} // there is something to drain
	hurry   chan struct{} // somebody waits for the drain
	ripe    chan struct{} // the commit that is being filled is worth its sync
	closing chan struct{} // closed by Close
	stopped chan struct{} // closed when the committer has ended
	drains  sync.WaitGroup

	// The committer's own, and Open's before it starts.
	used   uint64  // the last sequence number that is durable or was drained
	number uint64  // of the newest segment ever begun
	out    *writer // the segment being written; nil when there is none to trust

	mu        sync.Mutex
	awaited   int    // writers that make a commit ripe
	next      uint64 // sequence number of the next event
	filling   *commit
	syncing   *commit
	spares    []*commit // whose memory is used again
	known     identities
	unheard   map[identity]struct{} // whose writers left before the answer
	segments  []*segment            // oldest first; what is behind their end is not there for anyone
	synced    uint64                // the last sequence number that is durable
	backlog   int64                 // bytes of records that wait for the drain
	inFlight  int64                 // bytes of records that are being committed
	broken    error                 // why the disk takes no writes
	probeAt   time.Time             // when a broken disk is tried again
	closed    bool
	drain     progress
	drainer   *drainer
	stopDrain context.CancelCauseFunc // ends Run; nil when there is none
	stats     Stats

	unconfirmed uint64 // see Unconfirmed
}

const (
	lockName   = "lock"
	unheardMax = 1 << 16
)

const probePause = 100 * time.Millisecond

// Open opens the journal in dir, making it if it is not there, and recovers
// what is in it. Damage never keeps a journal from opening as long as its
// identity can be read; Recovery tells what was found. The caller closes it.
func Open(dir string, o Options) (*Journal, error) {
	o = o.withDefaults()
	if o.FS == nil {
		if err := makeDir(dir); err != nil {
			return nil, err
		}
		o.FS = OS()
	}
	block, err := newHashKey()
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", dir, err)
	}
	j := &Journal{
		dir: dir, fs: o.FS, o: o, log: o.Log, block: block,
		wake: make(chan struct{}, 1), grown: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ripe: make(chan struct{}, 1),
		closing: make(chan struct{}), stopped: make(chan struct{}),
	}
	j.known.max = o.Identities
	j.unheard = map[identity]struct{}{}
	j.drafts.New = func() any { return &draft{hasher: hasher{block: block}} }
	j.drain.changed = make(chan struct{})
	if err := j.takeLock(); err != nil {
		return nil, err
	}
	if err := j.recover(); err != nil {
		return nil, errors.Join(err, j.lock.Close())
	}
	j.door = "journal:" + j.ID()
	go j.commits()
	return j, nil
}

func (j *Journal) takeLock() error {
	f, err := j.fs.Open(filepath.Join(j.dir, lockName), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return fmt.Errorf("open journal %s: %w", j.dir, err)
	}
	if err := f.Lock(); err != nil {
		return errors.Join(fmt.Errorf("lock journal %s: %w", j.dir, err), f.Close())
	}
	j.lock = f
	return nil
}

// ID is the journal's identity, 32 hex digits made once per directory.
func (j *Journal) ID() string { return hex.EncodeToString(j.id[:]) }

// Door is the origin of the events that Run writes: "journal:" and the ID.
func (j *Journal) Door() string { return j.door }

// Recovery is what Open found, with the damage that Run has come upon since.
func (j *Journal) Recovery() Recovery {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.found
}

// recover reads what is there and starts a fresh segment behind it: no file of
// an earlier life is ever written again.
func (j *Journal) recover() error {
	h := hasher{block: j.block}
	var pending int64
	r := &recovery{fs: j.fs, dir: j.dir}
	r.event = func(f frame) {
		if f.seq > r.seen.drained {
			pending += int64(f.size)
		}
		if !f.letter() && len(f.id()) > 0 {
			j.known.remember(h.sum(f.id()), f.seq)
		}
	}
	if err := r.read(); err != nil {
		return err
	}
	if !r.known {
		if err := j.create(r); err != nil {
			return err
		}
	}
	j.id, j.seed = r.id, r.seed
	j.next = r.report.Next
	j.used = r.report.Last
	j.synced = r.report.Last
	j.backlog = pending
	j.known.evicted = 0
	j.drain.start(r)
	j.quarantine(r)
	j.found = r.report
	if err := j.noteUnconfirmed(); err != nil {
		return fmt.Errorf("open journal %s: note the next number: %w", j.dir, err)
	}
	if err := j.continueBehind(r); err != nil {
		return fmt.Errorf("open journal %s: start a segment: %w", j.dir, err)
	}
	j.tidy(r)
	j.tell(r.report)
	return nil
}

// create gives a new journal its identity. The checkpoint that holds it comes
// before the first segment.
func (j *Journal) create(r *recovery) error {
	if _, err := rand.Read(r.id[:]); err != nil {
		return fmt.Errorf("draw the identity of journal %s: %w", j.dir, err)
	}
	r.seed = seedOf(r.id)
	if err := (checkpoint{id: r.id}).save(j.fs, j.dir); err != nil {
		return fmt.Errorf("make journal %s: %w", j.dir, err)
	}
	return nil
}

// continueBehind starts the segment of this life. Behind a torn end it skips
// as many numbers as that may have held: should the disk have lied, they are
// known downstream, and a new event with such a number would pass for published.
// The last commit of a segment
// that was not sealed moves there: it may have been read from the page cache
// after a sync that failed, so that only writing it again makes it durable.
func (j *Journal) continueBehind(r *recovery) error {
	for _, s := range r.segments {
		j.number = max(j.number, s.number)
		j.segments = append(j.segments, &s.segment)
	}
	first, skipped, moved := j.next, j.next-j.used-1, []byte(nil)
	var last *found
	if n := len(r.segments); n > 0 {
		last = r.segments[n-1]
		if t := last.tail; !last.sealed && t.to > 0 && j.o.mutant != trustCache {
			f, err := j.fs.Open(filepath.Join(j.dir, last.name), 0)
			if err != nil {
				return err
			}
			first, skipped, moved = t.first, 0, make([]byte, t.to-t.from)
			if first == last.first {
				skipped = last.skipped
			}
			_, err = f.ReadAt(moved, t.from)
			if err := errors.Join(err, f.Close()); err != nil {
				return fmt.Errorf("read the last commit of %s: %w", last.name, err)
			}
		}
	}
	w, _, err := j.startSegment(first, skipped, moved)
	if err != nil {
		return err
	}
	if last != nil {
		last.limit = w.takesOver()
		if moved != nil {
			last.end, last.bytes, last.last = last.tail.from, last.bytes-last.tail.bytes, first-1
			w.bytes, w.last = last.tail.bytes, j.used
			j.found.Rewritten = j.used - first + 1
		}
	}
	j.out = w
	j.segments = append(j.segments, &w.segment)
	return nil
}

// tidy removes what no longer matters once the fresh segment is durable, and
// gives back the space behind the end of the last one. What fails here is only
// untidy: the next Open does it again.
func (j *Journal) tidy(r *recovery) {
	for _, name := range r.leftover {
		if err := j.fs.Remove(filepath.Join(j.dir, name)); err != nil {
			j.log.Warn("journal: could not remove a leftover", "file", name, "err", err)
		}
	}
	kept := j.segments[:0]
	for _, s := range j.segments {
		if s.last < s.first && s != &j.out.segment {
			if j.fs.Remove(filepath.Join(j.dir, s.name)) == nil {
				continue
			}
		}
		kept = append(kept, s)
	}
	j.segments = kept
	if n := len(j.segments); n > 1 && j.segments[n-2].end < j.segments[n-2].size {
		s := j.segments[n-2]
		f, err := j.fs.Open(filepath.Join(j.dir, s.name), os.O_RDWR)
		if err == nil {
			err = errors.Join(f.Truncate(s.end), f.Close())
		}
		if err == nil {
			s.size = s.end
		}
	}
}

func (j *Journal) tell(r Recovery) {
	if r.Checkpoint != "" {
		j.log.Error("journal: draining begins at the oldest event kept", "dir", j.dir, "why", r.Checkpoint)
	}
	for _, d := range r.Damage {
		j.log.Error("journal: damage", "dir", j.dir, "segment", d.Segment, "offset", d.Offset, "bytes", d.Bytes,
			"first_lost", d.Lost.First, "last_lost", d.Lost.Last, "drained_before", d.Drained, "copy", d.Quarantine)
	}
	for _, t := range r.Torn {
		j.log.Warn("journal: a write that was never acknowledged was cut off", "dir", j.dir, "segment", t.Segment,
			"offset", t.Offset, "bytes", t.Bytes, "events", t.Events, "copy", t.Quarantine)
	}
}

// Close commits what is being written, ends Run, seals the segment and lets the
// directory go. Writes that come later get ErrClosed.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		<-j.stopped
		return nil
	}
	j.closed = true
	if j.stopDrain != nil {
		j.stopDrain(ErrClosed)
	}
	j.mu.Unlock()
	close(j.closing)
	j.drains.Wait()
	<-j.stopped
	err := j.seal()
	if j.drain.dirty() {
		err = errors.Join(err, j.saveCheckpoint())
	}
	return errors.Join(err, j.lock.Close())
}

// seal ends the segment so that the next Open need not doubt its last commit.
func (j *Journal) seal() error {
	if j.out == nil {
		return nil
	}
	var b [headSize]byte
	encodeSeal(b[:], j.out.last, j.seed)
	var err error
	if j.out.last >= j.out.first {
		if _, err = j.out.file.WriteAt(b[:], j.out.at); err == nil {
			err = j.out.file.Sync()
		}
	}
	if err = errors.Join(err, j.out.file.Close()); err != nil {
		return fmt.Errorf("seal segment %s: %w", j.out.name, err)
	}
	return nil
}
