package ttlcache

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

func TestWordsOf(t *testing.T) {
	type two struct {
		A any
		N int32
	}
	for _, c := range []struct {
		name string
		got  words
		want words
	}{
		{"uint64, uint64", wordsOf[uint64, uint64](), words{true, 2, 1, 0, true}},
		{"string, uint64", wordsOf[string, uint64](), words{true, 3, 2, 0b1, true}},
		{"string, string", wordsOf[string, string](), words{true, 4, 2, 0b101, false}},
		{"uint8, uint64", wordsOf[uint8, uint64](), words{true, 2, 1, 0, true}},
		{"int, eight bytes", wordsOf[int, [8]byte](), words{true, 2, 1, 0, false}},
		{"int, uint32", wordsOf[int, uint32](), words{true, 2, 1, 0, false}},
		{"uint8, *int", wordsOf[uint8, *int](), words{true, 2, 1, 0b10, false}},
		{"int, []byte", wordsOf[int, []byte](), words{true, 4, 1, 0b10, false}},
		{"int, any", wordsOf[int, any](), words{true, 3, 1, 0b100, false}},
		{"int, struct", wordsOf[int, two](), words{true, 4, 1, 0b100, false}},
		{"array, map", wordsOf[[2]string, map[int]int](), words{true, 5, 4, 0b10101, false}},
		{"eight words", wordsOf[int, [7]int](), words{true, 8, 1, 0, false}},
		{"nine words", wordsOf[int, [8]int](), words{}},
		{"nothing", wordsOf[struct{}, struct{}](), words{few: true, all: 1}},
	} {
		if unsafe.Sizeof(uintptr(0)) == 8 && c.got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, c.got, c.want)
		}
	}
}

// What a Get returns was stored as a whole, under that key, by one Set,
// whatever else goes on: Sets in place, Sets that take the lock, deletions,
// growing and shrinking tables, evictions, and a garbage collector that frees
// what nothing points to.
func TestNoValueIsTorn(t *testing.T) {
	t.Run("words", func(t *testing.T) {
		tear(t, func(k int) uint64 { return uint64(k) }, func(k, n int) uint64 { return uint64(n)<<32 | uint64(k) },
			func(v uint64) (int, bool) { return int(uint32(v)), true })
	})
	t.Run("one word for both", func(t *testing.T) {
		tear(t, func(k int) uint32 { return uint32(k) }, func(k, n int) [2]uint16 { return [2]uint16{uint16(k), uint16(k) ^ 0xFFFF} },
			func(v [2]uint16) (int, bool) { return int(v[0]), v[0] == v[1]^0xFFFF })
	})
	t.Run("texts", func(t *testing.T) {
		tear(t, func(k int) string { return strings.Repeat("k", 3+k%5) + fmt.Sprint(k) }, func(k, n int) string { return fmt.Sprint(k, strings.Repeat(" x", n%9)) },
			func(v string) (k int, whole bool) {
				_, err := fmt.Sscan(v, &k)
				return k, err == nil
			})
	})
	t.Run("pointers", func(t *testing.T) {
		type twice struct{ a, b *int }
		tear(t, func(k int) any { return k }, func(k, n int) twice { p, q := k, k; return twice{&p, &q} },
			func(v twice) (int, bool) { return *v.a, *v.a == *v.b })
	})
	t.Run("interfaces", func(t *testing.T) {
		tear(t, func(k int) [1]int { return [1]int{k} }, func(k, n int) any {
			if n%2 == 0 {
				return fmt.Sprint(k)
			}
			return k
		}, func(v any) (k int, whole bool) {
			if k, ok := v.(int); ok {
				return k, true
			}
			_, err := fmt.Sscan(v.(string), &k)
			return k, err == nil
		})
	})
	t.Run("large", func(t *testing.T) {
		tear(t, func(k int) int { return k }, func(k, n int) (v [20]int) {
			for i := range v {
				v[i] = k
			}
			return v
		}, func(v [20]int) (int, bool) { return v[0], v == [20]int(repeated(v[0])) })
	})
}

// One key of seven words that is written as often as can be, in all ways: in
// place, under the lock in the same slot, and deleted and stored anew.
func TestHotKeyIsNotTorn(t *testing.T) {
	cache := New(Options[int, [7]int]{MaxEntries: Unlimited})
	defer cache.Close()
	var stop atomic.Bool
	var all sync.WaitGroup
	for g := range 2 {
		all.Go(func() {
			for n := g; !stop.Load(); n += 2 {
				ttl := time.Hour
				if n%3 == 0 {
					ttl = time.Minute
				}
				cache.Set(1, [7]int{n, n, n, n, n, n, n}, ttl)
				if n%8 == 0 {
					cache.Delete(1)
				}
			}
		})
	}
	for range 1_000_000 {
		if v, _ := cache.Get(1); v != [7]int{v[0], v[0], v[0], v[0], v[0], v[0], v[0]} {
			t.Errorf("torn: %v", v)
			break
		}
	}
	stop.Store(true)
	all.Wait()
	cache.made.Load().check(t)
}

