package ttlcache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock/ttlcache"
)

// Every way out of the cache tells the callback once, why, and may use the
// cache: a lock still held would stop this test for good.
func TestOnRemove(t *testing.T) {
	for _, c := range []struct {
		want   ttlcache.Reason
		remove func(*ttlcache.Cache[string, int])
	}{
		{ttlcache.Expired, func(*ttlcache.Cache[string, int]) { time.Sleep(time.Minute + 2*time.Millisecond) }},
		{ttlcache.Replaced, func(c *ttlcache.Cache[string, int]) { c.Set("k", 2, 0) }},
		{ttlcache.Replaced, func(c *ttlcache.Cache[string, int]) {
			c.Compute("k", func(int, bool) (int, time.Duration, ttlcache.Action) { return 2, 0, ttlcache.Amend })
		}},
		{ttlcache.Deleted, func(c *ttlcache.Cache[string, int]) { c.Delete("k") }},
		{ttlcache.Deleted, func(c *ttlcache.Cache[string, int]) { c.Set("k", 2, -1) }},
		{ttlcache.Deleted, func(c *ttlcache.Cache[string, int]) { c.Touch("k", -1) }},
		{ttlcache.Deleted, func(c *ttlcache.Cache[string, int]) { c.Clear() }},
		{ttlcache.Deleted, func(c *ttlcache.Cache[string, int]) { c.Close() }},
		{ttlcache.Evicted, func(c *ttlcache.Cache[string, int]) { c.Set("large", 90, time.Hour) }},
	} {
		synctest.Test(t, func(t *testing.T) {
			told := map[string][]ttlcache.Reason{}
			var cache *ttlcache.Cache[string, int]
			cache = ttlcache.New(ttlcache.Options[string, int]{
				MaxCost: 100, Cost: func(_ string, v int) int64 { return int64(v) },
				OnRemove: func(k string, v int, why ttlcache.Reason) {
					told[k] = append(told[k], why)
					cache.Get(k)
					if k == "other" {
						return
					}
					cache.Set("other", 1, time.Hour)
					cache.Delete("other")
				},
			})
			cache.Set("k", 20, time.Minute)
			c.remove(cache)
			synctest.Wait() // for a sweep to end
			if got := told["k"]; len(got) != 1 || got[0] != c.want {
				t.Errorf("want %v, told %v", c.want, got)
			}
			cache.Close()
		})
	}
}

func TestCallbackPanicsReleaseEverything(t *testing.T) {
	told := 0
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: 10, OnRemove: func(int, int, ttlcache.Reason) { told++; panic("callback") }})
	for k := range 10 {
		cache.Set(k, k, 0)
	}
	func() {
		defer func() {
			if recover() != "callback" {
				t.Error("the panic did not reach the caller")
			}
		}()
		cache.Clear()
	}()
	if told != 10 {
		t.Errorf("%d were told, want all 10", told)
	}
	func() {
		defer func() { recover() }()
		cache.Compute(1, func(int, bool) (int, time.Duration, ttlcache.Action) { panic("compute") })
	}()
	cache.Set(1, 1, 0)
	wantGet(t, cache, 1, 1, true)
}

func TestMaxCost(t *testing.T) {
	evicted := 0
	cache := ttlcache.New(ttlcache.Options[int, int]{
		MaxCost: 1000, Cost: func(_, v int) int64 { return int64(v) },
		OnRemove: func(_, _ int, why ttlcache.Reason) {
			if why == ttlcache.Evicted {
				evicted++
			}
		},
	})
	defer cache.Close()
	for k := range 100 {
		cache.Set(k, 100, time.Hour)
		if cost := cache.Stats().Cost; cost > 1000 {
			t.Fatalf("the cost is %d", cost)
		}
		wantGet(t, cache, k, 100, true) // what was just set is there
	}
	if cache.Len() != 10 || evicted != 90 {
		t.Errorf("%d are held, %d evicted", cache.Len(), evicted)
	}
	cache.Set(99, 1001, time.Hour) // too large by itself
	wantGet(t, cache, 99, 0, false)
	if evicted != 91 {
		t.Errorf("%d evicted: the too large one must be told of", evicted)
	}
}

func TestTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		cache.Set("k", 1, time.Second)
		time.Sleep(time.Second - 1)
		if !cache.Touch("k", time.Second) {
			t.Fatal("Touch of a living entry")
		}
		time.Sleep(time.Second - 1)
		wantGet(t, &cache, "k", 1, true)
		time.Sleep(time.Nanosecond)
		if cache.Touch("k", time.Hour) || cache.Len() != 0 {
			t.Error("Touch brought back the dead")
		}
	})
}

// At its very deadline an entry is dead for every method, though no sweep came.
func TestTheDeadAreDeadForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[string, int]{StaleIfError: time.Hour}) // so that it stays in memory
		cache.Set("k", 1, time.Second)
		time.Sleep(time.Second)
		wantGet(t, cache, "k", 0, false)
		if _, ok := cache.TTL("k"); ok || cache.Len() != 0 || cache.Touch("k", time.Hour) {
			t.Error("TTL, Len or Touch sees the dead")
		}
		for range cache.All() {
			t.Error("All yields the dead")
		}
		cache.Compute("k", func(_ int, ok bool) (int, time.Duration, ttlcache.Action) {
			if ok {
				t.Error("Compute sees the dead")
			}
			return 0, 0, ttlcache.Keep
		})
		if cache.Delete("k") {
			t.Error("Delete counts the dead")
		}
	})
}

// A value whose deadline passes while Compute's function runs is not returned.
func TestComputeOutlivesTheValue(t *testing.T) {
	for _, action := range []ttlcache.Action{ttlcache.Keep, ttlcache.Amend} {
		synctest.Test(t, func(t *testing.T) {
			var cache ttlcache.Cache[string, int]
			defer cache.Close()
			cache.Set("k", 1, 100*time.Nanosecond)
			v, ok := cache.Compute("k", func(v int, ok bool) (int, time.Duration, ttlcache.Action) {
				if !ok {
					t.Error("the value was dead too early")
				}
				time.Sleep(100 * time.Nanosecond)
				return v, 0, action
			})
			if v != 0 || ok {
				t.Errorf("action %d: Compute = %d, %v, want 0, false", action, v, ok)
			}
		})
	}
}

// A source is asked for values. It counts, takes a second, and can fail.
type source struct {
	asked atomic.Int64
	err   atomic.Pointer[error]
}

func (s *source) load(ctx context.Context, k string) (int, time.Duration, error) {
	n := s.asked.Add(1)
	time.Sleep(time.Second)
	if err := s.err.Load(); err != nil {
		return 0, 0, *err
	}
	return int(n), time.Minute, nil
}

func (s *source) fail(err error) { s.err.Store(&err) }

func wantLoad(t *testing.T, c *ttlcache.Cache[string, int], want int, wantErr error, took time.Duration) {
	t.Helper()
	start := time.Now()
	v, err := c.Load(t.Context(), "k")
	if v != want || !errors.Is(err, wantErr) || time.Since(start) != took {
		t.Errorf("Load = %d, %v after %v; want %d, %v after %v", v, err, time.Since(start), want, wantErr, took)
	}
}

func TestNegativeCaching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		s.fail(fmt.Errorf("user: %w", ttlcache.ErrNotFound))
		cache := ttlcache.New(ttlcache.Options[string, int]{Loader: s.load, NegativeTTL: 10 * time.Second})
		wantLoad(t, cache, 0, ttlcache.ErrNotFound, time.Second)
		wantLoad(t, cache, 0, ttlcache.ErrNotFound, 0)
		time.Sleep(10 * time.Second)
		wantLoad(t, cache, 0, ttlcache.ErrNotFound, time.Second)
		if n := s.asked.Load(); n != 2 || cache.Len() != 0 {
			t.Errorf("asked %d times, Len %d", n, cache.Len())
		}
		cache.Set("k", 9, time.Second)
		wantLoad(t, cache, 9, nil, 0)
		time.Sleep(time.Second)
		wantLoad(t, cache, 0, ttlcache.ErrNotFound, time.Second) // Set has ended the memory
		cache.Close()
	})
}

func TestRefreshAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		cache := ttlcache.New(ttlcache.Options[string, int]{Loader: s.load, RefreshAhead: 10 * time.Second})
		wantLoad(t, cache, 1, nil, time.Second)
		time.Sleep(50 * time.Second)
		wantLoad(t, cache, 1, nil, 0)
		if s.asked.Load() != 1 {
			t.Error("refreshed too early")
		}
		time.Sleep(time.Second)
		for range 3 {
			wantLoad(t, cache, 1, nil, 0)
		}
		time.Sleep(2 * time.Second)
		wantLoad(t, cache, 2, nil, 0)
		if n := cache.Stats().Refreshes; n != 1 {
			t.Errorf("%d refreshes", n)
		}
		cache.Close()
	})
}

func TestStaleWhileRevalidate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		cache := ttlcache.New(ttlcache.Options[string, int]{Loader: s.load, StaleWhileRevalidate: 10 * time.Second})
		wantLoad(t, cache, 1, nil, time.Second)
		time.Sleep(65 * time.Second)
		wantGet(t, cache, "k", 0, false)
		wantLoad(t, cache, 1, nil, 0) // stale, and a load has begun
		time.Sleep(2 * time.Second)
		wantGet(t, cache, "k", 2, true)
		time.Sleep(71 * time.Second)
		wantLoad(t, cache, 3, nil, time.Second) // too stale
		cache.Delete("k")
		wantLoad(t, cache, 4, nil, time.Second) // what was deleted is not served
		cache.Close()
	})
}

func TestStaleIfError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		var s source
		cache := ttlcache.New(ttlcache.Options[string, int]{Loader: s.load, StaleIfError: time.Hour})
		wantLoad(t, cache, 1, nil, time.Second)
		s.fail(down)
		time.Sleep(2 * time.Minute)
		wantLoad(t, cache, 1, nil, time.Second)
		time.Sleep(time.Hour)
		wantLoad(t, cache, 0, down, time.Second)
		cache.Close()
	})
}

func TestJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[int, int]{Jitter: 0.5, Loader: func(context.Context, int) (int, time.Duration, error) { return 1, time.Hour, nil }})
		shortest, longest := time.Hour, time.Duration(0)
		for k := range 1000 {
			cache.Load(t.Context(), k)
			ttl, _ := cache.TTL(k)
			shortest, longest = min(shortest, ttl), max(longest, ttl)
		}
		if shortest < 30*time.Minute || shortest > 35*time.Minute || longest < 55*time.Minute {
			t.Errorf("lives of %v to %v", shortest, longest)
		}
		cache.Close()
	})
}

func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var from, to ttlcache.Cache[string, []int]
		for i := range 3000 {
			from.Set(fmt.Sprint(i), []int{i}, time.Duration(i+1)*time.Second)
		}
		from.Set("forever", nil, ttlcache.NoExpiry)
		time.Sleep(10 * time.Second)
		var saved bytes.Buffer
		if err := from.Snapshot(&saved); err != nil {
			t.Fatal(err)
		}
		whole := saved.Bytes()
		time.Sleep(90 * time.Second)
		to.Set("2000", []int{-1}, time.Hour)
		n, err := to.Restore(bytes.NewReader(whole))
		if n != 2900 || err != nil {
			t.Fatalf("restored %d, %v", n, err)
		}
		if v, _ := to.Get("2000"); v[0] != -1 {
			t.Error("a live value was overwritten")
		}
		for k := range from.All() {
			a, _ := from.TTL(k)
			if b, _ := to.TTL(k); a != b && k != "2000" {
				t.Fatalf("%s lives %v, restored %v", k, a, b)
			}
		}
		for _, cut := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
			if _, err := new(ttlcache.Cache[string, []int]).Restore(bytes.NewReader(whole[:cut])); err == nil {
				t.Errorf("no error for %d of %d bytes", cut, len(whole))
			}
		}
		to.Close()
		if n, err := to.Restore(bytes.NewReader(whole)); n != 0 || !errors.Is(err, ttlcache.ErrClosed) {
			t.Errorf("a closed cache restored %d, %v", n, err)
		}
	})
}

