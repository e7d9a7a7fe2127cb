package ttlcache_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock/ttlcache"
)

// TestAgainstMap drives an unbounded cache and a map of deadlines with the same
// random operations, three bytes each: what, which key, how long.
func TestAgainstMap(t *testing.T) {
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		ops := make([]byte, random.IntN(1500))
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { compare(t, ops) })
		})
	}
}

// FuzzAgainstMap is the same with operations that the fuzzer chooses. Run it
// with -parallel 1: with more workers the engine was seen to stall.
func FuzzAgainstMap(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 0, 1, 0, 1, 5, 4, 0, 5, 1, 1, 0})
	f.Add([]byte{0, 1, 200, 0, 2, 100, 0, 1, 10, 4, 0, 99, 2, 3, 50, 0, 3, 1, 5, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		if len(ops) > 3000 {
			return
		}
		synctest.Test(t, func(t *testing.T) { compare(t, ops) })
	})
}

func compare(t *testing.T, ops []byte) {
	type held struct {
		value int
		dead  time.Time
	}
	cache := ttlcache.New(ttlcache.Options[byte, int]{MaxEntries: ttlcache.Unlimited})
	model := map[byte]held{}
	for n := 0; len(ops) >= 3; n, ops = n+1, ops[3:] {
		k, ttl := ops[1]%8, time.Duration(int8(ops[2]))*time.Millisecond
		if ttl == 0 {
			ttl = 1
		}
		maps.DeleteFunc(model, func(_ byte, h held) bool { return !h.dead.After(time.Now()) })
		want, alive := model[k]
		switch ops[0] % 6 {
		case 0:
			cache.Set(k, n, ttl)
			model[k] = held{n, time.Now().Add(ttl)}
		case 1:
			if v, ok := cache.Get(k); ok != alive || v != want.value {
				t.Fatalf("op %d: Get(%d) = %d, %v, want %v", n, k, v, ok, want)
			}
		case 2:
			v, stored := cache.SetIfAbsent(k, n, ttl)
			if stored == alive || alive && v != want.value {
				t.Fatalf("op %d: SetIfAbsent(%d) = %d, %v, want %v", n, k, v, stored, want)
			}
			if stored {
				model[k] = held{n, time.Now().Add(ttl)}
			}
		case 3:
			if cache.Delete(k) != alive {
				t.Fatalf("op %d: Delete(%d), alive %v", n, k, alive)
			}
			delete(model, k)
		case 4:
			time.Sleep(ttl)
		case 5:
			if left, ok := cache.TTL(k); ok != alive || ok && left != time.Until(want.dead) {
				t.Fatalf("op %d: TTL(%d) = %v, %v, want %v", n, k, left, ok, want)
			}
		}
	}
	time.Sleep(time.Second)
	if cache.Len() != 0 {
		t.Fatalf("%d entries stay", cache.Len())
	}
}

func BenchmarkGet(b *testing.B) {
	var cache ttlcache.Cache[uint64, uint64]
	for i := range uint64(1000) {
		cache.Set(i, i, time.Hour)
	}
	b.ReportAllocs()
	var i uint64
	for b.Loop() {
		cache.Get(i % 1000)
		i++
	}
}

func BenchmarkSet(b *testing.B) {
	var cache ttlcache.Cache[uint64, uint64]
	b.ReportAllocs()
	var i uint64
	for b.Loop() {
		cache.Set(i%1000, i, time.Hour)
		i++
	}
}