func repeated(n int) []int {
	all := make([]int, 20)
	for i := range all {
		all[i] = n
	}
	return all
}

func tear[K comparable, V any](t *testing.T, key func(int) K, value func(k, n int) V, keyOf func(V) (int, bool)) {
	for _, entries := range []int{Unlimited, 100} {
		cache := New(Options[K, V]{MaxEntries: entries})
		var found atomic.Int64
		var all sync.WaitGroup
		for g := range uint64(4) {
			all.Go(func() {
				random := rand.New(rand.NewPCG(g, uint64(entries)))
				for n := range 10_000 {
					k := random.IntN(8)
					if n%64 == 0 {
						k = random.IntN(3000) // so that tables grow
					}
					switch x := random.IntN(40); {
					case n%2000 == 0:
						runtime.GC()
					case x == 0:
						cache.Delete(key(k))
					case x < 16:
						cache.Set(key(k), value(k, n), time.Duration(random.IntN(3))*time.Hour+time.Duration(random.IntN(100_000)))
					default:
						if v, ok := cache.Get(key(k)); ok {
							found.Add(1)
							if got, whole := keyOf(v); !whole || got != k {
								t.Errorf("key %d has %v", k, v)
								return
							}
						}
					}
				}
			})
		}
		all.Wait()
		cache.made.Load().check(t)
		if found.Load() == 0 {
			t.Error("nothing was found")
		}
		cache.Close()
	}
}

// Which Sets need no lock, and that these are no others than they seem.
func TestReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Options[string, int]{})
		s := c.store()
		set := func(v int, ttl time.Duration) bool {
			w := write[string, int]{hash: s.hasher.of("k"), key: "k", value: v, ttl: ttl}
			return s.replace(s.shard(w.hash), &w)
		}
		if set(1, time.Hour) {
			t.Error("a new key without the lock")
		}
		c.Set("k", 1, time.Hour)
		for _, step := range []struct {
			what    string
			ttl     time.Duration
			inPlace bool
		}{
			{"a later deadline", 2 * time.Hour, true},
			{"the same deadline", 2 * time.Hour, false},
			{"an earlier deadline", time.Hour, false},
			{"a negative ttl", -1, false},
			{"no deadline", NoExpiry, true},
			{"no deadline again", 0, true},
			{"a deadline again", time.Hour, false},
		} {
			if set(7, step.ttl) != step.inPlace {
				t.Errorf("%s: in place is not %v", step.what, step.inPlace)
			}
			c.Set("k", 8, step.ttl)
			if v, ok := c.Get("k"); ok != (step.ttl >= 0) || ok && v != 8 {
				t.Errorf("%s: Get says %d, %v", step.what, v, ok)
			}
			if step.ttl < 0 {
				c.Set("k", 8, time.Hour)
			}
			if left, _ := c.TTL("k"); step.ttl > 0 && left != step.ttl {
				t.Errorf("%s: TTL is %v", step.what, left)
			}
		}
		time.Sleep(time.Hour)
		if set(9, time.Hour) {
			t.Error("the dead were replaced in place")
		}
		s.check(t)
	})
}

// A Set that was stopped in the middle of storing a value holds up who wants
// that entry, and nobody else, until it goes on.
func TestSetStoppedInTheMiddle(t *testing.T) {
	c := New(Options[int, int]{MaxEntries: Unlimited})
	defer c.Close()
	c.Set(1, 1, time.Hour)
	s := c.store()
	h := s.hasher.of(1)
	e := s.seek(s.shard(h), s.shard(h).changes.Load(), s.shard(h).table(h), h, new(1))
	stamp := e.stamp.Load()
	e.stamp.Store(stamp | writing)
	var all sync.WaitGroup
	var ended atomic.Int32
	for _, f := range []func(){
		func() { c.Get(1) },
		func() { c.Set(1, 2, 2*time.Hour) },
		func() { c.Delete(1) },
		func() { c.Clear() },
	} {
		all.Go(func() { f(); ended.Add(1) })
	}
	for range 1000 {
		runtime.Gosched()
	}
	if n := ended.Load(); n != 0 {
		t.Errorf("%d did not wait", n)
	}
	e.stamp.Store(stampOf(dueOf(stamp)+1, 0))
	all.Wait()
	s.check(t)
}

