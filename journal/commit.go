package journal

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/penstock-io/penstock"
)

// A commit is what one fdatasync covers: the batches of all writers that came
// while the one before was being synced. Its writers reserve their space and
// numbers under the journal's mutex and encode outside it; the committer waits
// for the last of them.
type commit struct {
	first, last uint64
	buf         []byte // its length is what is reserved, its capacity is fixed
	own         identities
	writers     int // batches in it
	encoding    sync.WaitGroup
	crowded     bool          // somebody had to wait for the next
	taken       chan struct{} // closed when the committer takes it, made by who waits
	done        chan struct{} // closed when its fate is known
	err         error         // that fate; read only after done
}

const commitMin = 64 << 10

// room reports whether n more bytes and the commit frame fit.
func (c *commit) room(n int) bool { return len(c.buf)+n+headSize <= cap(c.buf) }

// begin makes the commit that the next batch, of n bytes, goes into. It uses
// the memory of an earlier one again, grown if that one was too small for all
// who wanted in. j.mu is held.
func (j *Journal) begin(n int) *commit {
	c := &commit{first: j.next, last: j.next - 1, done: make(chan struct{})}
	size := commitMin
	if n := len(j.spares); n > 0 {
		s := j.spares[n-1]
		j.spares = j.spares[:n-1]
		c.buf, c.own = s.buf, s.own
		size = cap(s.buf)
		if s.crowded {
			size *= 2
		}
	}
	size = max(min(size, j.o.CommitBytes), n+headSize)
	if cap(c.buf) < size {
		c.buf = make([]byte, 0, size)
	}
	j.filling = c
	return c
}

// sparesMax is how many commits' memory is kept: one is filled while the one
// before it is synced.
const sparesMax = 2

// recycle keeps the memory of a finished commit, unless it was an outsize one.
// j.mu is held.
func (j *Journal) recycle(c *commit) {
	s := &commit{own: c.own, crowded: c.crowded}
	if cap(c.buf) <= max(j.o.CommitBytes, commitMin) {
		s.buf = c.buf[:0]
	}
	s.own.reset()
	if len(j.spares) == sparesMax {
		j.spares = j.spares[1:]
	}
	j.spares = append(j.spares, s)
}

// commits is the committer: it writes one commit after the other until Close.
func (j *Journal) commits() {
	defer close(j.stopped)
	for {
		select {
		case <-j.wake:
		case <-j.closing:
			for c := j.take(); c != nil; c = j.take() {
				j.commit(c)
			}
			return
		}
		for c := j.take(); c != nil; c = j.take() {
			j.commit(c)
			j.gather(c.writers)
		}
	}
}

// gather gives the writers whom a commit has just answered a moment to come
// back with their next batches, so that one sync covers many: it waits until as
// many are in as the last commit had, for gatherMax at most. A few writers are
// better off with a sync each.
func (j *Journal) gather(writers int) {
	if writers < gatherMin {
		return
	}
	j.mu.Lock()
	c := j.filling
	enough := c != nil && (c.writers >= writers || c.crowded)
	j.awaited = writers
	select { // nobody was waiting for what it told
	case <-j.ripe:
	default:
	}
	j.mu.Unlock()
	if enough {
		return
	}
	t := time.NewTimer(gatherMax)
	defer t.Stop()
	select {
	case <-j.ripe:
	case <-t.C:
	case <-j.closing:
	}
}

func (j *Journal) ripen() {
	select {
	case j.ripe <- struct{}{}:
	default:
	}
}

const (
	gatherMin = 4
	gatherMax = 400 * time.Microsecond
)

// take closes the commit that is being filled and returns it, or nil.
func (j *Journal) take() *commit {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.filling
	if c == nil {
		return nil
	}
	j.filling, j.syncing = nil, c
	if c.taken != nil {
		close(c.taken)
	}
	return c
}

// commit makes c durable and tells its writers.
func (j *Journal) commit(c *commit) {
	c.encoding.Wait()
	records := len(c.buf)
	c.buf = c.buf[:records+headSize]
	encodeCommit(c.buf[records:], c.buf[:records], c.first, j.seed)
	began := time.Now()
	unknown, err := j.append(c, int64(records))
	if err != nil {
		j.fail(c, err, unknown)
		return
	}
	j.mu.Lock()
	if len(j.drain.lost) == 0 {
		j.known.addAll(&c.own)
	} else { // some may have come again because they were lost
		c.own.each(j.known.renumber)
	}
	j.synced = c.last
	j.inFlight -= int64(records)
	j.backlog += int64(records)
	j.syncing = nil
	if j.broken != nil {
		j.log.Info("journal: the disk takes writes again", "dir", j.dir)
		j.broken = nil
	}
	j.stats.Commits++
	j.stats.CommitTime += time.Since(began)
	j.recycle(c)
	j.mu.Unlock()
	close(c.done)
	select {
	case j.grown <- struct{}{}:
	default:
	}
}

