package ttlcache_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/penstock-io/penstock/ttlcache"
)

// What is TTLCache().set(key, value, ttl_seconds) and .get(key) in Python.
func Example() {
	var cache ttlcache.Cache[string, string]

	const ttlSeconds = 60
	cache.Set("key", "value", ttlSeconds*time.Second)
	if value, ok := cache.Get("key"); ok {
		fmt.Println(value)
	}

	cache.Set("short", "value", time.Millisecond)
	<-time.After(2 * time.Millisecond)
	_, ok := cache.Get("short")
	fmt.Println(ok)
	// Output:
	// value
	// false
}

// A rate limit: so many calls from the first one on, for a minute.
func ExampleCache_Compute() {
	var calls ttlcache.Cache[string, int]
	for range 3 {
		n, _ := calls.Compute("ada", func(n int, _ bool) (int, time.Duration, ttlcache.Action) {
			return n + 1, time.Minute, ttlcache.Amend
		})
		fmt.Println(n, n <= 2)
	}
	// Output:
	// 1 true
	// 2 true
	// 3 false
}

func ExampleCache_Touch() {
	var sessions ttlcache.Cache[string, string]
	sessions.Set("token", "ada", time.Minute)
	fmt.Println(sessions.Touch("token", time.Hour), sessions.Touch("other", time.Hour))
	// Output: true false
}

func ExampleCache_All() {
	var ages ttlcache.Cache[string, int]
	ages.Set("ada", 36, time.Hour)
	for name, age := range ages.All() {
		fmt.Println(name, age)
	}
	// Output: ada 36
}

func ExampleCache_Load() {
	users := ttlcache.New(ttlcache.Options[int, string]{
		Loader: func(ctx context.Context, id int) (string, time.Duration, error) {
			fmt.Println("ask for", id)
			if id != 1 {
				return "", 0, ttlcache.ErrNotFound
			}
			return "ada", time.Hour, nil
		},
		NegativeTTL:          time.Minute,      // remember that there is none
		Jitter:               0.1,              // not all at once again
		RefreshAhead:         5 * time.Minute,  // before the hour is over
		StaleWhileRevalidate: time.Minute,      // a late answer is better than a wait
		StaleIfError:         30 * time.Minute, // and than none
	})
	defer users.Close()
	for _, id := range []int{1, 2, 1, 2} {
		name, err := users.Load(context.Background(), id)
		fmt.Println(name, err)
	}
	// Output:
	// ask for 1
	// ada <nil>
	// ask for 2
	//  ttlcache: not found
	// ada <nil>
	//  ttlcache: not found
}

func ExampleOptions_onRemove() {
	files := ttlcache.New(ttlcache.Options[string, string]{
		OnRemove: func(name, content string, why ttlcache.Reason) { fmt.Println(name, why) },
	})
	files.Set("a", "x", time.Hour)
	files.Set("a", "y", time.Hour)
	files.Delete("a")
	// Output:
	// a replaced
	// a deleted
}

func ExampleOptions_maxCost() {
	pages := ttlcache.New(ttlcache.Options[string, []byte]{
		MaxCost: 1 << 20,
		Cost:    func(url string, page []byte) int64 { return int64(len(url) + len(page)) },
	})
	pages.Set("/", make([]byte, 1000), time.Hour)
	fmt.Println(pages.Stats().Cost)
	// Output: 1001
}

func ExampleCache_Snapshot() {
	var before, after ttlcache.Cache[string, int]
	before.Set("a", 1, time.Hour)
	var file bytes.Buffer
	if err := before.Snapshot(&file); err != nil {
		fmt.Println(err)
	}
	n, err := after.Restore(&file)
	fmt.Println(n, err)
	// Output: 1 <nil>
}

func ExampleCache_Delete() {
	var sessions ttlcache.Cache[string, string]
	sessions.Set("token", "ada", time.Hour)
	fmt.Println(sessions.Delete("token"), sessions.Delete("token"))
	// Output: true false
}

func ExampleCache_TTL() {
	var codes ttlcache.Cache[string, int]
	codes.Set("ada", 1234, 10*time.Minute)
	codes.Set("bob", 5678, ttlcache.NoExpiry)
	left, ok := codes.TTL("ada")
	fmt.Println(left > 9*time.Minute, left <= 10*time.Minute, ok)
	left, ok = codes.TTL("bob")
	fmt.Println(left == ttlcache.NoExpiry, ok)
	left, ok = codes.TTL("eve")
	fmt.Println(left, ok)
	// Output:
	// true true true
	// true true
	// 0s false
}

// Expired entries are not counted, whether or not they have left memory yet.
func ExampleCache_Len() {
	var cache ttlcache.Cache[string, int]
	cache.Set("short", 1, time.Nanosecond)
	cache.Set("long", 2, time.Hour)
	<-time.After(time.Microsecond)
	fmt.Println(cache.Len())
	// Output: 1
}

func ExampleCache_Clear() {
	var cache ttlcache.Cache[string, int]
	cache.Set("a", 1, time.Hour)
	cache.Set("b", 2, time.Hour)
	cache.Clear()
	fmt.Println(cache.Len())
	cache.Set("c", 3, time.Hour)
	fmt.Println(cache.Len())
	// Output:
	// 0
	// 1
}

func ExampleCache_Close() {
	var cache ttlcache.Cache[string, int]
	cache.Set("a", 1, time.Hour)
	fmt.Println(cache.Close())
	cache.Set("b", 2, time.Hour) // stores nothing any more
	_, ok := cache.Get("b")
	fmt.Println(ok)
	// Output:
	// <nil>
	// false
}

func ExampleCache_Stats() {
	cache := ttlcache.New(ttlcache.Options[string, int]{CountUse: true})
	cache.Set("a", 1, time.Hour)
	for _, k := range []string{"a", "a", "a", "b"} {
		cache.Get(k)
	}
	cache.Delete("a")
	s := cache.Stats()
	fmt.Println(s.Hits, s.Misses, s.HitRatio(), s.Deleted, s.Entries)
	// Output: 3 1 0.75 1 0
}
