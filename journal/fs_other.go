//go:build !linux

package journal

// Allocate makes the file long; the space is not reserved, so a full disk shows
// at a later write.
func (f osFile) Allocate(size int64) error { return f.Truncate(size) }

// Sync is os.File's own: on macOS it asks the drive itself (F_FULLFSYNC).
func (f osFile) Sync() error { return f.File.Sync() }
