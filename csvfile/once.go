package csvfile

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Once reports whether a file can be read once only: standard input, a pipe.
// Its name says nothing about what comes by it the next time.
func Once(name string) bool {
	info, err := os.Stat(name)
	return name == "-" || err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// keep copies what can be read once only, when it is asked for first, to a file
// that is read in its place: a load that finds keys twice reads their rows again.
// The file has no name any more, so it ends with this process, however that ends.
func (s *Source) keep(name string) (kept *os.File, err error) {
	if kept := s.kept[name]; kept != nil {
		return kept, nil
	}
	in := s.Stdin
	if name != "-" {
		pipe, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer pipe.Close()
		in = pipe
	}
	if kept, err = os.CreateTemp("", "penstock-once-*.csv"); err == nil {
		err = os.Remove(kept.Name())
	}
	if err == nil {
		_, err = io.Copy(kept, in)
	}
	if err != nil {
		if kept != nil {
			kept.Close() // nothing is to be read from it
		}
		return nil, fmt.Errorf("keep a copy of %s: %w", name, err)
	}
	if s.kept == nil {
		s.kept = map[string]*os.File{}
	}
	s.kept[name] = kept
	return kept, nil
}

// Fingerprint is that of a file that is read. Of what can be read once only it
// has no time, and Fingerprint waits until all of it has come.
func (s *Source) Fingerprint(name string) (string, error) {
	if s.kept[name] == nil && !Once(name) {
		return Fingerprint(name)
	}
	kept, err := s.keep(name)
	if err != nil {
		return "", err
	}
	return fingerprint(kept, false)
}

// Size is how many bytes a file has, 0 as long as that is not known.
func (s *Source) Size(name string) int64 {
	stat := func() (os.FileInfo, error) { return os.Stat(name) }
	if kept := s.kept[name]; kept != nil {
		stat = kept.Stat
	}
	info, err := stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// Close frees the copies of what can be read once only.
func (s *Source) Close() error {
	var errs []error
	for _, kept := range s.kept {
		errs = append(errs, kept.Close())
	}
	s.kept = nil
	return errors.Join(errs...)
}
