package stats

import (
	"math/bits"
	"slices"
)

// A sorter has the tables of a radix sort: how many keys have a digit, for
// three digits of a key, and then where the next of them goes.
type sorter [3][1 << digitBits]uint32

const (
	digitBits    = 11      // of a key's digits
	narrowBits   = 8       // of the digits where there are few keys, so that less is cleared
	narrowMax    = 1 << 13 // keys with narrow digits
	compareMax   = 96      // keys that are sorted by comparing
	insertionMax = 24      // keys that are sorted by insertion
)

// sort orders keys, with alt, as long, for room. The result is in one of the
// two, the other is free. Its time is linear in the number of keys whatever
// they are.
//
// Three passes of a radix sort, from the lowest digit up, go over a window
// of the keys' bits, from the highest in which keys differ down. That
// leaves runs of keys that are equal in the window, mostly of one: short ones
// are sorted by comparing, long ones in the same way by the bits below.
func (s *sorter) sort(keys, alt []uint64) (sorted, free []uint64) {
	n := len(keys)
	if n <= compareMax || uint64(n) > 1<<32-1 {
		sortFew(keys)
		return keys, alt
	}
	digit := uint(digitBits)
	if n <= narrowMax {
		digit = narrowBits
	}
	var differ uint64
	for _, k := range keys {
		differ |= k ^ keys[0]
	}
	width := uint(bits.Len64(differ))
	below := max(width, 3*digit) - 3*digit // bits below the window
	s.count(keys, below, digit)
	for i := range s {
		shift := below + digit*uint(i)
		counts := s[i][:1<<digit]
		if int(counts[keys[0]>>shift%uint64(len(counts))]) == n {
			continue // all keys have the same digit
		}
		starts(counts)
		scatter(alt, keys, counts, shift)
		keys, alt = alt, keys
	}
	if below > 0 {
		s.sortRuns(keys, alt, below)
	}
	return keys, alt
}

// count fills the tables with how often each digit occurs.
func (s *sorter) count(keys []uint64, below, digit uint) {
	a, b, c := s[0][:1<<digit], s[1][:1<<digit], s[2][:1<<digit]
	clear(a)
	clear(b)
	clear(c)
	mask := uint64(1)<<digit - 1
	for _, k := range keys {
		k >>= below & 63
		a[k&mask&(1<<digitBits-1)]++
		b[k>>(digit&63)&mask]++
		c[k>>(2*digit&63)&mask]++
	}
}

// starts turns how often each digit occurs into where its keys begin.
func starts(counts []uint32) {
	all := uint32(0)
	for d, c := range counts {
		counts[d] = all
		all += c
	}
}

// scatter moves keys to where their digit belongs, those of one digit in their
// order.
func scatter(to, keys []uint64, next []uint32, shift uint) {
	mask := uint64(len(next) - 1)
	for _, k := range keys {
		d := k >> (shift & 63) & mask
		to[next[d]] = k
		next[d]++
	}
}

// sortRuns sorts keys that are in order but for their bits below. A key that
// is smaller than the one before it stands in a run that needs sorting.
func (s *sorter) sortRuns(keys, alt []uint64, below uint) {
	for i := 1; i < len(keys); i++ {
		if keys[i] >= keys[i-1] {
			continue
		}
		prefix := keys[i] >> below
		from, to := i-1, i+1
		for from > 0 && keys[from-1]>>below == prefix {
			from--
		}
		for to < len(keys) && keys[to]>>below == prefix {
			to++
		}
		if to-from == 2 {
			keys[from], keys[i] = keys[i], keys[from]
		} else if sorted, _ := s.sort(keys[from:to], alt[from:to]); &sorted[0] != &keys[from] {
			copy(keys[from:to], sorted)
		}
		i = to
	}
}

// sortFew sorts by comparing.
func sortFew(keys []uint64) {
	if len(keys) > insertionMax {
		slices.Sort(keys)
		return
	}
	for i := 1; i < len(keys); i++ {
		k, j := keys[i], i
		for ; j > 0 && keys[j-1] > k; j-- {
			keys[j] = keys[j-1]
		}
		keys[j] = k
	}
}
