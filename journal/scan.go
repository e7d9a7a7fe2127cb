package journal

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
)

// A scan walks the frames of a segment in order and finds its way again behind
// damage. It holds one window of the file in memory, never the whole of it.
type scan struct {
	file  File
	seed  uint32
	off   int64  // of the next frame
	end   int64  // no frame goes beyond
	next  uint64 // sequence number that the next record must have
	limit uint64 // first sequence number that belongs to a later segment

	unreadable int64 // bytes that the disk would not give and that count as zeros

	window []byte
	from   int64 // file offset of window[0]
	work   int64 // bytes that the search may still check, see search

	written int64 // behind the last byte that is not zero, as a failed search saw it
}

const scanWindow = 1 << 20

// A skip is what a scan passed over to get to a frame: bytes [From, To) and
// the sequence numbers First to Last that were in them, none if First is 0.
// All numbers before Next came before it.
type skip struct {
	From, To    int64
	First, Last uint64
	Next        uint64
}

// frame returns the next valid frame, with what had to be skipped to get to
// it. ok is false at the end: no valid frame lies between off and end, or the
// next one belongs to a later segment. A frame is valid until the next call.
func (s *scan) frame() (f frame, skipped skip, ok bool) {
	start := s.off
	f, ok = s.accept(start, 0)
	if !ok {
		if s.superseded() {
			return frame{}, skip{}, false
		}
		f, ok = s.search()
		if !ok {
			return frame{}, skip{From: start, To: s.end}, false
		}
		skipped = skip{From: start, To: s.off}
	}
	skipped.Next = s.next
	through := f.seq
	if f.kind == kindRecord {
		through--
	}
	if through >= s.next {
		skipped.From, skipped.To = start, s.off
		skipped.First, skipped.Last = s.next, through
	}
	s.next = max(s.next, f.seq+1)
	s.off += int64(f.size)
	return f, skipped, true
}

// accept returns the frame at off if it is valid there, skipped bytes behind
// the last one. Since no record is smaller than a head, the bytes skipped bound
// how far the sequence can have gone on.
func (s *scan) accept(off, skipped int64) (frame, bool) {
	b := s.at(off, headSize)
	f, fit := decode(b, s.seed)
	if fit == short && len(b) == headSize {
		if f.size > headSize && off+int64(f.size) <= s.end {
			s.work -= int64(f.size)
			f, fit = decode(s.at(off, f.size), s.seed)
		}
	}
	if fit != whole {
		return frame{}, false
	}
	from := s.next
	if f.kind != kindRecord {
		from--
	}
	if f.seq < from || f.seq-from > uint64(skipped/headSize) || f.seq >= s.limit {
		return frame{}, false
	}
	return f, true
}

// superseded reports whether the whole frame at off belongs to a later segment.
func (s *scan) superseded() bool {
	return s.limit != noLimit && s.next >= s.limit
}

// search looks for the next valid frame behind off and moves off to it. What
// it checks of large records is bounded, so that bytes made to look like many
// overlapping records cannot make it slow; beyond the bound only commit frames
// and seals are recognised.
func (s *scan) search() (frame, bool) {
	start := s.off
	s.work = 4 * (s.end - start)
	s.written = start
	for off := start; off+headSize <= s.end; off += alignment {
		if b := s.at(off, len(zeros)); len(b) == len(zeros) && bytes.Equal(b, zeros[:]) {
			off += int64(len(zeros)) - alignment // no head begins with eight zeros
			continue
		}
		b := s.at(off, headSize)
		if len(b) < headSize {
			break
		}
		if le.Uint64(b) != 0 {
			s.written = off + alignment
		}
		if kind := b[28]; kind == 0 || kind > kindSeal || kind == kindRecord && s.work < 0 {
			continue
		}
		if f, ok := s.accept(off, off-start); ok {
			s.off = off
			return f, true
		}
	}
	return frame{}, false
}

var zeros [diskBlock]byte

// at returns n bytes at off, fewer only at the end of the file.
func (s *scan) at(off int64, n int) []byte {
	if off >= s.from && off+int64(n) <= s.from+int64(len(s.window)) {
		return s.window[off-s.from:][:n]
	}
	want := int64(max(n, scanWindow))
	want = min(want, s.end-off)
	if want <= 0 {
		return nil
	}
	if int64(cap(s.window)) < want {
		s.window = make([]byte, want)
	}
	s.window = s.window[:want]
	s.from = off
	got, lost := readBlocks(s.file, s.window, off)
	s.unreadable += lost
	s.window = s.window[:got]
	return s.window[:min(n, got)]
}

const diskBlock = 4096

// readBlocks fills b from off as far as the file goes. Blocks that the disk
// will not give are filled with zeros and counted: no frame is valid there, so
// they are damage like any other.
func readBlocks(f File, b []byte, off int64) (n int, lost int64) {
	n, err := f.ReadAt(b, off)
	if err == nil || errors.Is(err, io.EOF) {
		return n, 0
	}
	size, err := f.Size()
	if err != nil {
		size = off + int64(len(b))
	}
	total := int(max(0, min(int64(len(b)), size-off)))
	for at := 0; at < total; {
		step := min(diskBlock-int((off+int64(at))%diskBlock), total-at)
		m, err := f.ReadAt(b[at:at+step], off+int64(at))
		if err != nil && !errors.Is(err, io.EOF) {
			clear(b[at+m : at+step])
			lost += int64(step - m)
		}
		at += step
	}
	return total, lost
}

// seedOf is the start value of all CRCs in a journal. Frames of another
// journal, such as one that was posted as an event, are not valid in this one.
func seedOf(id [16]byte) uint32 { return crc32.Checksum(id[:], castagnoli) }