// A key may leave its slot, and another come there, between any two steps of a
// Get or Set without the lock: then what was found is not used.
func TestSlotOfAnotherKey(t *testing.T) {
	c := New(Options[int, int]{MaxEntries: 8}) // one shard, one group
	defer c.Close()
	c.Set(1, 1, time.Hour)
	c.Set(2, 2, time.Hour)
	s := c.store()
	sh, h := &s.shards[0], s.hasher.of(1)
	changes := sh.changes.Load()
	e := s.seek(sh, changes, sh.table(h), h, new(1))
	c.Delete(1)
	c.Set(3, 3, time.Hour)
	if h = s.hasher.of(3); s.seek(sh, sh.changes.Load(), sh.table(h), h, new(3)) != e {
		t.Fatal("3 is not in the slot that 1 had")
	}
	if v, ok, done := s.read(sh, changes, e); done {
		t.Errorf("a Get of 1 says %d, %v", v, ok)
	}
	w := write[int, int]{hash: s.hasher.of(1), key: 1, value: 100, ttl: 2 * time.Hour}
	if s.swap(sh, changes, e, &w, s.clock.now()) {
		t.Error("a Set of 1 has stored in the slot of 3")
	}
	if v, ok := c.Get(3); v != 3 || !ok {
		t.Errorf("3 has %d, %v", v, ok)
	}
	s.check(t)
}

// A Get that found no key must look again if one came meanwhile: it may have
// looked where the key no longer was, while its table was replaced.
func TestMissBesideAChange(t *testing.T) {
	var c Cache[int, int]
	defer c.Close()
	s := c.store()
	sh := s.shard(s.hasher.of(1))
	changes := sh.changes.Load()
	e := s.seek(sh, changes, sh.table(s.hasher.of(1)), s.hasher.of(1), new(1))
	c.Set(1, 1, time.Hour)
	if _, _, done := s.read(sh, changes, e); e != nil || done {
		t.Error("the miss of a moment that is over was taken for an answer")
	}
}

// A Set that comes while a key is being loaded takes the lock, since the load
// must learn of it.
func TestNoReplaceBesideALoad(t *testing.T) {
	var c Cache[int, int]
	defer c.Close()
	c.Set(1, 1, time.Hour)
	s := c.store()
	sh := s.shard(s.hasher.of(1))
	w := write[int, int]{hash: s.hasher.of(1), key: 1, value: 2, ttl: 2 * time.Hour}
	sh.flying.Store(1)
	if s.replace(sh, &w) {
		t.Error("replaced in place")
	}
	sh.flying.Store(0)
	if v, _ := c.Get(1); v != 1 {
		t.Errorf("Get says %d", v)
	}
	if !s.replace(sh, &w) {
		t.Error("not replaced in place once nothing is loaded")
	}
}

// A Set whose clock was read before another Set stored a later deadline reads
// it again, and still needs no lock.
func TestSlowerSetOfTwo(t *testing.T) {
	var c Cache[int, int]
	defer c.Close()
	c.Set(1, 1, time.Hour)
	s := c.store()
	h := s.hasher.of(1)
	sh := s.shard(h)
	now := s.clock.now()
	c.Set(1, 2, time.Hour)
	changes := sh.changes.Load()
	for stored := s.clock.now(); s.clock.now() == stored; { // where the clock is coarse
	}
	w := write[int, int]{hash: h, key: 1, value: 3, ttl: time.Hour}
	if !s.swap(sh, changes, s.seek(sh, changes, sh.table(h), h, &w.key), &w, now) {
		t.Error("it took the lock")
	}
}

// What a Set has stored is there for every Get that begins after it returned,
// by the clock, though the two have nothing else in common.
func TestSetIsSeenAtOnce(t *testing.T) {
	sets := 2_000_000
	if testing.Short() {
		sets /= 10
	}
	c := New(Options[int, int]{MaxEntries: Unlimited})
	defer c.Close()
	begun := time.Now()
	returned := make([]time.Duration, sets) // the Set of this value
	type found struct {
		asked time.Duration
		v     int
	}
	gets := make([]found, 0, 2*sets)
	var stop atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for !stop.Load() && len(gets) < cap(gets) {
			asked := time.Since(begun)
			if v, ok := c.Get(1); ok {
				gets = append(gets, found{asked, v})
			}
		}
	})
	for v := range sets {
		c.Set(1, v, time.Hour)
		returned[v] = time.Since(begun)
	}
	stop.Store(true)
	reader.Wait()
	for _, g := range gets {
		if g.v+1 < sets && g.asked > returned[g.v+1] {
			t.Fatalf("a Get found %d that began %v after the Set of %d had returned", g.v, g.asked-returned[g.v+1], g.v+1)
		}
	}
}