// append writes and syncs c. After a failed write or sync the segment is never
// written again: the kernel may have dropped the pages and call the next sync
// a success. What was synced before stands; c goes to a new segment, from
// memory. unknown says whether a crash may bring c back after an error.
func (j *Journal) append(c *commit, records int64) (unknown bool, err error) {
	w := j.out
	if w == nil || w.last+1 != c.first || w.at+int64(len(c.buf))+headSize > w.size {
		return j.roll(c, records)
	}
	_, err = w.file.WriteAt(c.buf, w.at)
	if err == nil && len(c.buf) < len(pavement) { // after a larger one the next is not likely to fit on it
		err = w.pave(w.at + int64(len(c.buf)))
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err == nil {
		w.at += int64(len(c.buf))
		j.extend(&w.segment, c, records, w.at)
		return false, nil
	}
	j.log.Error("journal: a write failed; the segment is sealed and the events go to a new one", "segment", w.name, "offset", w.at, "err", err)
	j.mu.Lock()
	j.stats.SyncFailures++
	j.mu.Unlock()
	j.abandon()
	if _, again := j.roll(c, records); again != nil {
		return true, errors.Join(err, again)
	}
	return false, nil
}

// roll starts the next segment with c in it.
func (j *Journal) roll(c *commit, records int64) (unknown bool, err error) {
	j.abandon()
	w, visible, err := j.startSegment(c.first, c.first-j.used-1, c.buf)
	if err != nil {
		j.mu.Lock()
		j.stats.SyncFailures++
		j.mu.Unlock()
		return visible, err
	}
	j.out = w
	j.mu.Lock()
	if n := len(j.segments); n > 0 {
		j.segments[n-1].limit = w.takesOver()
	}
	j.segments = append(j.segments, &w.segment)
	j.mu.Unlock()
	j.extend(&w.segment, c, records, w.at)
	return false, nil
}

// extend counts c in.
func (j *Journal) extend(s *segment, c *commit, records, end int64) {
	j.used = c.last
	j.mu.Lock()
	defer j.mu.Unlock()
	s.last, s.end = c.last, end
	s.bytes += records
}

// abandon stops writing the current segment, if there is one.
func (j *Journal) abandon() {
	if j.out == nil {
		return
	}
	if err := j.out.file.Close(); err != nil {
		j.log.Warn("journal: close a segment", "segment", j.out.name, "err", err)
	}
	j.out = nil
}

// fail tells the writers of c, and those of the commit being filled behind it,
// that nothing was stored. Their numbers are given out again: should a crash
// bring c back, a later segment that begins with the same number takes over.
func (j *Journal) fail(c *commit, err error, unknown bool) {
	err = fmt.Errorf("write journal %s: %w: %w", j.dir, ErrBroken, err)
	c.err = err
	if unknown {
		c.err = fmt.Errorf("%w: %w", err, ErrUnknown)
	}
	j.mu.Lock()
	if j.broken == nil {
		j.log.Error("journal: the disk takes no writes; senders are told so until it does", "dir", j.dir, "err", err)
	}
	behind := j.filling
	j.filling, j.syncing = nil, nil
	j.next = c.first
	j.inFlight = 0
	j.broken, j.probeAt = err, time.Now().Add(probePause)
	c.own.each(j.notStored)
	if behind != nil {
		behind.own.each(j.notStored)
		behind.err = err
		if behind.taken != nil {
			close(behind.taken)
		}
		close(behind.done)
	}
	close(c.done) // with the mutex held, so that no writer leaves in between, see wait
	j.mu.Unlock()
}

// notStored forgets that somebody has yet to hear of id. j.mu is held.
func (j *Journal) notStored(id identity, _ uint64) { delete(j.unheard, id) }

// place is where the event with the given number is by now. j.mu is held.
func (j *Journal) place(seq uint64) penstock.Place {
	if seq > j.drain.drained {
		return penstock.Place{Ack: penstock.AckDisk, Seq: seq}
	}
	return j.drain.place(seq, j.o)
}
