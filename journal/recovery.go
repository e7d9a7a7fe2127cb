package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Range is the sequence numbers First to Last.
type Range struct {
	First, Last uint64
}

// Damage is bytes of a segment that were durable once and cannot be read.
type Damage struct {
	Segment    string // file name
	Offset     int64
	Bytes      int64
	Lost       Range  // the events that were in them; zero when only bookkeeping was
	Drained    bool   // all of them had gone downstream before
	Quarantine string // file name of the copy kept of the bytes, "" if there is none
}

// Torn is the end of the last segment that belongs to no complete commit: what
// a crash left of a write that was never acknowledged.
type Torn struct {
	Segment    string
	Offset     int64
	Bytes      int64
	Events     int    // readable ones in it; they do not count as stored
	Range      Range  // of those
	Quarantine string // file name of the copy kept of the bytes, "" if there is none
}

// Recovery is what Open or Verify found in a journal's directory.
type Recovery struct {
	Segments int
	Events   uint64 // that can be read
	Bytes    int64  // of their records
	First    uint64 // the oldest event that can be read, 0 if there is none
	Last     uint64 // the newest sequence number in use
	Next     uint64 // what the next event gets; numbers that a torn end may have held are not used again
	Drained  uint64 // the checkpoint

	// Rewritten is how many events Open wrote again, because the page cache
	// may have shown what the disk did not have: those of the last commit.
	Rewritten uint64

	Damage     []Damage
	Lost       []Range // acknowledged, not yet downstream, and unreadable: these are lost
	Torn       []Torn  // at most one from Open
	Checkpoint string  // what is wrong with the checkpoint, "" if nothing
	InUse      bool    // Verify: a process has the journal open, so its end is in motion
}

// found is one segment while it is being read.
type found struct {
	segment
	sealed bool

	// tail is the last commit when it is complete but nothing behind it proves
	// that it was synced: the page cache may show what the disk does not have.
	tail struct {
		from, to int64
		first    uint64
		bytes    int64
	}

	damage []Damage
	torn   *Torn
}

// recovery reads all segments of a directory, changing nothing.
type recovery struct {
	fs       FS
	dir      string
	id       [16]byte
	seed     uint32
	known    bool     // id is
	given    [16]byte // the identity to go by when none can be read
	seen     checkpoint
	unsure   bool // the checkpoint cannot be read; what is gone from the front counts as drained
	segments []*found
	leftover []string // names that a crash left half made

	// event, if set, is called for each event that counts, in order.
	event  func(frame)
	scan   scan
	staged []byte // frames that count only if something later proves them synced
	report Recovery
}

// read lists the directory and reads the checkpoint and every segment.
func (r *recovery) read() error {
	if err := r.list(); err != nil {
		return err
	}
	if err := r.identify(); err != nil {
		return err
	}
	for i, s := range r.segments {
		if i+1 < len(r.segments) {
			s.limit = r.segments[i+1].takesOver()
		}
	}
	if r.unsure && len(r.segments) > 0 {
		r.seen.drained = r.segments[0].takesOver() - 1
	}
	r.report.Drained = r.seen.drained
	r.report.Last = r.seen.drained
	r.report.Next = r.seen.drained + 1
	for i, s := range r.segments {
		if err := r.segment(s); err != nil {
			return err
		}
		r.addUp(s, i)
	}
	return nil
}

func (r *recovery) list() error {
	names, err := r.fs.List(r.dir)
	if err != nil {
		return fmt.Errorf("list journal %s: %w", r.dir, err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, newSuffix) {
			r.leftover = append(r.leftover, name)
		}
		if s, ok := parseSegmentName(name); ok {
			r.segments = append(r.segments, &found{segment: s})
		}
	}
	slices.SortFunc(r.segments, func(a, b *found) int {
		if a.number < b.number {
			return -1
		}
		return 1
	})
	// A later segment never begins before an earlier one; if it says so by name
	// all the same, the earlier one holds nothing that counts.
	for i := len(r.segments) - 2; i >= 0; i-- {
		if r.segments[i].first > r.segments[i+1].first || r.segments[i].takesOver() > r.segments[i+1].takesOver() {
			return fmt.Errorf("open journal %s: segment %s is later than %s but begins before it; files have been renamed or mixed from two journals: put them back as they were",
				r.dir, r.segments[i+1].name, r.segments[i].name)
		}
	}
	return nil
}

