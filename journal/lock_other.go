//go:build !unix || solaris || aix

package journal

import "errors"

// Lock refuses: without a lock two processes could write one journal.
func (f osFile) Lock() error {
	return errors.New("this system has no flock, which the journal needs; run it on Linux, macOS or a BSD")
}
