package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	segmentMagic   = "penstkj1"
	segmentVersion = 1
	segmentHeader  = 64
	segmentSuffix  = ".segment"
	newSuffix      = ".new"
)

// A segment is one file of the journal. Its sequence numbers are first to
// last; number orders segments by age, and where two cover the same sequence
// number the later segment holds the truth. The skipped numbers before first
// were never given to an event, see Journal.continueBehind.
type segment struct {
	number  uint64
	first   uint64
	skipped uint64
	last    uint64 // first-1 while it is empty
	name    string
	bytes   int64 // of records that count
	end     int64 // behind the last frame that counts and is synced
	size    int64 // of the file
	limit   uint64
}

// noLimit is the limit of the last segment: no later one takes over.
const noLimit = math.MaxUint64

// takesOver is the first sequence number that no earlier segment has.
func (s *segment) takesOver() uint64 { return s.first - s.skipped }

func segmentName(first, number, skipped uint64) string {
	return fmt.Sprintf("%020d-%08x-%x%s", first, number, skipped, segmentSuffix)
}

// parseSegmentName is the reverse of segmentName.
func parseSegmentName(name string) (s segment, ok bool) {
	base, found := strings.CutSuffix(name, segmentSuffix)
	if !found {
		return s, false
	}
	if n, err := fmt.Sscanf(base, "%d-%x-%x", &s.first, &s.number, &s.skipped); err != nil || n != 3 || s.first <= s.skipped {
		return s, false
	}
	s.name, s.last, s.limit = name, s.first-1, noLimit
	return s, name == segmentName(s.first, s.number, s.skipped)
}

// encodeSegmentHeader fills the first 64 bytes of a segment.
func encodeSegmentHeader(b []byte, id [16]byte, first, number uint64, now time.Time) {
	clear(b[:segmentHeader])
	copy(b, segmentMagic)
	le.PutUint32(b[8:], segmentVersion)
	copy(b[16:32], id[:])
	le.PutUint64(b[32:], first)
	le.PutUint64(b[40:], number)
	le.PutUint64(b[48:], uint64(now.UnixNano()))
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

// errHeader says that a segment's first bytes are damaged. What follows them
// can be read all the same: the name has the numbers, and the seed comes from
// the journal's identity, which is kept in other places too.
var errHeader = errors.New("the segment header is damaged")

// decodeSegmentHeader returns the identity of the journal that wrote b.
func decodeSegmentHeader(b []byte) (id [16]byte, err error) {
	if len(b) < segmentHeader || string(b[:8]) != segmentMagic || le.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return id, errHeader
	}
	if v := le.Uint32(b[8:]); v != segmentVersion {
		return id, fmt.Errorf("the segment has format version %d and this program knows %d; open it with the program that wrote it", v, segmentVersion)
	}
	copy(id[:], b[16:32])
	return id, nil
}

// A writer appends to the segment that is being written.
type writer struct {
	segment
	file  File
	at    int64 // where the next commit goes
	paved int64 // up to here the file has been written before, if only with zeros
}

// pave writes zeros behind end, where the file has only space reserved, for the
// commits to come. A sync of data on reserved space also has to tell the file
// system that the space is in use: it takes half as long again as one on zeros.
// What is read there does not change.
func (w *writer) pave(end int64) error {
	n := min(int64(len(pavement)), w.size-end)
	if end <= w.paved || n <= 0 {
		return nil
	}
	w.paved = end + n
	_, err := w.file.WriteAt(pavement[:n], end)
	return err
}

// pavement is what one pave writes. More would make the one sync that covers it
// longer, less would need another sooner.
var pavement [256 << 10]byte

// startSegment makes a segment file that begins with the given frames, which
// may be none, and returns it once it and its name are durable. It has another
// name until its contents are: whoever sees the file may rely on it. visible
// says whether a failed attempt may be seen after a crash.
func (j *Journal) startSegment(first, skipped uint64, frames []byte) (w *writer, visible bool, err error) {
	j.number++
	w = &writer{segment: segment{
		number: j.number, first: first, skipped: skipped, last: first - 1,
		limit: noLimit, name: segmentName(first, j.number, skipped),
	}}
	w.at = segmentHeader + int64(len(frames))
	w.end = w.at
	w.size = max(j.o.SegmentBytes, w.at+headSize)
	path := filepath.Join(j.dir, w.name)
	if err := j.fillSegment(w, path+newSuffix, frames); err != nil {
		return nil, false, err
	}
	if err := j.fs.Rename(path+newSuffix, path); err != nil {
		return nil, true, errors.Join(err, w.file.Close())
	}
	if err := j.fs.SyncDir(j.dir); err != nil {
		// Not taken back: the next segment has a later number and the same first
		// sequence number, so it takes over.
		return nil, true, errors.Join(err, w.file.Close())
	}
	return w, true, nil
}

func (j *Journal) fillSegment(w *writer, path string, frames []byte) error {
	f, err := j.fs.Open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	var head [segmentHeader]byte
	encodeSegmentHeader(head[:], j.id, w.first, w.number, time.Now())
	err = f.Allocate(w.size)
	if err == nil {
		_, err = f.WriteAt(head[:], 0)
	}
	if err == nil && len(frames) > 0 {
		_, err = f.WriteAt(frames, segmentHeader)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Close(), j.fs.Remove(path))
	}
	w.file = f
	return nil
}