// identify finds the journal's identity: in the checkpoint, else in the header
// of any segment.
func (r *recovery) identify() error {
	seen, err := loadCheckpoint(r.fs, r.dir)
	switch {
	case err == nil:
		r.seen, r.id, r.known = seen, seen.id, true
	case errors.Is(err, errCheckpoint):
		r.unsure = true
		r.report.Checkpoint = err.Error()
	case errors.Is(err, os.ErrNotExist):
		r.unsure = true
		if len(r.segments) > 0 {
			r.report.Checkpoint = "the checkpoint is missing"
		}
	default:
		return fmt.Errorf("read the checkpoint of journal %s: %w", r.dir, err)
	}
	for _, s := range r.segments {
		id, err := r.header(s)
		if errors.Is(err, errHeader) {
			s.damage = append(s.damage, Damage{Segment: s.name, Bytes: segmentHeader})
			continue
		}
		if err != nil {
			return fmt.Errorf("open journal %s: %s: %w", r.dir, s.name, err)
		}
		if r.known && id != r.id {
			return fmt.Errorf("open journal %s: segment %s belongs to journal %x and not to %x; move it back to where it came from", r.dir, s.name, id, r.id)
		}
		r.id, r.known = id, true
	}
	if !r.known && r.given != [16]byte{} {
		r.id, r.known = r.given, true
	}
	if !r.known && (len(r.segments) > 0 || r.report.Checkpoint != "") {
		return fmt.Errorf("open journal %s: neither the checkpoint nor any segment header can be read, so its identity is unknown; give it to penstock journal repair (the keys of the topic penstock-progress are journal:IDENTITY), or start a new journal in an empty directory", r.dir)
	}
	if len(r.segments) == 0 && r.seen.drained > 0 {
		return fmt.Errorf("open journal %s: the segments are gone; to number events anew under the same identity would let them pass for published ones: put the segments back, or start a new journal in an empty directory", r.dir)
	}
	r.seed = seedOf(r.id)
	return nil
}

func (r *recovery) header(s *found) (id [16]byte, err error) {
	f, err := r.fs.Open(filepath.Join(r.dir, s.name), 0)
	if err != nil {
		return id, err
	}
	defer f.Close()
	var b [segmentHeader]byte
	if n, err := f.ReadAt(b[:], 0); err != nil && !errors.Is(err, io.EOF) || n < segmentHeader {
		return id, errHeader
	}
	return decodeSegmentHeader(b[:])
}

// segment reads one segment and decides what in it counts.
func (r *recovery) segment(s *found) error {
	f, err := r.fs.Open(filepath.Join(r.dir, s.name), 0)
	if err != nil {
		return fmt.Errorf("open journal segment: %w", err)
	}
	defer f.Close()
	if s.size, err = f.Size(); err != nil {
		return fmt.Errorf("measure journal segment %s: %w", s.name, err)
	}
	r.scan = scan{file: f, seed: r.seed, off: segmentHeader, end: s.size, next: s.first, limit: s.limit, window: r.scan.window[:0]}
	s.end = segmentHeader
	p := proof{r: r, s: s, open: commitSoFar{from: segmentHeader, whole: true}}
	r.staged = r.staged[:0]
	for {
		f, skipped, ok := r.scan.frame()
		if !ok {
			p.finish(skipped)
			return nil
		}
		p.frame(f, skipped)
	}
}

// A proof decides which frames of a segment count. A commit is written only
// after the one before it was synced, so whatever begins a commit proves all
// that lies before it; of the last commit, only a complete commit frame does.
type proof struct {
	r    *recovery
	s    *found
	open commitSoFar
	gaps []skip  // not proven yet
	ends []int64 // in the file, of the staged records
}

// commitSoFar is what has been seen of one commit.
type commitSoFar struct {
	from  int64
	first uint64
	bytes int64
	count uint32
	chain uint32
	whole bool // no damage in it so far
}

func (p *proof) frame(f frame, skipped skip) {
	at := p.r.scan.off - int64(f.size)
	if skipped.To > skipped.From || skipped.First > 0 {
		p.gaps = append(p.gaps, skipped)
		p.open.whole = false
	}
	switch f.kind {
	case kindRecord:
		if f.flags&flagOpens != 0 {
			p.accept(f.seq)
			p.s.end = max(p.s.end, at)
			p.open = commitSoFar{from: at, first: f.seq, whole: true}
		} else if p.open.count == 0 {
			p.open.whole = false
		}
		p.open.count++
		p.open.bytes += int64(f.size)
		p.open.chain = crc32.Update(p.open.chain, castagnoli, f.bytes[:4])
		p.r.staged = append(p.r.staged, f.bytes...)
		p.ends = append(p.ends, p.r.scan.off)
	case kindCommit:
		p.commit(f, at)
	case kindSeal:
		p.accept(f.seq + 1)
		p.s.sealed = true
		p.s.tail.to = 0
		p.s.end = p.r.scan.off
	}
}

