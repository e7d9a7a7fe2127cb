package journal

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Allocate reserves the space. Where the file system cannot, the file is only
// made long, and a full disk shows at a later write.
func (f osFile) Allocate(size int64) error {
	err := retryEINTR(func() error { return unix.Fallocate(int(f.Fd()), 0, 0, size) })
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) {
		return f.Truncate(size)
	}
	return err
}

// Sync uses fdatasync: in a preallocated file it spares the inode's write.
func (f osFile) Sync() error {
	return retryEINTR(func() error { return unix.Fdatasync(int(f.Fd())) })
}

// retryEINTR repeats a call that a signal interrupted before it did anything.
func retryEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}
