package ttlcache

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"
)

// check fails unless everything that the cache keeps twice agrees.
func (s *store[K, V]) check(t testing.TB) {
	t.Helper()
	s.sweeping.Lock() // nothing may change between two shards
	defer s.sweeping.Unlock()
	var held, cost int64
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		held += int64(sh.count)
		cost += sh.check(t)
		sh.mu.Unlock()
	}
	if s.limited && (held != s.held.Load() || s.like.weighed && cost != s.cost.Load()) {
		t.Errorf("held %d, counted %d; cost %d, counted %d", held, s.held.Load(), cost, s.cost.Load())
	}
	if s.limited && s.full() {
		t.Errorf("%d entries that cost %d are held, above the limits", held, cost)
	}
}

func (sh *shard[K, V]) check(t testing.TB) (cost int64) {
	t.Helper()
	entries := 0
	for at, table := range sh.each {
		first, n := sh.span(table, at)
		for i := range n {
			if sh.index.Load().tables[first+i].Load() != table {
				t.Errorf("the table at %d is not in all its %d places", first, n)
			}
		}
		if table.due < sh.due.Load() {
			t.Errorf("a table is due at %d, its shard not before %d", table.due, sh.due.Load())
		}
		entries += table.check(t, sh)
		for i := range table.used {
			if table.costs != nil {
				cost += table.costs[i]
			}
		}
	}
	if entries != sh.count {
		t.Errorf("a shard has %d entries, counted %d", entries, sh.count)
	}
	if sh.order != nil && sh.order.queues[0].held+sh.order.queues[1].held != entries {
		t.Errorf("%d+%d entries are in the order, %d in the tables", sh.order.queues[0].held, sh.order.queues[1].held, entries)
	}
	return cost
}

func (t *table[K, V]) check(tb testing.TB, sh *shard[K, V]) int {
	tb.Helper()
	n := 0
	for i := range t.used {
		n++
		e, g := &t.entries[i], &t.groups[i/groupSlots]
		h := sh.hasher.of(e.key)
		if found, at := sh.find(h, e.key); found != t || at != i {
			tb.Errorf("key %v is in slot %d, found in %d", e.key, i, at)
		}
		if e.due() < g.due || g.due < t.due {
			tb.Errorf("slot %d is due at %d, its group not before %d, its table not before %d", i, e.due(), g.due, t.due)
		}
		if t.places != nil {
			place := t.places[i]
			if ref := *sh.order.queues[place&1].at(place >> 1); ref != refOf(h, sh.skip) {
				tb.Errorf("key %v has a place where %x stands, not %x", e.key, ref, refOf(h, sh.skip))
			}
		}
	}
	empty := 0
	for g := range t.groups {
		for m := matchFree(t.groups[g].control.Load()); m != 0; m &= m - 1 {
			if stamp := t.entries[g*groupSlots+lane(m)].stamp.Load(); stamp != 0 {
				tb.Errorf("slot %d is free and has the stamp %x", g*groupSlots+lane(m), stamp)
			}
		}
		for m := matchEmpty(t.groups[g].control.Load()); m != 0; m &= m - 1 {
			empty++
		}
	}
	if n != t.count || t.room < 0 || empty-t.room != len(t.entries)-len(t.entries)*7/8 {
		tb.Errorf("%d slots are used, counted %d; %d are empty, room %d of %d", n, t.count, empty, t.room, len(t.entries))
	}
	return n
}

func TestInvariantsAfterConcurrentUse(t *testing.T) {
	for name, o := range map[string]Options[uint32, int]{
		"unlimited":   {MaxEntries: Unlimited},
		"few entries": {MaxEntries: 500},
		"entries":     {MaxEntries: 20_000},
		"cost":        {MaxCost: 100_000, Cost: func(k uint32, _ int) int64 { return int64(k % 50) }},
		"callback":    {MaxEntries: 1000, OnRemove: func(uint32, int, Reason) {}},
		"stale":       {MaxEntries: 5000, StaleIfError: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			c := New(o)
			defer c.Close()
			var all sync.WaitGroup
			for g := range uint64(4) {
				all.Go(func() { useAtRandom(c, rand.New(rand.NewPCG(g, 1)), 50_000) })
			}
			all.Wait()
			c.made.Load().check(t)
			c.Clear()
			c.made.Load().check(t)
			if n := c.Stats().Entries; n != 0 {
				t.Errorf("%d entries after Clear", n)
			}
		})
	}
}

