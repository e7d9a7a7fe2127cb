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
			id := someIdentity(rng)
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
			id = someIdentity(rng)
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

// someIdentity draws one of 6,000, crowded together in half of the homes.
func someIdentity(rng *rand.Rand) identity {
	return identity{rng.Uint64N(3), rng.Uint32N(2000) << (rng.Uint32N(2) * 18)}
}

// TestIdentitiesReachFar gives numbers that no longer fit above the first one.
func TestIdentitiesReachFar(t *testing.T) {
	table := identities{max: 1000}
	far := []uint64{1, 2, 1 << 31, 1<<32 + 1, 1<<32 + 2, 1 << 60, 1<<60 + 1<<32 - 1, 1<<60 + 1<<32}
	for i, seq := range far {
		table.add(identity{hi: uint64(i)}, seq)
		for k, old := range far[:i+1] {
			got, ok := table.find(identity{hi: uint64(k)})
			if ok && got != old || !ok && seq-old <= 1<<31 {
				t.Errorf("after %d: number %d is found as %d, %v", seq, old, got, ok)
			}
		}
	}
	if table.oldest() != 1<<60+1<<32-1 || table.evicted != 6 {
		t.Errorf("oldest %d, evicted %d", table.oldest(), table.evicted)
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

// TestMemoryPerIdentity keeps the stated price: 22 bytes each when full.
func TestMemoryPerIdentity(t *testing.T) {
	table := identities{max: 1_000_000}
	for i := range uint64(1_100_000) {
		table.add(identity{i, uint32(i * 0x9e3779b97f4a7c15 >> 32)}, i+1)
	}
	if got := 16*table.size + 4*cap(table.slots); got > 22_100_000 {
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
