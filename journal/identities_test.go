package journal

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestIdentitiesAgainstMap holds the table against a map and a list. Hashes are
// drawn so that many meet in one place.
func TestIdentitiesAgainstMap(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		table := identities{max: []int{0, 1, 7, 256, 1000}[rng.IntN(5)]}
		model, order := map[identity]uint64{}, []identity(nil)
		for step := range uint64(4000) {
			id := identity{rng.Uint64N(3), rng.Uint64N(2000) << (rng.Uint64N(2) * 40)}
			if rng.IntN(500) == 0 {
				table.reset()
				clear(model)
				order = nil
			}
			table.remember(id, step+1)
			if _, ok := model[id]; !ok {
				if len(order) == table.max && table.max > 0 {
					delete(model, order[0])
					order = order[1:]
				}
				model[id] = step + 1
				order = append(order, id)
			}
			id = identity{rng.Uint64N(3), rng.Uint64N(2000) << (rng.Uint64N(2) * 40)}
			seq, ok := table.find(id)
			if want, known := model[id]; seq != want || ok != known {
				t.Fatalf("seed %d step %d: found %d %v, want %d %v", seed, step, seq, ok, want, known)
			}
			if want := model[order[0]]; table.oldest() != want || table.n != len(order) {
				t.Fatalf("seed %d step %d: oldest %d of %d, want %d of %d", seed, step, table.oldest(), table.n, want, len(order))
			}
		}
	}
}

// TestHashDependsOnEveryBit compares IDs that differ in one byte or in length.
func TestHashDependsOnEveryBit(t *testing.T) {
	block, err := newHashKey()
	if err != nil {
		t.Fatal(err)
	}
	h := hasher{block: block}
	seen := map[identity]string{}
	for n := range 70 {
		for at := range n + 1 {
			id := make([]byte, n)
			if at < n {
				id[at] = 1
			}
			sum := h.sum(id)
			if other, ok := seen[sum]; ok && other != string(id) {
				t.Fatalf("%x and %x have one hash", other, id)
			}
			seen[sum] = string(id)
		}
	}
}

// TestMemoryPerIdentity keeps the stated price: 32 bytes each when full.
func TestMemoryPerIdentity(t *testing.T) {
	table := identities{max: 1_000_000}
	for i := range uint64(1_100_000) {
		table.add(identity{i * 0x9e3779b97f4a7c15, i * 0xbf58476d1ce4e5b9}, i+1)
	}
	if got := 24*table.size + 4*cap(table.slots); got > 33_000_000 {
		t.Errorf("%d bytes for a million identities", got)
	}
	if table.evicted != 100_000 || table.oldest() != 100_001 {
		t.Errorf("evicted %d, oldest %d", table.evicted, table.oldest())
	}
}

func BenchmarkIdentities(b *testing.B) {
	table := identities{max: 1_000_000}
	block, err := newHashKey()
	if err != nil {
		b.Fatal(err)
	}
	h := hasher{block: block}
	id := fmt.Appendf(nil, "customer-%028d", 0)
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		le.PutUint64(id, n)
		sum := h.sum(id)
		if _, ok := table.find(sum); !ok {
			table.add(sum, n)
		}
	}
}
