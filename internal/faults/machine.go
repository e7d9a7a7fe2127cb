package faults

import (
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"syscall"

	"github.com/penstock-io/penstock/journal"
)

// machine is a Disk in one life.
type machine struct {
	d    *Disk
	life int
}

func (m machine) Open(name string, flag int) (journal.File, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if m.life != m.d.life {
		return nil, ErrDead
	}
	f := m.d.names[name]
	if f != nil && flag&os.O_EXCL != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrExist}
	}
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if err := m.d.op(m.life, "create %s", path.Base(name)); err != nil {
			return nil, err
		}
		f = &file{dirty: map[int]bool{}}
		c := change{name: name, f: f}
		c.apply(m.d.names)
		m.d.changes = append(m.d.changes, c)
	}
	h := &handle{m: m, name: name, f: f}
	if flag&os.O_TRUNC != 0 {
		f.shown = nil
		f.dirty = map[int]bool{}
	}
	return h, nil
}

func (m machine) Rename(from, to string) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if err := m.d.op(m.life, "rename %s %s", path.Base(from), path.Base(to)); err != nil {
		return err
	}
	f := m.d.names[from]
	if f == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	c := change{name: to, f: f, drop: from}
	c.apply(m.d.names)
	m.d.changes = append(m.d.changes, c)
	return nil
}

func (m machine) Remove(name string) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if err := m.d.op(m.life, "remove %s", path.Base(name)); err != nil {
		return err
	}
	if m.d.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	c := change{name: name}
	c.apply(m.d.names)
	m.d.changes = append(m.d.changes, c)
	return nil
}

func (m machine) List(dir string) ([]string, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if m.life != m.d.life {
		return nil, ErrDead
	}
	var names []string
	for name := range m.d.names {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m machine) SyncDir(dir string) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	if err := m.d.op(m.life, "syncdir"); err != nil {
		return err
	}
	for _, c := range m.d.changes {
		c.apply(m.d.durable)
	}
	m.d.changes = nil
	return nil
}

// handle is an open file.
type handle struct {
	m    machine
	name string
	f    *file
}

func (h *handle) ReadAt(b []byte, off int64) (int, error) {
	h.m.d.mu.Lock()
	defer h.m.d.mu.Unlock()
	if h.m.life != h.m.d.life {
		return 0, ErrDead
	}
	if off >= int64(len(h.f.shown)) {
		return 0, io.EOF
	}
	n := copy(b, h.f.shown[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) WriteAt(b []byte, off int64) (int, error) {
	d := h.m.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(h.m.life, "write %s %d+%d", path.Base(h.name), off, len(b)); err != nil {
		if d.life == h.m.life { // the power goes while it is written
			h.put(b[:d.rng(h.name).IntN(len(b)+1)], off)
		}
		return 0, err
	}
	if d.faults.ShortWrite > 0 && d.rng(h.name).Float64() < d.faults.ShortWrite {
		n := d.rng(h.name).IntN(len(b) + 1)
		h.put(b[:n], off)
		return n, syscall.EIO
	}
	if grow := off + int64(len(b)) - int64(len(h.f.shown)); grow > 0 && d.faults.Capacity > 0 && d.used()+grow > d.faults.Capacity {
		return 0, syscall.ENOSPC
	}
	h.put(b, off)
	return len(b), nil
}

func (h *handle) put(b []byte, off int64) {
	if len(b) == 0 {
		return
	}
	f := h.f
	if end := int(off) + len(b); end > len(f.shown) {
		f.shown = append(f.shown, make([]byte, end-len(f.shown))...)
	}
	copy(f.shown[off:], b)
	for s := int(off) / sector; s*sector < int(off)+len(b); s++ {
		f.dirty[s] = true
	}
}

func (h *handle) Allocate(size int64) error {
	d := h.m.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(h.m.life, "allocate %s %d", path.Base(h.name), size); err != nil {
		return err
	}
	grow := size - int64(len(h.f.shown))
	if grow > 0 && d.faults.Capacity > 0 && d.used()+grow > d.faults.Capacity {
		return syscall.ENOSPC
	}
	if grow > 0 {
		h.f.shown = append(h.f.shown, make([]byte, grow)...)
	}
	return nil
}

func (h *handle) Truncate(size int64) error {
	d := h.m.d
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(h.m.life, "truncate %s %d", path.Base(h.name), size); err != nil {
		return err
	}
	if int(size) <= len(h.f.shown) {
		h.f.shown = h.f.shown[:size:size]
	} else {
		h.f.shown = append(h.f.shown, make([]byte, int(size)-len(h.f.shown))...)
	}
	return nil
}

func (h *handle) Size() (int64, error) {
	h.m.d.mu.Lock()
	defer h.m.d.mu.Unlock()
	if h.m.life != h.m.d.life {
		return 0, ErrDead
	}
	return int64(len(h.f.shown)), nil
}

// Sync keeps what was written, or fails as Linux does: some pages reach the
// disk, none is tried again, and the page cache shows all of them.
func (h *handle) Sync() error {
	d := h.m.d
	d.mu.Lock()
	hook := d.onSync
	d.mu.Unlock()
	if hook != nil {
		hook(path.Base(h.name))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.op(h.m.life, "sync %s", path.Base(h.name)); err != nil {
		return err
	}
	f := h.f
	if d.faults.SyncError > 0 && d.rng(h.name).Float64() < d.faults.SyncError {
		for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
			if d.rng(h.name).IntN(2) == 0 {
				f.keep(s, 0, sector)
			}
		}
		f.dirty = map[int]bool{}
		return syscall.EIO
	}
	f.resizeKept(len(f.shown))
	for s := range f.dirty {
		f.keep(s, 0, sector)
	}
	f.dirty = map[int]bool{}
	return nil
}

func (h *handle) Lock() error {
	h.m.d.mu.Lock()
	defer h.m.d.mu.Unlock()
	if h.f.locked == h.m.life {
		return journal.ErrLocked
	}
	h.f.locked = h.m.life
	return nil
}

func (h *handle) Close() error {
	h.m.d.mu.Lock()
	defer h.m.d.mu.Unlock()
	if path.Base(h.name) == "lock" && h.f.locked == h.m.life {
		h.f.locked = 0
	}
	return nil
}
