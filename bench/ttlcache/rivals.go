package main

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Yiling-J/theine-go"
	"github.com/allegro/bigcache/v3"
	"github.com/coocood/freecache"
	"github.com/dgraph-io/ristretto/v2"
	"github.com/hashicorp/golang-lru/v2/expirable"
	jellydator "github.com/jellydator/ttlcache/v3"
	"github.com/maypok86/otter/v2"
	gocache "github.com/patrickmn/go-cache"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/penstock-io/penstock/ttlcache"
)

// A key is what keys are in the runs.
type key interface{ uint64 | string }

// A cache is one cache as the runs drive it. Values are uint64, as far as the
// cache takes any but bytes.
type cache[K key] struct {
	get   func(k K) (uint64, bool)
	set   func(k K, v uint64, ttl time.Duration)
	size  func() int // entries held; nil if the cache cannot say
	close func()
}

// A rival makes a cache for up to size entries, or without limit if size is 0
// and it can. All that is stored in one cache has the same ttl, since some know
// no other way.
type rival[K key] struct {
	name string
	make func(size int, ttl time.Duration) *cache[K]

	limit   bool // no ttl: what a map costs
	lossy   bool // a Set may be dropped
	seconds bool // ttls are whole seconds
	bounded bool // counts entries, so the hit ratio can be compared
}

const ours = "ttlcache"

// rivals are all that can have such keys, ours first.
func rivals[K key]() []rival[K] {
	all := []rival[K]{
		{name: ours, make: makeOurs[K], bounded: true},
		{name: "otter", make: makeOtter[K], bounded: true},
		{name: "otter per Set", make: makeOtterPerSet[K]},
		{name: "theine", make: makeTheine[K], bounded: true},
		{name: "ristretto", make: makeRistretto[K], lossy: true},
		{name: "jellydator", make: makeJellydator[K]},
		{name: "expirable", make: makeExpirable[K], bounded: true},
		{name: "freecache", make: makeFreecache[K], seconds: true},
		{name: "map+RWMutex (no TTL)", make: makeMap[K], limit: true},
		{name: "xsync.Map (no TTL)", make: makeXsync[K], limit: true},
	}
	if all, ok := any(&all).(*[]rival[string]); ok {
		*all = append(*all, rival[string]{name: "go-cache", make: makeGoCache}, rival[string]{name: "bigcache", make: makeBigcache, seconds: true})
	}
	return slices.DeleteFunc(all, func(r rival[K]) bool { return *only != "" && !slices.Contains(strings.Split(*only, ","), r.name) })
}

func makeOurs[K key](size int, _ time.Duration) *cache[K] {
	if size == 0 {
		size = ttlcache.Unlimited
	}
	c := ttlcache.New(ttlcache.Options[K, uint64]{MaxEntries: size})
	return &cache[K]{get: c.Get, set: c.Set, size: func() int { return c.Stats().Entries }, close: func() { c.Close() }}
}

// makeOtter gives the ttl when the cache is made: to give it with each Set
// takes a second call, SetExpiresAfter, which costs more and is not atomic.
func makeOtter[K key](size int, ttl time.Duration) *cache[K] {
	c := otter.Must(&otter.Options[K, uint64]{MaximumSize: size, ExpiryCalculator: otter.ExpiryWriting[K, uint64](ttl)})
	return &cache[K]{
		get: c.GetIfPresent, set: func(k K, v uint64, _ time.Duration) { c.Set(k, v) },
		size: c.EstimatedSize, close: func() { c.StopAllGoroutines() },
	}
}

// makeOtterPerSet gives the ttl with each Set.
func makeOtterPerSet[K key](size int, ttl time.Duration) *cache[K] {
	c := otter.Must(&otter.Options[K, uint64]{MaximumSize: size, ExpiryCalculator: otter.ExpiryWriting[K, uint64](ttl)})
	return &cache[K]{
		get: c.GetIfPresent, set: func(k K, v uint64, ttl time.Duration) {
			c.Set(k, v)
			c.SetExpiresAfter(k, ttl)
		},
		size: c.EstimatedSize, close: func() { c.StopAllGoroutines() },
	}
}

func makeTheine[K key](size int, _ time.Duration) *cache[K] {
	if size == 0 {
		size = math.MaxInt32 / 4
	}
	c, err := theine.NewBuilder[K, uint64](int64(size)).Build()
	if err != nil {
		panic(err)
	}
	return &cache[K]{
		get: c.Get, set: func(k K, v uint64, ttl time.Duration) { c.SetWithTTL(k, v, 1, ttl) }, size: c.Len, close: c.Close,
	}
}

