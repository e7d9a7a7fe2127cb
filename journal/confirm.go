package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
)

const (
	unconfirmedName = "unconfirmed"
	unconfirmedSize = 12 // the number and its CRC
)

// Unconfirmed is the first number that was not given to an event when the
// journal was opened for the first time after Confirm; 0 once Confirm has been
// called. Downstream can't have it yet. If it says it has, it took it from a
// newer copy of this journal, and the events that have such numbers here would
// pass for published.
func (j *Journal) Unconfirmed() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.unconfirmed
}

// Confirm notes, durably, that downstream's progress is this journal's own. Call
// it between asking for that and Run.
func (j *Journal) Confirm() error {
	err := j.fs.Remove(filepath.Join(j.dir, unconfirmedName))
	if err == nil || errors.Is(err, os.ErrNotExist) {
		err = j.fs.SyncDir(j.dir)
	}
	if err != nil {
		return fmt.Errorf("confirm journal %s: %w", j.dir, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.unconfirmed = 0
	return nil
}

// noteUnconfirmed makes durable, before there is any new event, which number
// the first will have, unless an earlier life that was never confirmed did.
func (j *Journal) noteUnconfirmed() error {
	noted, err := j.loadUnconfirmed()
	if err != nil {
		return err
	}
	j.unconfirmed = min(noted, j.next)
	if noted <= j.next {
		return nil
	}
	b := le.AppendUint64(nil, j.unconfirmed)
	b = le.AppendUint32(b, crc32.Update(j.seed, castagnoli, b))
	path := filepath.Join(j.dir, unconfirmedName)
	err = writeFile(j.fs, path+newSuffix, b)
	if err == nil {
		err = j.fs.Rename(path+newSuffix, path)
	}
	if err == nil {
		err = j.fs.SyncDir(j.dir)
	}
	return err
}

// loadUnconfirmed returns the number that an earlier life has noted, or one
// beyond all where none has or it cannot be read.
func (j *Journal) loadUnconfirmed() (uint64, error) {
	f, err := j.fs.Open(filepath.Join(j.dir, unconfirmedName), 0)
	if errors.Is(err, os.ErrNotExist) {
		return math.MaxUint64, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var b [unconfirmedSize]byte
	n, err := f.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) || n < len(b) || le.Uint32(b[8:]) != crc32.Update(j.seed, castagnoli, b[:8]) {
		j.log.Error("journal: cannot read from which number on it is unconfirmed; taking the next", "dir", j.dir, "err", err)
		return math.MaxUint64, nil
	}
	return le.Uint64(b[:]), nil
}
