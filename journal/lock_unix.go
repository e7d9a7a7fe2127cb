//go:build unix && !solaris && !aix

package journal

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Lock uses flock, which ends with the process however it ends.
func (f osFile) Lock() error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return ErrLocked
	}
	return err
}
