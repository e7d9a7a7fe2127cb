package stats

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// counts tells how often each key occurs: an open hash table, at most three
// quarters full, keyed anew in every process so that no input can be made to
// collide. Key 0 marks a free place. The zero counts is ready.
type counts struct {
	keys   []uint64
	times  []uint64
	firsts []uint64 // where each was met first; nil unless wanted
	len    int
}

var hashSeed = maphash.String(maphash.MakeSeed(), "stats")

const countsMin = 64 // places in the smallest table

// home is where a key belongs in a table of n places, n a power of two.
func home(key uint64, n int) int {
	hi, lo := bits.Mul64(key^hashSeed, 0x9e3779b97f4a7c15)
	return int(hi^lo) & (n - 1)
}

// add counts a key n times; at is where, unless it was met before.
func (c *counts) add(key, n, at uint64, o Options) {
	if 4*c.len >= 3*len(c.keys) {
		c.grow(o)
	}
	for i := home(key, len(c.keys)); ; i = (i + 1) & (len(c.keys) - 1) {
		switch c.keys[i] {
		case key:
			c.times[i] += n
			return
		case 0:
			c.keys[i], c.times[i] = key, n
			if c.firsts != nil {
				c.firsts[i] = at
			}
			c.len++
			return
		}
	}
}

// grow doubles the table.
func (c *counts) grow(o Options) {
	old := *c
	n := max(2*len(old.keys), countsMin)
	*c = counts{keys: make([]uint64, n), times: make([]uint64, n)}
	if o.Tie == FirstTie {
		c.firsts = make([]uint64, n)
	}
	old.each(func(key, times, first uint64) { c.add(key, times, first, o) })
}

// each calls f for each key, in no order.
func (c *counts) each(f func(key, times, first uint64)) {
	for i, key := range c.keys {
		if key == 0 {
			continue
		}
		first := uint64(0)
		if c.firsts != nil {
			first = c.firsts[i]
		}
		f(key, c.times[i], first)
	}
}

// find returns a key's count and where it was met first; 0 if it is not there.
func (c *counts) find(key uint64) (times, first uint64) {
	if c.len == 0 {
		return 0, 0
	}
	for i := home(key, len(c.keys)); c.keys[i] != 0; i = (i + 1) & (len(c.keys) - 1) {
		if c.keys[i] != key {
			continue
		}
		if c.firsts != nil {
			first = c.firsts[i]
		}
		return c.times[i], first
	}
	return 0, 0
}

// has reports whether a key was counted.
func (c *counts) has(key uint64) bool {
	times, _ := c.find(key)
	return times > 0
}

// sorted returns the keys in order.
func (c *counts) sorted() []uint64 {
	keys := make([]uint64, 0, c.len)
	c.each(func(key, _, _ uint64) { keys = append(keys, key) })
	return sortAlone(keys)
}

// sortAlone sorts keys with room of its own.
func sortAlone(keys []uint64) []uint64 {
	w := scratches.Get().(*scratch)
	defer scratches.Put(w)
	sorted, _ := w.sort(keys, make([]uint64, len(keys)))
	return sorted
}

// thin makes room in a table that is to hold at most limit keys: it subtracts
// the median of the counts from each and leaves out those that end at nothing.
// It returns what it subtracted. This is the step of J. Misra and D. Gries
// (1982), in the form of Anderson et al., "A high-performance algorithm for
// identifying frequent items in data streams" (2017).
func (c *counts) thin(o Options) (subtracted uint64) {
	times := make([]uint64, 0, c.len)
	c.each(func(_, n, _ uint64) { times = append(times, n) })
	subtracted = sortAlone(times)[len(times)/2]
	old := *c
	*c = counts{}
	old.each(func(key, n, first uint64) {
		if n > subtracted {
			c.add(key, n-subtracted, first, o)
		}
	})
	return subtracted
}

func (c *counts) clone() counts {
	return counts{keys: slices.Clone(c.keys), times: slices.Clone(c.times), firsts: slices.Clone(c.firsts), len: c.len}
}
