package ttlcache_test

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/penstock-io/penstock/ttlcache"
)

func TestTTLArguments(t *testing.T) {
	for _, c := range []struct {
		name       string
		byDefault  time.Duration
		ttl        time.Duration
		stored     bool
		want       time.Duration
		deadAfter  time.Duration // 0: never
		aliveAfter time.Duration
	}{
		{name: "explicit", ttl: time.Second, stored: true, want: time.Second, deadAfter: time.Second, aliveAfter: time.Second - 1},
		{name: "default of the zero options", ttl: 0, stored: true, want: ttlcache.NoExpiry, aliveAfter: 1e6 * time.Hour},
		{name: "default", byDefault: time.Minute, ttl: 0, stored: true, want: time.Minute, deadAfter: time.Minute, aliveAfter: time.Minute - 1},
		{name: "no expiry against a default", byDefault: time.Minute, ttl: ttlcache.NoExpiry, stored: true, want: ttlcache.NoExpiry, aliveAfter: time.Hour},
		{name: "negative", ttl: -1, stored: false},
		{name: "most negative", ttl: math.MinInt64, stored: false},
		{name: "one nanosecond", ttl: 1, stored: true, want: 1, deadAfter: 1},
		{name: "36 years", ttl: 1<<60 - 1e12, stored: true, want: 1<<60 - 1e12, aliveAfter: time.Hour},
		{name: "longest but one", ttl: math.MaxInt64 - 1, stored: true, want: ttlcache.NoExpiry, aliveAfter: time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := ttlcache.New(ttlcache.Options[string, int]{DefaultTTL: c.byDefault})
				defer cache.Close()
				cache.Set("k", 1, time.Hour) // a negative ttl must remove what is there
				cache.Set("k", 7, c.ttl)
				if got, ok := cache.TTL("k"); ok != c.stored || got != c.want {
					t.Fatalf("TTL = %v, %v, want %v, %v", got, ok, c.want, c.stored)
				}
				wantGet(t, cache, "k", 7, c.stored)
				time.Sleep(c.aliveAfter)
				wantGet(t, cache, "k", 7, c.stored)
				if c.deadAfter > 0 {
					time.Sleep(c.deadAfter - c.aliveAfter)
					wantGet(t, cache, "k", 7, false)
				}
			})
		})
	}
}

func TestLongTTLDoesNotOverflowLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		cache.Set("warm", 0, 0)
		time.Sleep(time.Hour)
		cache.Set("k", 7, math.MaxInt64-1)
		wantGet(t, &cache, "k", 7, true)
		if ttl, _ := cache.TTL("k"); ttl != ttlcache.NoExpiry {
			t.Errorf("TTL = %v, want NoExpiry", ttl)
		}
	})
}

func TestOptionsPanic(t *testing.T) {
	for _, o := range []ttlcache.Options[int, int]{{MaxEntries: -2}, {DefaultTTL: -1}, {LoadTimeout: -1},
		{MaxCost: 1<<52 + 1, Cost: func(int, int) int64 { return 1 }}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v accepted", o)
				}
			}()
			ttlcache.New(o)
		}()
	}
}

// Entries go from memory at their deadline though nobody asks.
func TestRemovalWithoutActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[int, int]{})
		const n = 10_000
		for i := range n {
			cache.Set(i, i, time.Duration(i%100+1)*time.Second)
		}
		time.Sleep(2 * time.Millisecond) // the lateness that the documentation admits
		for s := 1; s <= 100; s++ {
			time.Sleep(time.Second)
			if got, want := cache.Len(), n-s*n/100; got != want {
				t.Fatalf("after %d s %d entries are held, want %d", s, got, want)
			}
		}
	})
}

func TestDeadlineMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		cache.Set("earlier", 1, time.Hour)
		cache.Set("earlier", 2, time.Second)
		cache.Set("later", 1, time.Second)
		cache.Set("later", 2, time.Hour)
		cache.Set("forever", 1, time.Second)
		cache.Set("forever", 2, ttlcache.NoExpiry)
		time.Sleep(time.Second + 2*time.Millisecond)
		if got := slices.Sorted(maps.Keys(maps.Collect(cache.All()))); !slices.Equal(got, []string{"forever", "later"}) || cache.Len() != 2 {
			t.Fatalf("held: %v (%d)", got, cache.Len())
		}
		time.Sleep(time.Hour)
		if cache.Len() != 1 {
			t.Fatalf("Len = %d, want 1", cache.Len())
		}
	})
}

func TestSetIfAbsentTreatsTheDeadAsAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		for i, want := range []bool{true, false} {
			if v, ok := cache.SetIfAbsent("k", i, time.Second); v != 0 || ok != want {
				t.Fatalf("try %d: %d, %v", i, v, ok)
			}
		}
		time.Sleep(time.Second)
		if v, ok := cache.SetIfAbsent("k", 5, time.Second); v != 5 || !ok {
			t.Fatalf("after expiry: %d, %v", v, ok)
		}
		if v, ok := cache.SetIfAbsent("other", 5, -1); v != 5 || !ok {
			t.Fatalf("negative: %d, %v", v, ok)
		}
		wantGet(t, &cache, "other", 0, false)
	})
}

func TestDeleteAndClear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		cache.Set("k", 1, time.Second)
		if !cache.Delete("k") || cache.Delete("k") {
			t.Fatal("Delete must report true once")
		}
		cache.Set("k", 1, time.Second)
		time.Sleep(time.Second)
		if cache.Delete("k") {
			t.Fatal("Delete of an expired entry reported true")
		}
		cache.Set("a", 1, time.Second)
		cache.Clear()
		cache.Set("b", 1, time.Hour)
		time.Sleep(time.Minute)
		if cache.Len() != 1 {
			t.Fatalf("Len = %d after Clear and one Set", cache.Len())
		}
	})
}

func TestBoundEvictsTheDeadThenTheUnvisited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: 4})
		for i := range 4 {
			cache.Set(i, i, 0)
		}
		cache.Get(0)
		cache.Get(2)
		cache.Set(4, 4, 0)
		cache.Set(5, 5, 0)
		got := slices.Sorted(maps.Keys(maps.Collect(cache.All())))
		if want := []int{0, 2, 3, 5}; !slices.Equal(got, want) {
			t.Fatalf("held %v, want %v: 0 and 2 had been asked for", got, want)
		}
	})
}

// A scan of keys that are asked for once must not drive out those in use.
func TestScansDriveOutNothingInUse(t *testing.T) {
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: 100})
	for i := range 50 {
		cache.Set(i, i, 0)
	}
	for scan := range 100 {
		for i := range 50 {
			cache.Get(i)
		}
		for i := range 20 {
			cache.Set(1000+scan*20+i, 0, 0)
		}
		if cache.Len() > 100 {
			t.Fatalf("Len = %d, above the bound", cache.Len())
		}
	}
	for i := range 50 {
		wantGet(t, cache, i, i, true)
	}
}

func TestCloseEmptiesAndStaysSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		cache.Set("k", 1, time.Hour)
		for range 2 {
			if err := cache.Close(); err != nil {
				t.Fatal(err)
			}
		}
		cache.Set("k", 1, time.Hour)
		if v, ok := cache.SetIfAbsent("k", 2, time.Hour); v != 2 || !ok {
			t.Errorf("SetIfAbsent on a closed cache: %d, %v", v, ok)
		}
		wantGet(t, &cache, "k", 0, false)
		if cache.Len() != 0 || cache.Delete("k") {
			t.Error("a closed cache holds something")
		}
	})
}

