package ttlcache_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/penstock-io/penstock/ttlcache"
)

// What goroutines do at once must be explained by the same done one after the
// other, in which expiry has its place: porcupine looks for such an order. A
// longer run: PENSTOCK_LINEARIZABLE=10m.
func TestLinearizable(t *testing.T) {
	length := time.Second
	if text := os.Getenv("PENSTOCK_LINEARIZABLE"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	end := time.Now().Add(length)
	var reached marks
	for seed := uint64(0); time.Now().Before(end) || seed < 20; seed++ {
		history := concurrently(seed, &reached)
		if verdict := porcupine.CheckOperationsTimeout(timed, history, time.Minute); verdict != porcupine.Ok {
			t.Fatalf("seed %d: %s: %d operations have no order", seed, verdict, len(history))
		}
	}
	// A test that never sees an expiry proves nothing about it.
	for what, n := range map[string]int64{
		"reads of the expired": reached.expired.Load(), "hits": reached.hits.Load(), "touched": reached.touched.Load(),
		"loads": reached.loaded.Load(), "loads by another": reached.joined.Load(), "values instead of loads": reached.spared.Load(),
	} {
		if n == 0 {
			t.Errorf("not reached: %s", what)
		}
	}
}

// marks count the interesting states.
type marks struct{ expired, hits, touched, loaded, joined, spared atomic.Int64 }

// The operations.
const (
	opGet = iota
	opSet
	opSetIfAbsent
	opDelete
	opTouch
	opAdd  // by Compute: the value and one, with the old deadline
	opLoad // by GetOrLoad: value for ttl, or what another load or write brings
	opKinds
)

// A call is one operation with all that is known of its time. The cache's own
// clock is the same monotonic clock.
type call struct {
	op, key       int
	value         int // what Set, SetIfAbsent and the load bring
	ttl           int64
	called, ended int64
}

type answer struct {
	value int
	ok    bool
}

// A held is the state of one key. Its deadline is known as far as the time of
// the write is: it lies between two instants.
type held struct {
	present             bool
	value               int
	dueFirst, dueLatest int64
}

// may reports whether the key may be found alive, and whether it may be found
// dead, by an operation with these times.
func (h held) may(c call) (alive, dead bool) {
	return h.present && c.called < h.dueLatest, !h.present || c.ended >= h.dueFirst
}

var timed = (&porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[int][]porcupine.Operation{}
		for _, o := range history {
			byKey[o.Input.(call).key] = append(byKey[o.Input.(call).key], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byKey {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{held{}} },
	Step: func(state, input, output any) []any {
		return step(state.(held), input.(call), output.(answer))
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v -> %+v", input, output) },
}).ToModel()

// step is the sequential cache: what may be held after an answer, nothing if
// the answer is wrong. An answer that needs the value dead leaves nothing
// behind, so the dead never come back.
func step(h held, c call, a answer) []any {
	alive, dead := h.may(c)
	stored := held{true, c.value, c.called + c.ttl, c.ended + c.ttl}
	found := alive && a.value == h.value
	switch c.op {
	case opSet:
		return after(true, stored)
	case opGet:
		if a.ok {
			return after(found, h)
		}
		return after(dead, held{})
	case opSetIfAbsent:
		if a.ok {
			return after(dead, stored)
		}
		return after(found, h)
	case opDelete:
		return after(a.ok && alive || !a.ok && dead, held{})
	case opTouch:
		if a.ok {
			stored.value = h.value
			return after(alive, stored)
		}
		return after(dead, held{})
	case opLoad:
		switch {
		case found:
			return after(true, h)
		case a.value == c.value: // its own load; what was written meanwhile comes after it, and may have kept it from being stored
			return append(after(dead, stored), after(dead, held{})...)
		}
		return after(dead && loaded(a.value), held{}) // another's, which was not stored
	}
	if a.ok {
		h.value++
		return after(alive && a.value == h.value, h)
	}
	return after(dead, held{})
}

// loaded reports whether a value comes from a load. Others are multiples of
// 1000, to which less than 500 is added.
func loaded(value int) bool { return value%1000 == 500 }

func after(legal bool, h held) []any {
	if !legal {
		return nil
	}
	return []any{h}
}

// concurrently drives a cache from a few goroutines, on few keys with short
// lives, and returns what was asked and answered.
func concurrently(seed uint64, reached *marks) []porcupine.Operation {
	const goroutines, calls, keys = 4, 60, 3
	cache := ttlcache.New(ttlcache.Options[int, int]{MaxEntries: ttlcache.Unlimited})
	defer cache.Close()
	start := time.Now()
	histories := make([][]porcupine.Operation, goroutines)
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(g)))
			for i := range calls {
				c := call{op: random.IntN(opKinds), key: random.IntN(keys), value: (g*calls + i) * 1000, ttl: int64(1 + random.IntN(40_000))}
				if c.op == opLoad {
					c.value += 500
				}
				c.called = int64(time.Since(start))
				a := perform(cache, c, reached)
				c.ended = int64(time.Since(start))
				histories[g] = append(histories[g], porcupine.Operation{ClientId: g, Input: c, Call: c.called, Output: a, Return: c.ended})
				if random.IntN(4) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	all.Wait()
	var history []porcupine.Operation
	for _, h := range histories {
		history = append(history, h...)
	}
	return history
}

func perform(cache *ttlcache.Cache[int, int], c call, reached *marks) (a answer) {
	ttl := time.Duration(c.ttl)
	switch c.op {
	case opGet:
		if a.value, a.ok = cache.Get(c.key); a.ok {
			reached.hits.Add(1)
		} else {
			reached.expired.Add(1)
		}
	case opSet:
		cache.Set(c.key, c.value, ttl)
	case opSetIfAbsent:
		a.value, a.ok = cache.SetIfAbsent(c.key, c.value, ttl)
	case opDelete:
		a.ok = cache.Delete(c.key)
	case opTouch:
		if a.ok = cache.Touch(c.key, ttl); a.ok {
			reached.touched.Add(1)
		}
	case opAdd:
		cache.Compute(c.key, func(v int, ok bool) (int, time.Duration, ttlcache.Action) {
			if !ok {
				return 0, 0, ttlcache.Keep
			}
			a = answer{v + 1, true}
			return v + 1, 0, ttlcache.Amend
		})
	case opLoad:
		ran := false
		v, err := cache.GetOrLoad(context.Background(), c.key, func(context.Context, int) (int, time.Duration, error) {
			ran = true
			runtime.Gosched() // so that others join, or write
			return c.value, ttl, nil
		})
		a = answer{v, err == nil}
		switch {
		case ran:
			reached.loaded.Add(1)
		case loaded(v):
			reached.joined.Add(1)
		default:
			reached.spared.Add(1)
		}
	}
	return a
}

// The model itself must refuse what is wrong.
func TestTimedModelRefuses(t *testing.T) {
	set := porcupine.Operation{Input: call{op: opSet, value: 7, ttl: 100, called: 0, ended: 10}, Output: answer{}, Call: 0, Return: 10}
	get := func(op int, called, ended int64, a answer) porcupine.Operation {
		return porcupine.Operation{ClientId: 1, Input: call{op: op, ttl: 100, called: called, ended: ended}, Output: a, Call: called, Return: ended}
	}
	for _, c := range []struct {
		name  string
		then  porcupine.Operation
		legal bool
	}{
		{"hit in time", get(opGet, 50, 60, answer{7, true}), true},
		{"hit after the deadline", get(opGet, 110, 120, answer{7, true}), false},
		{"miss before the deadline", get(opGet, 50, 60, answer{}), false},
		{"miss at the deadline", get(opGet, 50, 100, answer{}), true},
		{"another value", get(opGet, 50, 60, answer{8, true}), false},
		{"touch of the dead", get(opTouch, 110, 120, answer{0, true}), false},
		{"delete of the dead", get(opDelete, 110, 120, answer{0, true}), false},
		{"set if absent beside the living", get(opSetIfAbsent, 50, 60, answer{0, true}), false},
		{"what was found instead of a load", get(opLoad, 50, 60, answer{7, true}), true},
		{"a load beside the living", get(opLoad, 50, 60, answer{0, true}), false},
		{"another's load beside the living", get(opLoad, 50, 60, answer{500, true}), false},
		{"another's load after the deadline", get(opLoad, 110, 120, answer{500, true}), true},
		{"what no load brought", get(opLoad, 110, 120, answer{501, true}), false},
	} {
		if got := porcupine.CheckOperations(timed, []porcupine.Operation{set, c.then}); got != c.legal {
			t.Errorf("%s: legal is %v, want %v", c.name, got, c.legal)
		}
	}
}