func useAtRandom(c *Cache[uint32, int], random *rand.Rand, calls int) {
	for range calls {
		k := random.Uint32N(1 << (4 + random.Uint32N(14)))
		ttl := time.Duration(random.Uint64N(20e6))
		switch random.IntN(10) {
		case 0, 1, 2, 3:
			c.Set(k, 1, ttl)
		case 4:
			c.SetIfAbsent(k, 2, ttl)
		case 5:
			c.Delete(k)
		case 6:
			c.Touch(k, ttl-time.Millisecond)
		case 7:
			c.Compute(k, func(v int, ok bool) (int, time.Duration, Action) { return v, ttl, Action(v % 4) })
		default:
			c.Get(k)
		}
	}
}

// TestDeadlinesAgainstList is FuzzDeadlines with long random sequences.
func TestDeadlinesAgainstList(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		compareDeadlines(t, someBytes(random, 4*3000))
	}
}

// FuzzDeadlines drives a directory with keys and deadlines of all distances,
// and a sorted list beside it: at every moment both must expire the same keys,
// and the directory must never say that it may be left alone for longer.
func FuzzDeadlines(f *testing.F) {
	f.Add([]byte{0, 1, 2, 0, 0, 2, 30, 0, 3, 0, 40, 0, 1, 1, 0, 0, 3, 0, 60, 1})
	f.Add(someBytes(rand.New(rand.NewPCG(1, 1)), 4*60))
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) <= 4*1000 {
			compareDeadlines(t, ops)
		}
	})
}

func someBytes(random *rand.Rand, n int) []byte {
	ops := make([]byte, n)
	for i := range ops {
		ops[i] = byte(random.Uint32())
	}
	return ops
}

// compareDeadlines takes four bytes for an operation: what, which key, how far.
func compareDeadlines(t *testing.T, ops []byte) {
	h := newHasher[uint32]()
	h.mask, h.multiple = 1, 0xA0761D6478BD642F // the same in each run, as the fuzzer needs it
	sh := &shard[uint32, int]{directory: directory[uint32, int]{hasher: &h, like: features{words: wordsOf[uint32, int]()}}}
	list := deadlineList{}
	now := int64(1)
	for ; len(ops) >= 4 && !t.Failed(); ops = ops[4:] {
		k := uint32(binary.LittleEndian.Uint16(ops[1:]) % 4096)
		distance := int64(1) << (ops[3] % 62) // to far beyond never
		switch ops[0] % 4 {
		case 0, 1:
			due := min(never, now+distance)
			table, i := sh.find(h.of(k), k)
			if i < 0 {
				table, i = sh.claim(h.of(k))
			}
			table.write(i, k, 0)
			table.entries[i].stamp.Store(stampOf(due, 0))
			table.lower(i, due)
			list.set(k, due)
		case 2:
			if table, i := sh.find(h.of(k), k); i >= 0 {
				sh.release(table, i)
				sh.shrink(table, sh.at(h.of(k)))
			}
			list.remove(k)
		case 3:
			now = min(never-1, now+distance%(1<<ops[1]%62+1))
			expireBoth(t, sh, &list, now)
		}
		if sh.count != len(list) || len(list) > 0 && sh.directory.due() > list[0].due {
			t.Fatalf("%d entries, first due at %d; the list has %d", sh.count, sh.directory.due(), len(list))
		}
	}
	sh.due.Store(sh.directory.due())
	sh.check(t)
}

