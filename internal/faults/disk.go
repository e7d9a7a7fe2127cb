package faults

import (
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/penstock-io/penstock/journal"
)

// ErrDead is what every call gets from files and disks of an earlier life.
var ErrDead = errors.New("the machine is off")

const sector = 512

// A Disk is a journal.FS in memory that behaves as real disks may: until Sync
// has returned, any of the sectors written may be lost, kept or torn by a power
// cut, and until SyncDir has returned so may any change of names. Syncs can
// fail and lose what they should have kept, while reads go on showing it. All
// chance comes from the seed. It is safe for concurrent use.
//
//	disk := faults.NewDisk(1)
//	j, err := journal.Open("j", journal.Options{FS: disk.Machine()})
//	disk.CutPower()
//	j, err = journal.Open("j", journal.Options{FS: disk.Machine()})
type Disk struct {
	mu      sync.Mutex
	seed    uint64
	chances map[string]*rand.Rand // one for each name, so that goroutines at different files do not disturb each other
	life    int                   // of the machine that may use the disk now
	names   map[string]*file      // as programs see them
	durable map[string]*file      // as they are after a power cut
	changes []change              // to names, not synced yet
	faults  DiskFaults
	ops     int // calls that change something, so far
	dieAt   int // the call at which the power is cut, 0 never
	onSync  func(name string)
	trace   []string
	tracing bool
}

// DiskFaults are what can go wrong while the machine runs. The zero value is a
// disk without faults but for its forgetting.
type DiskFaults struct {
	SyncError  float64 // probability that a Sync fails and loses pages, 0 to 1
	ShortWrite float64 // probability that a write stops half way with an error
	Capacity   int64   // bytes; beyond them ENOSPC. 0 is without end
}

// file is one inode.
type file struct {
	shown  []byte       // what reads see
	kept   []byte       // what a power cut leaves
	dirty  map[int]bool // sectors where they may differ
	locked int          // the life whose program has the lock
}

// change is one change of a name: to f, or to nothing.
type change struct {
	name string
	f    *file
	drop string // a name that vanishes in the same step, for Rename
}

// NewDisk returns an empty disk.
func NewDisk(seed uint64) *Disk {
	return &Disk{
		seed: seed, chances: map[string]*rand.Rand{}, life: 1,
		names: map[string]*file{}, durable: map[string]*file{},
	}
}

// Machine returns the disk as the program of this life sees it. Kill and
// CutPower end the life.
func (d *Disk) Machine() journal.FS {
	d.mu.Lock()
	defer d.mu.Unlock()
	return machine{d, d.life}
}

// SetFaults changes what can go wrong from now on.
func (d *Disk) SetFaults(f DiskFaults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
}

// OnSync has f called before each Sync of a file. It may block.
func (d *Disk) OnSync(f func(name string)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.onSync = f
}

// CutPowerAt has the power cut at the n-th call from now that changes
// something; that call and all later ones fail. 0 takes it back.
func (d *Disk) CutPowerAt(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dieAt = 0
	if n > 0 {
		d.dieAt = d.ops + n
	}
}

// Off reports whether the power is cut and no new life has begun.
func (d *Disk) Off() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dieAt > 0 && d.ops >= d.dieAt
}

// Ops is how many calls have changed something.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// Kill ends the program as SIGKILL does: its files are closed, but what it
// wrote is in the page cache.
func (d *Disk) Kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.nextLife()
}

// rng is the source of chance for all that happens to a name.
func (d *Disk) rng(name string) *rand.Rand {
	r := d.chances[name]
	if r == nil {
		h := fnv.New64a()
		h.Write([]byte(name))
		r = rand.New(rand.NewPCG(d.seed, h.Sum64()))
		d.chances[name] = r
	}
	return r
}

func (d *Disk) nextLife() {
	d.life++
	d.dieAt = 0
	d.onSync = nil
}

// CutPower ends the machine. Of what was not synced, each sector is lost, kept
// or torn, and each change of a name undone or kept, as chance has it.
func (d *Disk) CutPower() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.changes {
		if d.rng(c.name).IntN(2) == 0 {
			c.apply(d.durable)
		}
	}
	d.changes = nil
	d.names = maps.Clone(d.durable)
	for _, name := range slices.Sorted(maps.Keys(d.names)) {
		d.names[name].losePower(d.rng(name))
	}
	d.nextLife()
}

func (c change) apply(to map[string]*file) {
	if c.drop != "" {
		delete(to, c.drop)
	}
	if c.f == nil {
		delete(to, c.name)
		return
	}
	to[c.name] = c.f
}

func (f *file) losePower(rng *rand.Rand) {
	if len(f.shown) != len(f.kept) && rng.IntN(2) == 0 {
		f.resizeKept(len(f.shown))
	}
	for _, s := range slices.Sorted(maps.Keys(f.dirty)) {
		switch rng.IntN(3) {
		case 0:
			f.keep(s, 0, sector)
		case 1: // torn: only its beginning, or only its end
			cut := 1 + rng.IntN(sector-1)
			if rng.IntN(2) == 0 {
				f.keep(s, 0, cut)
			} else {
				f.keep(s, cut, sector)
			}
		}
	}
	f.shown = slices.Clone(f.kept)
	f.dirty = map[int]bool{}
}

// keep makes bytes [from, to) of a sector durable as far as the file goes.
func (f *file) keep(s, from, to int) {
	lo, hi := s*sector+from, min(s*sector+to, len(f.kept), len(f.shown))
	if lo < hi {
		copy(f.kept[lo:hi], f.shown[lo:hi])
	}
}

func (f *file) resizeKept(n int) {
	if n <= len(f.kept) {
		f.kept = f.kept[:n:n]
		return
	}
	f.kept = append(f.kept, make([]byte, n-len(f.kept))...)
}

// Flip changes bits of a file, shown and kept.
func (d *Disk) Flip(name string, off int64, mask byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.names[name]
	f.shown[off] ^= mask
	if off < int64(len(f.kept)) {
		f.kept[off] ^= mask
	}
}

// Names returns the names of all files, sorted.
func (d *Disk) Names() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Sorted(maps.Keys(d.names))
}

// Read returns a copy of what a file shows.
func (d *Disk) Read(name string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.names[name]; f != nil {
		return slices.Clone(f.shown)
	}
	return nil
}

// Clone returns a disk with the same files, all of them durable.
func (d *Disk) Clone(seed uint64) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := NewDisk(seed)
	for name, f := range d.names {
		c.names[name] = &file{shown: slices.Clone(f.shown), kept: slices.Clone(f.shown), dirty: map[int]bool{}}
	}
	c.durable = maps.Clone(c.names)
	return c
}

// Trace starts or returns the list of changing calls, one a line.
func (d *Disk) Trace() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tracing = true
	return slices.Clone(d.trace)
}

// op counts one changing call of the given life and says whether it may
// happen. d.mu is held.
func (d *Disk) op(life int, format string, args ...any) error {
	if life != d.life || d.dieAt > 0 && d.ops >= d.dieAt {
		return ErrDead
	}
	d.ops++
	if d.dieAt > 0 && d.ops >= d.dieAt {
		return ErrDead
	}
	if d.tracing {
		d.trace = append(d.trace, fmt.Sprintf(format, args...))
	}
	return nil
}

func (d *Disk) used() (n int64) {
	for _, f := range d.names {
		n += int64(len(f.shown))
	}
	return n
}
