package journal

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

const (
	checkpointName    = "checkpoint"
	checkpointMagic   = "penstkc1"
	checkpointHead    = 40
	checkpointRejects = 4096 // dead-lettered sequence numbers kept in it
)

// A checkpoint is how far the drainer has come, and the journal's identity. It
// may lag behind the broker's own record of progress, which is the authority;
// it must never be ahead of it, because segments are deleted by it.
type checkpoint struct {
	id      [16]byte
	drained uint64
	rejects []uint64 // the newest drained events that went to the rejects topic
}

// save makes c durable in place of the one before.
func (c checkpoint) save(fs FS, dir string) error {
	rejects := c.rejects[max(0, len(c.rejects)-checkpointRejects):]
	b := make([]byte, checkpointHead, checkpointHead+8*len(rejects))
	copy(b, checkpointMagic)
	copy(b[8:24], c.id[:])
	le.PutUint64(b[24:], c.drained)
	le.PutUint32(b[32:], uint32(len(rejects)))
	for _, seq := range rejects {
		b = le.AppendUint64(b, seq)
	}
	le.PutUint32(b[36:], checkpointSum(b))

	path := filepath.Join(dir, checkpointName)
	if err := writeFile(fs, path+newSuffix, b); err != nil {
		return fmt.Errorf("save checkpoint %d: %w", c.drained, err)
	}
	if err := fs.Rename(path+newSuffix, path); err != nil {
		return fmt.Errorf("save checkpoint %d: %w", c.drained, err)
	}
	if err := fs.SyncDir(dir); err != nil {
		return fmt.Errorf("save checkpoint %d: %w", c.drained, err)
	}
	return nil
}

func checkpointSum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:36], castagnoli), castagnoli, b[checkpointHead:])
}

// writeFile writes a file that is durable under its name once the directory is
// synced.
func writeFile(fs FS, path string, b []byte) error {
	f, err := fs.Open(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

var errCheckpoint = errors.New("the checkpoint is damaged")

// loadCheckpoint reads the checkpoint. A missing one is an error that wraps
// os.ErrNotExist, a damaged one is errCheckpoint.
func loadCheckpoint(fs FS, dir string) (checkpoint, error) {
	var c checkpoint
	f, err := fs.Open(filepath.Join(dir, checkpointName), 0)
	if err != nil {
		return c, err
	}
	defer f.Close()
	b := make([]byte, checkpointHead+8*checkpointRejects)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return c, errCheckpoint
	}
	b = b[:n]
	if len(b) < checkpointHead || string(b[:8]) != checkpointMagic ||
		len(b) != checkpointHead+8*int(le.Uint32(b[32:])) || le.Uint32(b[36:]) != checkpointSum(b) {
		return c, errCheckpoint
	}
	copy(c.id[:], b[8:24])
	c.drained = le.Uint64(b[24:])
	for at := checkpointHead; at < len(b); at += 8 {
		c.rejects = append(c.rejects, le.Uint64(b[at:]))
	}
	return c, nil
}
