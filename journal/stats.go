package journal

import "time"

// Stats are a journal's figures. Counters count since Open.
type Stats struct {
	Appended uint64 // events given a place in a commit, whatever became of it
	Dropped  uint64 // duplicates; Joined of them waited for a twin on its way
	Joined   uint64
	Refused  uint64 // Writes turned away by the quota

	Synced  uint64 // number of the newest durable event
	Drained uint64 // number of the newest event settled downstream, with all before it
	Saved   uint64 // the durable checkpoint

	BacklogEvents uint64 // durable and waiting for the drain
	BacklogBytes  int64
	QuotaBytes    int64
	DrainRate     float64 // bytes a second, 0 until measured
	DrainRejected uint64  // events that the drain dead-lettered
	DrainDropped  uint64  // events that the sink knew already

	Segments        int
	SegmentBytes    int64 // size of all segment files
	SegmentsDeleted uint64

	Commits      uint64        // each is one fdatasync
	CommitTime   time.Duration // spent writing and syncing them
	SyncFailures uint64        // writes and syncs that failed
	Broken       string        // why the disk takes no writes now, "" when it does

	Identities        int    // remembered
	IdentitiesMax     int    // that are remembered at most
	IdentitiesEvicted uint64 // pushed out by newer ones
	IdentitiesUnkept  uint64 // that a restart would forget, because RetainBytes is too small

	Damage     int    // ranges of bytes set aside, from Open on
	LostEvents uint64 // acknowledged events in them that were not drained before
}

// Stats returns the figures of the moment.
func (j *Journal) Stats() Stats {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.stats
	s.Synced, s.Drained, s.Saved = j.synced, j.drain.drained, j.drain.saved
	s.BacklogEvents = j.synced - min(j.synced, j.drain.drained)
	s.BacklogBytes, s.QuotaBytes = j.backlog, j.o.QuotaBytes
	s.DrainRate = j.drain.rate
	s.Segments = len(j.segments)
	for _, seg := range j.segments {
		s.SegmentBytes += seg.size
	}
	if j.broken != nil {
		s.Broken = j.broken.Error()
	}
	s.Identities, s.IdentitiesMax, s.IdentitiesEvicted = j.known.n, j.known.max, j.known.evicted
	s.Damage = len(j.found.Damage)
	for _, r := range j.found.Lost {
		s.LostEvents += r.Last - r.First + 1
	}
	return s
}
