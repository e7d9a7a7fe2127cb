package ttlcache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock/ttlcache"
)

func TestOneFlightPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		var loads atomic.Int64
		load := func(context.Context, string) (int, time.Duration, error) {
			loads.Add(1)
			time.Sleep(time.Second)
			return 7, time.Minute, nil
		}
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if v, err := cache.GetOrLoad(t.Context(), "k", load); v != 7 || err != nil {
					t.Errorf("GetOrLoad = %d, %v", v, err)
				}
			})
		}
		all.Wait()
		if loads.Load() != 1 {
			t.Errorf("%d loads", loads.Load())
		}
		time.Sleep(time.Minute)
		cache.GetOrLoad(t.Context(), "k", load)
		if loads.Load() != 2 {
			t.Errorf("%d loads after expiry", loads.Load())
		}
	})
}

func TestLoadErrorsAndNegativeTTLAreNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		down := errors.New("down")
		_, err := cache.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, time.Duration, error) { return 1, time.Hour, down })
		if !errors.Is(err, down) || cache.Len() != 0 {
			t.Errorf("error %v, Len %d", err, cache.Len())
		}
		v, err := cache.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, time.Duration, error) { return 2, -1, nil })
		if v != 2 || err != nil || cache.Len() != 0 {
			t.Errorf("%d, %v, Len %d", v, err, cache.Len())
		}
	})
}

// One who leaves does not take the load from those who stay; the last one
// to leave ends it.
func TestWaitersLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		var ended atomic.Value
		load := func(ctx context.Context, _ string) (int, time.Duration, error) {
			<-ctx.Done()
			ended.Store(ctx.Err())
			return 1, 0, nil
		}
		start := time.Now()
		var all sync.WaitGroup
		for i := range 3 {
			all.Go(func() {
				wait := time.Duration(i+1) * time.Second
				ctx, cancel := context.WithTimeout(t.Context(), wait)
				defer cancel()
				_, err := cache.GetOrLoad(ctx, "k", load)
				if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != wait {
					t.Errorf("waiter %d left after %v with %v", i, time.Since(start), err)
				}
				if i < 2 && ended.Load() != nil {
					t.Error("the load was ended while others waited")
				}
			})
		}
		all.Wait()
		synctest.Wait()
		if ended.Load() != context.Canceled {
			t.Errorf("the load ended with %v", ended.Load())
		}
		if cache.Len() != 0 {
			t.Error("an abandoned load was stored")
		}
	})
}

func TestLoadTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := ttlcache.New(ttlcache.Options[string, int]{LoadTimeout: time.Second})
		start := time.Now()
		_, err := cache.GetOrLoad(t.Context(), "k", func(ctx context.Context, _ string) (int, time.Duration, error) {
			<-ctx.Done()
			return 0, 0, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// What is written while a load runs must survive it: otter #203 lost 970 of
// 1,000 Sets in this way.
func TestWritesWinOverRunningLoads(t *testing.T) {
	for name, c := range map[string]struct {
		write func(*ttlcache.Cache[string, int])
		want  int
		held  bool
	}{
		"set":           {func(c *ttlcache.Cache[string, int]) { c.Set("k", 2, 0) }, 2, true},
		"set if absent": {func(c *ttlcache.Cache[string, int]) { c.SetIfAbsent("k", 2, 0) }, 2, true},
		"delete":        {func(c *ttlcache.Cache[string, int]) { c.Delete("k") }, 0, false},
		"clear":         {func(c *ttlcache.Cache[string, int]) { c.Clear() }, 0, false},
		"set, delete":   {func(c *ttlcache.Cache[string, int]) { c.Set("k", 2, 0); c.Delete("k") }, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var cache ttlcache.Cache[string, int]
				go func() {
					time.Sleep(time.Second)
					c.write(&cache)
				}()
				v, err := cache.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, time.Duration, error) {
					time.Sleep(2 * time.Second)
					return 1, 0, nil
				})
				if v != 1 || err != nil {
					t.Fatalf("the waiter got %d, %v", v, err)
				}
				wantGet(t, &cache, "k", c.want, c.held)
			})
		})
	}
}

func TestPanicAndGoexitReleaseEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		outcome := func(load func()) (got string) {
			defer func() {
				if p, ok := recover().(*ttlcache.PanicError); ok {
					got = fmt.Sprint(p.Value)
					if !strings.Contains(p.Error(), "load_test.go") {
						t.Error("the panic does not say where")
					}
				}
			}()
			_, err := cache.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, time.Duration, error) {
				time.Sleep(time.Second)
				load()
				return 1, 0, nil
			})
			return err.Error()
		}
		for want, load := range map[string]func(){
			"boom": func() { panic("boom") },
			"ttlcache: the load called runtime.Goexit": runtime.Goexit,
		} {
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() {
					if got := outcome(load); got != want {
						t.Errorf("got %q, want %q", got, want)
					}
				})
			}
			all.Wait()
		}
		if v, err := cache.GetOrLoad(t.Context(), "k", func(context.Context, string) (int, time.Duration, error) { return 3, 0, nil }); v != 3 || err != nil {
			t.Errorf("afterwards: %d, %v", v, err)
		}
	})
}

func TestCloseEndsLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cache ttlcache.Cache[string, int]
		var returned atomic.Bool
		var all sync.WaitGroup
		all.Go(func() {
			_, err := cache.GetOrLoad(t.Context(), "k", func(ctx context.Context, _ string) (int, time.Duration, error) {
				defer returned.Store(true)
				<-ctx.Done()
				return 0, 0, context.Cause(ctx)
			})
			if !errors.Is(err, ttlcache.ErrClosed) {
				t.Errorf("the waiter got %v", err)
			}
		})
		synctest.Wait()
		cache.Delete("k") // a load that is detached must be waited for too
		cache.Close()
		if !returned.Load() {
			t.Error("Close returned before the load did")
		}
		all.Wait()
		if _, err := cache.GetOrLoad(t.Context(), "k", unasked[int]); !errors.Is(err, ttlcache.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// unasked is the Loader where none may run.
func unasked[V any](context.Context, string) (V, time.Duration, error) { panic("the load ran") }

type traceKey struct{}

func TestLoadSeesTheCallersValues(t *testing.T) {
	var cache ttlcache.Cache[string, any]
	ctx := context.WithValue(t.Context(), traceKey{}, "trace")
	v, _ := cache.GetOrLoad(ctx, "k", func(ctx context.Context, _ string) (any, time.Duration, error) { return ctx.Value(traceKey{}), 0, nil })
	if v != "trace" {
		t.Errorf("got %v", v)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cache.GetOrLoad(ended, "other", unasked[any]); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if v, err := cache.GetOrLoad(ended, "k", unasked[any]); v != "trace" || err != nil {
		t.Errorf("a value at hand, with an ended context: %v, %v", v, err)
	}
}

func ExampleCache_GetOrLoad() {
	type answer struct {
		country string
		known   bool
	}
	var countries ttlcache.Cache[int, answer]
	defer countries.Close()
	load := func(ctx context.Context, user int) (answer, time.Duration, error) {
		fmt.Println("ask for", user)
		if user != 1 {
			return answer{}, 10 * time.Second, nil // remember that there is none, for a while
		}
		return answer{"NZ", true}, time.Hour, nil
	}
	for _, user := range []int{1, 2, 1, 2} {
		a, err := countries.GetOrLoad(context.Background(), user, load)
		fmt.Println(a.country, a.known, err)
	}
	// Output:
	// ask for 1
	// NZ true <nil>
	// ask for 2
	//  false <nil>
	// NZ true <nil>
	//  false <nil>
}

// Options.Cost is a user's code, too, and runs when a load has returned: its
// panic must reach those who wait, as one of the load does.
func TestCostPanicsAfterALoad(t *testing.T) {
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxCost: 10, Cost: func(int, int) int64 { panic("no scales") }})
	defer cache.Close()
	defer func() {
		if p, ok := recover().(*ttlcache.PanicError); !ok || p.Value != "no scales" {
			t.Errorf("GetOrLoad panicked with %v", p)
		}
	}()
	cache.GetOrLoad(t.Context(), 1, func(context.Context, int) (int, time.Duration, error) { return 1, 0, nil })
	t.Error("GetOrLoad returned")
}

func TestNoLoader(t *testing.T) {
	var cache ttlcache.Cache[int, int]
	defer cache.Close()
	if _, err := cache.Load(t.Context(), 1); !errors.Is(err, ttlcache.ErrNoLoader) {
		t.Errorf("Load: %v", err)
	}
	if _, err := cache.GetOrLoad(t.Context(), 1, nil); !errors.Is(err, ttlcache.ErrNoLoader) {
		t.Errorf("GetOrLoad: %v", err)
	}
}
