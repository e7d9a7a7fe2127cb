package journal_test

import (
	"path"
	"strings"
	"sync"
	"testing"

	"github.com/penstock-io/penstock/journal"
)

// TestMutants builds one mistake at a time into the journal or between it and
// its disk. The simulation must see each: a check that finds nothing wrong with
// these would find nothing wrong with anything.
func TestMutants(t *testing.T) {
	for _, f := range []fault{
		{name: "no sync of segments", disk: spoiled(func(f *spoiledFile) error { return nil }, segmentFiles)},
		{name: "sync answers before it is done", disk: spoiled(lateSync, segmentFiles)},
		{name: "a failed sync is tried again", disk: spoiled(syncTwice, segmentFiles)},
		{name: "no sync of directories", disk: func(fs journal.FS) journal.FS { return noDirSync{fs} }},
		{name: "no sync of the checkpoint", disk: spoiled(func(f *spoiledFile) error { return nil }, checkpointFiles)},
		{name: "segments are deleted before the checkpoint is durable", build: journal.UnlinkEarly},
		{name: "the last commit is not written again", build: journal.TrustCache},
		{name: "an identity is remembered before it is durable", build: journal.RememberEarly},
	} {
		t.Run(f.name, func(t *testing.T) {
			for seed := uint64(1); seed <= 3000; seed++ {
				marks := simulate(t, seed, f)
				if marks["finding"] > 0 {
					for name := range marks {
						if found, ok := strings.CutPrefix(name, "finding: "); ok {
							t.Logf("seen at seed %d: %.150s", seed, found)
							return
						}
					}
				}
			}
			t.Error("the simulation does not see it")
		})
	}
}

// spoiledFS passes the Syncs of some files through a function.
type spoiledFS struct {
	journal.FS
	sync func(*spoiledFile) error
	of   func(name string) bool
}

type spoiledFile struct {
	journal.File
	sync func(*spoiledFile) error

	mu   sync.Mutex
	owed bool
}

func spoiled(sync func(*spoiledFile) error, of func(string) bool) func(journal.FS) journal.FS {
	return func(fs journal.FS) journal.FS { return spoiledFS{fs, sync, of} }
}

func segmentFiles(name string) bool    { return strings.Contains(name, ".segment") }
func checkpointFiles(name string) bool { return strings.HasPrefix(name, "checkpoint") }

func (s spoiledFS) Open(name string, flag int) (journal.File, error) {
	f, err := s.FS.Open(name, flag)
	if err != nil || !s.of(path.Base(name)) {
		return f, err
	}
	return &spoiledFile{File: f, sync: s.sync}, nil
}

func (f *spoiledFile) Sync() error { return f.sync(f) }

// lateSync does what the last call should have done.
func lateSync(f *spoiledFile) error {
	f.mu.Lock()
	owed := f.owed
	f.owed = true
	f.mu.Unlock()
	if !owed {
		return nil
	}
	return f.File.Sync()
}

func syncTwice(f *spoiledFile) error {
	if f.File.Sync() == nil {
		return nil
	}
	return f.File.Sync()
}

// noDirSync forgets to sync names.
type noDirSync struct{ journal.FS }

func (noDirSync) SyncDir(string) error { return nil }