// Dropped without Close, with long deadlines pending, a cache is garbage.
func TestForgottenCacheIsCollected(t *testing.T) {
	type payload [1 << 20]byte
	before := runtime.NumGoroutine()
	value := func() weak.Pointer[payload] {
		cache := ttlcache.New(ttlcache.Options[int, *payload]{})
		p := new(payload)
		cache.Set(1, p, 24*time.Hour)
		return weak.Make(p)
	}()
	for range 100 {
		runtime.GC()
		if value.Value() == nil {
			break
		}
	}
	if value.Value() != nil {
		t.Error("a forgotten cache is still held")
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

var global ttlcache.Cache[string, int] // a zero Cache that is not on the heap

func TestZeroCacheAsGlobal(t *testing.T) {
	defer global.Close()
	global.Set("k", 1, time.Nanosecond)
	deadline := time.Now().Add(5 * time.Second)
	for global.Len() > 0 {
		if time.Now().After(deadline) {
			t.Fatal("an expired entry stays")
		}
		runtime.Gosched()
	}
}

func TestAllMayUseTheCache(t *testing.T) {
	var cache ttlcache.Cache[int, int]
	for i := range 100 {
		cache.Set(i, i, time.Hour)
	}
	seen := map[int]int{}
	for k := range cache.All() {
		if k < 100 {
			cache.Delete(k)
			cache.Set(k+1000, k, time.Hour)
		}
		seen[k]++
	}
	for k := range 100 {
		if seen[k] != 1 {
			t.Errorf("key %d, there from the beginning, was seen %d times", k, seen[k])
		}
	}
	if cache.Len() != 100 {
		t.Errorf("%d are left", cache.Len())
	}
	for range cache.All() {
		break
	}
}

// Of a loop over more keys than there is room for, a part must be found, though
// each key comes again only after all others.
func TestLoopLargerThanTheCache(t *testing.T) {
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: 1000, CountUse: true})
	defer cache.Close()
	for i := range 40 * 1200 {
		if _, ok := cache.Get(i % 1200); !ok {
			cache.Set(i%1200, i, 0)
		}
	}
	if ratio := cache.Stats().HitRatio(); ratio < 0.65 {
		t.Errorf("of a loop over 1200 keys in 1000 places %.2f were found", ratio)
	}
}

// Each value is the number of its Set, and dead[n] is a time, noted after that
// Set returned, at which the value was certainly dead.
func TestNoExpiredValueUnderConcurrency(t *testing.T) {
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: 64})
	defer cache.Close()
	const goroutines, turns = 4, 20_000
	start := time.Now()
	dead := make([]atomic.Int64, goroutines*turns)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range turns {
				k, n := (i*7+g)%100, g*turns+i
				asked := time.Since(start)
				v, ok := cache.Get(k)
				if ok {
					if end := time.Duration(dead[v].Load()); end > 0 && asked >= end {
						t.Errorf("key %d was dead for %v", k, asked-end)
						return
					}
					continue
				}
				ttl := time.Duration(i%50+1) * time.Microsecond
				cache.Set(k, n, ttl)
				dead[n].Store(int64(time.Since(start) + ttl))
			}
		})
	}
	all.Wait()
}

func wantGet[K comparable](t *testing.T, c *ttlcache.Cache[K, int], k K, v int, ok bool) {
	t.Helper()
	if !ok {
		v = 0
	}
	if got, found := c.Get(k); got != v || found != ok {
		t.Fatalf("Get(%v) = %d, %v, want %d, %v", k, got, found, v, ok)
	}
}

func ExampleCache() {
	var sessions ttlcache.Cache[string, string]
	defer sessions.Close()
	sessions.Set("token", "ada", 30*time.Minute)
	user, ok := sessions.Get("token")
	fmt.Println(user, ok)
	// Output: ada true
}

func ExampleCache_SetIfAbsent() {
	var seen ttlcache.Cache[string, bool]
	defer seen.Close()
	for _, id := range []string{"a", "b", "a"} {
		if _, first := seen.SetIfAbsent(id, true, time.Hour); first {
			fmt.Println("process", id)
		}
	}
	// Output:
	// process a
	// process b
}