func makeRistretto[K key](size int, _ time.Duration) *cache[K] {
	if size == 0 {
		size = 1 << 24
	}
	c, err := ristretto.NewCache(&ristretto.Config[K, uint64]{NumCounters: int64(size) * 10, MaxCost: int64(size), BufferItems: 64, IgnoreInternalCost: true})
	if err != nil {
		panic(err)
	}
	return &cache[K]{get: c.Get, set: func(k K, v uint64, ttl time.Duration) { c.SetWithTTL(k, v, 1, ttl) }, close: c.Close}
}

func makeJellydator[K key](size int, _ time.Duration) *cache[K] {
	c := jellydator.New(jellydator.WithCapacity[K, uint64](uint64(size)), jellydator.WithDisableTouchOnHit[K, uint64]())
	go c.Start()
	return &cache[K]{
		get: func(k K) (uint64, bool) {
			if item := c.Get(k); item != nil {
				return item.Value(), true
			}
			return 0, false
		},
		set: func(k K, v uint64, ttl time.Duration) { c.Set(k, v, ttl) }, size: c.Len, close: c.Stop,
	}
}

func makeExpirable[K key](size int, ttl time.Duration) *cache[K] {
	c := expirable.NewLRU[K, uint64](size, nil, ttl)
	return &cache[K]{get: c.Get, set: func(k K, v uint64, _ time.Duration) { c.Add(k, v) }, size: c.Len, close: func() { c.Purge() }}
}

func makeGoCache(_ int, ttl time.Duration) *cache[string] {
	c := gocache.New(ttl, time.Second)
	return &cache[string]{
		get: func(k string) (uint64, bool) {
			if v, ok := c.Get(k); ok {
				return v.(uint64), true
			}
			return 0, false
		},
		set: func(k string, v uint64, ttl time.Duration) { c.Set(k, v, ttl) }, size: c.ItemCount, close: c.Flush,
	}
}

// bytesOf is a key for caches of bytes.
func bytesOf[K key](k K, buf *[8]byte) []byte {
	switch k := any(k).(type) {
	case uint64:
		binary.LittleEndian.PutUint64(buf[:], k)
		return buf[:]
	case string:
		return []byte(k)
	}
	panic("a key of another type")
}

func makeFreecache[K key](size int, _ time.Duration) *cache[K] {
	c := freecache.NewCache(max(1<<20, size*100))
	return &cache[K]{
		get: func(k K) (uint64, bool) {
			var buf, value [8]byte
			_, err := c.GetWithBuf(bytesOf(k, &buf), value[:])
			return binary.LittleEndian.Uint64(value[:]), err == nil
		},
		set: func(k K, v uint64, ttl time.Duration) {
			var buf, value [8]byte
			binary.LittleEndian.PutUint64(value[:], v)
			c.Set(bytesOf(k, &buf), value[:], int(ttl/time.Second))
		},
		size: func() int { return int(c.EntryCount()) }, close: c.Clear,
	}
}

func makeBigcache(size int, ttl time.Duration) *cache[string] {
	config := bigcache.DefaultConfig(ttl)
	config.MaxEntriesInWindow, config.MaxEntrySize, config.Verbose = max(size, 1000), 40, false
	c, err := bigcache.NewBigCache(config)
	if err != nil {
		panic(err)
	}
	return &cache[string]{
		get: func(k string) (uint64, bool) {
			v, err := c.Get(k)
			if err != nil {
				return 0, false
			}
			return binary.LittleEndian.Uint64(v), true
		},
		set: func(k string, v uint64, _ time.Duration) {
			var value [8]byte
			binary.LittleEndian.PutUint64(value[:], v)
			c.Set(k, value[:])
		},
		size: c.Len, close: func() { c.Close() },
	}
}

func makeMap[K key](int, time.Duration) *cache[K] {
	var mu sync.RWMutex
	m := map[K]uint64{}
	return &cache[K]{
		get: func(k K) (uint64, bool) {
			mu.RLock()
			v, ok := m[k]
			mu.RUnlock()
			return v, ok
		},
		set: func(k K, v uint64, _ time.Duration) {
			mu.Lock()
			m[k] = v
			mu.Unlock()
		},
		size: func() int { return len(m) }, close: func() {},
	}
}

func makeXsync[K key](int, time.Duration) *cache[K] {
	m := xsync.NewMap[K, uint64]()
	return &cache[K]{get: m.Load, set: func(k K, v uint64, _ time.Duration) { m.Store(k, v) }, size: m.Size, close: func() {}}
}