func (p *proof) commit(f frame, at int64) {
	p.accept(f.first)
	o := p.open
	if o.whole && o.first == f.first && o.count == f.count && o.chain == f.chain && at-o.from == int64(f.length) {
		p.accept(f.seq + 1)
		p.s.end = p.r.scan.off
		t := &p.s.tail
		t.from, t.to, t.first, t.bytes = o.from, p.r.scan.off, o.first, o.bytes
	}
	p.open = commitSoFar{from: p.r.scan.off, whole: true}
}

// accept makes everything below seq count.
func (p *proof) accept(seq uint64) {
	kept := p.gaps[:0]
	for _, g := range p.gaps {
		if max(g.Next, g.Last+1) <= seq {
			p.s.damage = append(p.s.damage, Damage{Segment: p.s.name, Offset: g.From, Bytes: g.To - g.From, Lost: Range{g.First, g.Last}})
			p.s.end = max(p.s.end, g.To)
		} else {
			kept = append(kept, g)
		}
	}
	p.gaps = kept
	at, n := 0, 0
	for at < len(p.r.staged) {
		f, fit := decode(p.r.staged[at:], p.r.seed)
		if fit != whole {
			panic(fmt.Sprintf("journal: staged frame at %d of %d is not whole", at, len(p.r.staged)))
		}
		if f.seq >= seq {
			break
		}
		at += f.size
		p.s.end = max(p.s.end, p.ends[n])
		n++
		p.s.last = f.seq
		p.s.bytes += int64(f.size)
		if p.r.report.First == 0 {
			p.r.report.First = f.seq
		}
		p.r.report.Events++
		if p.r.event != nil {
			p.r.event(f)
		}
	}
	if at > 0 || seq > p.s.last+1 {
		p.s.tail.to = 0
	}
	p.r.staged = p.r.staged[:copy(p.r.staged, p.r.staged[at:])]
	p.s.last = max(p.s.last, seq-1)
	p.ends = slices.Delete(p.ends, 0, n)
}

// finish judges what is left at the end of a segment. Where a later segment
// follows, it proves all that lies before its own first event.
func (p *proof) finish(rest skip) {
	s, r := p.s, p.r
	if s.limit != noLimit {
		if r.scan.next < s.limit {
			p.gaps = append(p.gaps, skip{From: rest.From, To: rest.To, First: r.scan.next, Last: s.limit - 1, Next: r.scan.next})
		}
		p.accept(s.limit)
		return
	}
	torn := Torn{Segment: s.name, Offset: s.end}
	for at := 0; at < len(r.staged); {
		f, _ := decode(r.staged[at:], r.seed)
		if torn.Events == 0 {
			torn.Range.First = f.seq
		}
		torn.Range.Last = f.seq
		torn.Events++
		at += f.size
	}
	torn.Bytes = max(r.scan.written, r.scan.off) - s.end
	if torn.Bytes > 0 {
		s.torn = &torn
	}
}

// addUp puts one segment into the report.
func (r *recovery) addUp(s *found, i int) {
	rep := &r.report
	rep.Segments++
	rep.Bytes += s.bytes
	if i == 0 && s.takesOver() > r.seen.drained+1 {
		s.damage = append(s.damage, Damage{Segment: s.name, Lost: Range{r.seen.drained + 1, s.takesOver() - 1}})
	}
	for k := range s.damage {
		d := &s.damage[k]
		d.Drained = d.Lost.Last <= r.seen.drained
		if !d.Drained {
			rep.Lost = append(rep.Lost, Range{max(d.Lost.First, r.seen.drained+1), d.Lost.Last})
		}
	}
	rep.Damage = append(rep.Damage, s.damage...)
	if s.last >= s.first {
		rep.Last = max(rep.Last, s.last)
	}
	rep.Next = max(rep.Next, s.last+1)
	if s.torn != nil {
		// The disk may have lied, and what is torn now have been published.
		rep.Next += uint64(s.torn.Bytes / headSize)
		rep.Torn = append(rep.Torn, *s.torn)
	}
}
