package journal

import (
	"path/filepath"
	"slices"
	"time"
)

// checkpointWhenDue saves the checkpoint if it has moved and the last one is
// old enough, and then deletes the segments that nobody needs any more.
func (j *Journal) checkpointWhenDue() error {
	j.mu.Lock()
	due := j.drain.dirty() && time.Since(j.drain.savedAt) >= j.o.CheckpointEvery
	j.mu.Unlock()
	if !due {
		return nil
	}
	return j.saveCheckpoint()
}

// saveCheckpoint makes the drain's progress durable. Only Run calls it, and
// Close when no Run is left.
func (j *Journal) saveCheckpoint() error {
	j.mu.Lock()
	c := checkpoint{id: j.id, drained: j.drain.drained, rejects: slices.Clone(j.drain.rejects)}
	j.drain.savedAt = time.Now()
	j.mu.Unlock()
	if j.o.mutant == unlinkEarly {
		j.deleteSegments(c.drained)
	}
	if err := c.save(j.fs, j.dir); err != nil {
		return err
	}
	j.mu.Lock()
	j.drain.saved = c.drained
	j.mu.Unlock()
	j.deleteSegments(c.drained)
	return nil
}

// deleteSegments removes, oldest first, segments that lie wholly before a
// durable checkpoint and hold no identity that is remembered, or that are more
// than RetainBytes of what has been drained.
func (j *Journal) deleteSegments(saved uint64) {
	for {
		j.mu.Lock()
		s := j.superfluous(saved)
		j.mu.Unlock()
		if s == nil {
			return
		}
		err := j.fs.Remove(filepath.Join(j.dir, s.name))
		if err == nil {
			// Before the next one goes: were only the younger of two deletions to
			// survive a power cut, there would be a hole in the numbers.
			err = j.fs.SyncDir(j.dir)
		}
		if err != nil {
			j.log.Warn("journal: a drained segment could not be deleted", "segment", s.name, "err", err)
			return
		}
		j.mu.Lock()
		j.segments = slices.DeleteFunc(j.segments, func(other *segment) bool { return other == s })
		j.stats.SegmentsDeleted++
		j.mu.Unlock()
	}
}

// superfluous returns the oldest segment if it can go. The newest never goes.
func (j *Journal) superfluous(saved uint64) *segment {
	if len(j.segments) < 2 {
		return nil
	}
	s := j.segments[0]
	if s.last > saved {
		return nil
	}
	oldest := j.known.oldest()
	if oldest == 0 || oldest > s.last {
		return s
	}
	var retained int64
	for _, s := range j.segments[:len(j.segments)-1] {
		if s.last > saved {
			break
		}
		retained += s.size
	}
	if retained <= j.o.RetainBytes {
		return nil
	}
	j.stats.IdentitiesUnkept += s.last - max(s.first, oldest) + 1
	return s
}
