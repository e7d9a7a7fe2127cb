package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// FS is all the journal asks of a file system. It is a seam for tests: a disk
// that forgets what was not synced, fails and fills up. Paths are the journal's
// directory joined with a plain name.
type FS interface {
	// Open opens a file. flag is 0 to read it, os.O_RDWR to read and write it, or
	// os.O_RDWR|os.O_CREATE to make it, with os.O_EXCL or os.O_TRUNC.
	Open(path string, flag int) (File, error)

	// Rename gives a file another name, replacing what had it, atomically.
	Rename(from, to string) error

	// Remove removes a name.
	Remove(path string) error

	// List returns the names in a directory, in any order.
	List(dir string) ([]string, error)

	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

// A File is an open file of an FS.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer

	// Size returns the file's length in bytes.
	Size() (int64, error)

	// Allocate makes the file size bytes long, reading as zeros, with the space
	// reserved where the file system can do that.
	Allocate(size int64) error

	// Truncate cuts the file to size bytes.
	Truncate(size int64) error

	// Sync makes the file's bytes and length durable. After an error nothing
	// is known of what was written since the last Sync that succeeded.
	Sync() error

	// Lock takes an exclusive lock that ends with the file or the process, or
	// returns an error that wraps ErrLocked at once.
	Lock() error
}

// osFS is the operating system's file system.
type osFS struct{}

// OS returns the operating system's file system, which is the default.
func OS() FS { return osFS{} }

func (osFS) Open(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) Remove(path string) error { return os.Remove(path) }

func (osFS) List(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	names, err := d.Readdirnames(-1)
	return names, errors.Join(err, d.Close())
}

func (osFS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// osFile is an *os.File with the calls that differ by system, in fs_*.go.
type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	s, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return s.Size(), nil
}

// makeDir makes dir and the parents it lacks, and makes their names durable.
func makeDir(dir string) error {
	dir = filepath.Clean(dir)
	if s, err := os.Stat(dir); err == nil {
		if !s.IsDir() {
			return fmt.Errorf("open journal: %s is not a directory; name one that is, or that does not exist yet", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if err := makeDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("open journal: %w", err)
	}
	if err := (osFS{}).SyncDir(parent); err != nil {
		return fmt.Errorf("open journal: make the name of %s durable: %w", dir, err)
	}
	return nil
}