func expireBoth(t *testing.T, sh *shard[uint32, int], list *deadlineList, now int64) {
	if live, want := sh.live(now), len(*list)-len(list.until(now)); live != want {
		t.Fatalf("%d are alive, want %d", live, want)
	}
	var got []uint32
	for again := true; again; {
		again = false
		for at, table := range sh.each {
			if table.due > now {
				continue
			}
			table.expire(now, func(i int) {
				got = append(got, table.entries[i].key)
				sh.release(table, i)
			})
			sh.shrink(table, at)
			again = true
			break
		}
	}
	want := list.until(now)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("expired %v, want %v", got, want)
	}
	*list = (*list)[len(want):]
	if len(*list) > 0 && sh.directory.due() != (*list)[0].due && (*list)[0].due <= now {
		t.Fatal("something due stays")
	}
}

// A deadlineList is the slow obvious way: sorted by deadline.
type deadlineList []struct {
	key uint32
	due int64
}

func (l *deadlineList) set(k uint32, due int64) {
	l.remove(k)
	at, _ := slices.BinarySearchFunc(*l, due, func(e struct {
		key uint32
		due int64
	}, due int64) int {
		if e.due <= due {
			return -1
		}
		return 1
	})
	*l = slices.Insert(*l, at, struct {
		key uint32
		due int64
	}{k, due})
}

func (l *deadlineList) remove(k uint32) {
	*l = slices.DeleteFunc(*l, func(e struct {
		key uint32
		due int64
	}) bool {
		return e.key == k
	})
}

func (l *deadlineList) until(now int64) (keys []uint32) {
	for _, e := range *l {
		if e.due <= now {
			keys = append(keys, e.key)
		}
	}
	return keys
}

func TestShardsShareNoCacheLine(t *testing.T) {
	if size := unsafe.Sizeof(shard[string, int]{}); size%64 != 0 && bits.UintSize == 64 {
		t.Errorf("a shard has %d bytes, not whole lines of 64", size)
	}
}

// Keys that all meet in one table, or one group, or wholly, must work too.
func TestCollidingHashes(t *testing.T) {
	h := newHasher[uint32]()
	d := directory[uint32, int]{hasher: &h, like: features{words: wordsOf[uint32, int]()}}
	h.multiple = 0 // every key has the same hash
	if h.of(1) != h.of(2) {
		t.Fatal("the hashes differ")
	}
	const n = 3000
	for k := range uint32(n) {
		table, i := d.claim(h.of(k))
		table.write(i, k, 0)
		table.entries[i].stamp.Store(stampOf(never, 0))
	}
	for k := range uint32(n) {
		table, i := d.find(h.of(k), k)
		if i < 0 {
			t.Fatalf("key %d of %d is lost", k, n)
		}
		d.release(table, i)
		d.shrink(table, d.at(h.of(k)))
	}
	if d.count != 0 || d.index.Load() != nil {
		t.Errorf("%d entries, and an index", d.count)
	}
}

// The memory goes back after a spike, and churn takes none.
func TestMemoryGoesBack(t *testing.T) {
	for name, max := range map[string]int{"unlimited": Unlimited, "limited": 1 << 20} {
		c := New(Options[int, int]{MaxEntries: max})
		empty := c.Stats().Bytes
		const n = 200_000
		for k := range n {
			c.Set(k, k, time.Hour)
		}
		full := c.Stats().Bytes - empty
		if full > 60*n {
			t.Errorf("%s: %d bytes an entry", name, full/n)
		}
		for k := range n - 100 {
			c.Delete(k)
		}
		c.made.Load().check(t)
		if left := c.Stats().Bytes - empty; left > full/20 {
			t.Errorf("%s: %d of %d bytes are still used for 100 of %d entries", name, left, full, n)
		}
		before := c.Stats().Bytes
		for range 1_000_000 {
			c.Set(-1, 0, time.Hour)
			c.Delete(-1)
		}
		if after := c.Stats().Bytes; after > before+4096 {
			t.Errorf("%s: churn on one key: %d bytes, then %d", name, before, after)
		}
		c.Close()
	}
}
