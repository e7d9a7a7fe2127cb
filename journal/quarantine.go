package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	quarantineSuffix = ".quarantine"
	tornSuffix       = ".torn"
)

// quarantine keeps copies of what recovery could not read or did not count.
func (j *Journal) quarantine(r *recovery) {
	for i := range r.report.Damage {
		d := &r.report.Damage[i]
		if d.Bytes > 0 {
			d.Quarantine = j.setAside(d.Segment, d.Offset, d.Bytes, quarantineSuffix)
		}
	}
	for i := range r.report.Torn {
		t := &r.report.Torn[i]
		if t.Events > 0 { // should the disk have lied, this is all that is left of them
			t.Quarantine = j.setAside(t.Segment, t.Offset, t.Bytes, tornSuffix)
		}
	}
}

// setAside copies bytes of a segment to a file of their own and returns its
// name, or "" when that fails: it must not keep the journal from working.
func (j *Journal) setAside(segment string, off, n int64, suffix string) string {
	f, err := j.fs.Open(filepath.Join(j.dir, segment), 0)
	if err != nil {
		j.log.Error("journal: could not set damaged bytes aside", "segment", segment, "err", err)
		return ""
	}
	defer f.Close()
	name := fmt.Sprintf("%s.%d%s", segment, off, suffix)
	if err := j.copyOut(f, name, off, n); err != nil {
		j.log.Error("journal: could not set damaged bytes aside", "segment", segment, "offset", off, "bytes", n, "err", err)
		return ""
	}
	return name
}

func (j *Journal) copyOut(from File, name string, off, n int64) error {
	path := filepath.Join(j.dir, name)
	to, err := j.fs.Open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
	if errors.Is(err, os.ErrExist) {
		return nil // set aside in an earlier life
	}
	if err != nil {
		return err
	}
	b := make([]byte, min(n, scanWindow))
	for at := int64(0); at < n && err == nil; {
		got, _ := readBlocks(from, b[:min(n-at, int64(len(b)))], off+at)
		if got == 0 {
			break
		}
		_, err = to.WriteAt(b[:got], at)
		at += int64(got)
	}
	if err == nil {
		err = to.Sync()
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return errors.Join(err, j.fs.Remove(path))
	}
	return nil
}

// damaged reports damage that the drain has come upon. What recovery knew
// already is not told twice.
func (j *Journal) damaged(segment string, s skip) {
	j.mu.Lock()
	known := slices.ContainsFunc(j.found.Damage, func(d Damage) bool {
		return d.Segment == segment && d.Offset <= s.From && s.From < d.Offset+max(d.Bytes, 1)
	})
	j.mu.Unlock()
	if known {
		return
	}
	d := Damage{Segment: segment, Offset: s.From, Bytes: s.To - s.From, Lost: Range{s.First, s.Last}}
	d.Quarantine = j.setAside(segment, d.Offset, d.Bytes, quarantineSuffix)
	j.mu.Lock()
	j.found.Damage = append(slices.Clip(j.found.Damage), d)
	if d.Lost.First > 0 {
		j.found.Lost = append(slices.Clip(j.found.Lost), d.Lost)
		j.drain.lost = append(j.drain.lost, d.Lost)
	}
	j.mu.Unlock()
	j.tell(Recovery{Damage: []Damage{d}})
}