// What gob would leave out without a word is refused, and nothing is written.
func TestSnapshotRefusesWhatGobLeavesOut(t *testing.T) {
	type (
		hidden struct {
			A int
			b int //lint:ignore U1000 it is there to be refused
		}
		list struct{ Next *list }
		ring struct {
			Next *ring
			Call func()
		}
	)
	for _, c := range []struct {
		err  error
		want string // a part of the error; nothing if there is none
	}{
		{snapshotOf[string](func() {}), "func()"},
		{snapshotOf[chan int](1), "chan int"},
		{snapshotOf[string](map[string][]*hidden{"k": {{A: 1, b: 2}}}), "hidden.b"},
		{snapshotOf[hidden](1), "hidden.b"},
		{snapshotOf[string](struct{ sync.Mutex }{}), "sync.Mutex"},
		{snapshotOf[string](ring{}), "ring.Call"},
		{snapshotOf[string](list{}), ""},
		{snapshotOf[string](time.Now()), ""},
		{snapshotOf[string]([2]map[int]*big.Int{}), ""},
		{snapshotOf[netip.Addr](struct {
			A int
			_ [0]func()
		}{}), ""},
	} {
		if c.want == "" && c.err != nil || c.want != "" && (c.err == nil || !strings.HasPrefix(c.err.Error(), "ttlcache: ") || !strings.Contains(c.err.Error(), c.want)) {
			t.Errorf("got the error %v, want one with %q", c.err, c.want)
		}
	}
}

// snapshotOf takes a snapshot of an empty cache of values like this one.
func snapshotOf[K comparable, V any](V) error {
	var cache ttlcache.Cache[K, V]
	defer cache.Close()
	var out bytes.Buffer
	err := cache.Snapshot(&out)
	if err != nil && out.Len() > 0 {
		return fmt.Errorf("%d bytes were written before: %w", out.Len(), err)
	}
	return err
}

func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[string, int]{CountUse: true})
		cache.Set("a", 1, time.Second)
		cache.Set("b", 1, time.Minute)
		cache.Set("b", 2, time.Minute)
		cache.Get("a")
		cache.Get("none")
		cache.Delete("b")
		time.Sleep(2 * time.Second)
		s := cache.Stats()
		if s.Hits != 1 || s.Misses != 1 || s.Expired != 1 || s.Replaced != 1 || s.Deleted != 1 || s.Entries != 0 || s.HitRatio() != 0.5 {
			t.Errorf("%+v", s)
		}
		if s.Lateness > 2*time.Millisecond {
			t.Errorf("lateness %v", s.Lateness)
		}
	})
}

func TestNoAllocations(t *testing.T) {
	var words ttlcache.Cache[uint64, uint64]
	var texts ttlcache.Cache[string, string]
	defer words.Close()
	defer texts.Close()
	words.Set(1, 1, time.Hour)
	texts.Set("k", "v", time.Hour)
	if n := testing.AllocsPerRun(1000, func() {
		words.Get(1)
		words.Set(1, 2, time.Hour)
		texts.Get("k")
		texts.Set("k", "w", time.Hour)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Close leaves nothing running: no sweep, no timer's goroutine, no load.
func TestCloseLeavesNoGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		cache := ttlcache.New(ttlcache.Options[int, int]{NegativeTTL: time.Second})
		cache.Set(1, 1, time.Microsecond)
		cache.GetOrLoad(t.Context(), 2, func(context.Context, int) (int, time.Duration, error) { return 0, 0, ttlcache.ErrNotFound })
		loading := make(chan struct{})
		var asking sync.WaitGroup
		asking.Go(func() {
			cache.GetOrLoad(t.Context(), 3, func(ctx context.Context, _ int) (int, time.Duration, error) {
				close(loading)
				<-ctx.Done()
				return 0, 0, ctx.Err()
			})
		})
		<-loading
		cache.Close()
		asking.Wait()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}
