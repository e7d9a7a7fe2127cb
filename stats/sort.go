package stats

import (
	"math/bits"
	"slices"
)

// A sorter has the tables of a radix sort.
type sorter struct {
	// How many keys have each digit, for three digits of a key, and then where
	// the next of them goes.
	digits [3][1 << digitBits]uint32

	cells   [1 << cellBits]uint32 // how many keys begin with these bits; zero between uses
	buckets [1 << cellBits]uint16 // the bucket of each cell
}

const (
	digitBits  = 11      // of a key's digits
	narrowBits = 8       // of the digits where there are few keys, so that less is cleared
	cellBits   = 16      // the leading bits by which many keys are split
	bucketsMax = 512     // into which many keys are split, about
	splitMin   = 1 << 16 // keys that are too many for the cache, and are split
	narrowMax  = 1 << 13 // keys with narrow digits
	compareMax = 96      // keys that are sorted by comparing
	rankMax    = 16      // keys that are sorted by their ranks
)

// bucketEnds tell where each of a number of buckets ends.
type bucketEnds [2 * bucketsMax]uint32

// sort orders keys, with alt, as long, for room. The result is in one of the
// two, the other is free. Its time is linear in the number of keys whatever
// they are.
//
// Many keys are first split by their leading bits into buckets that fit into
// the cache, in the right order.
func (s *sorter) sort(keys, alt []uint64) (sorted, free []uint64) {
	if len(keys) <= compareMax || uint64(len(keys)) > 1<<32-1 {
		sortFew(keys)
		return keys, alt
	}
	width := differing(keys)
	if len(keys) <= splitMin {
		return s.sortDigits(keys, alt, width, len(s.digits))
	}
	if width == 0 {
		return keys, alt // all are equal
	}
	var ends bucketEnds
	n := s.split(keys, alt, width, &ends)
	from := uint32(0)
	for _, to := range ends[:n] {
		s.sortBucket(alt[from:to], keys[from:to])
		from = to
	}
	return alt, keys
}

// sortBucket sorts keys in place. Their leading bits have been used already, so
// two digits tell most of them apart.
func (s *sorter) sortBucket(keys, alt []uint64) {
	sorted := keys
	if n := len(keys); n > compareMax && n <= splitMin {
		sorted, _ = s.sortDigits(keys, alt, differing(keys), 2)
	} else {
		sorted, _ = s.sort(keys, alt)
	}
	if len(keys) > 0 && &sorted[0] != &keys[0] {
		copy(keys, sorted)
	}
}

// differing is how many low bits there are up to the highest in which keys
// differ.
func differing(keys []uint64) uint {
	var differ uint64
	for _, k := range keys {
		differ |= k ^ keys[0]
	}
	return uint(bits.Len64(differ))
}

// split moves keys to alt, into buckets in the order of the keys. It tells where
// each ends and returns how many there are.
func (s *sorter) split(keys, alt []uint64, width uint, ends *bucketEnds) (n int) {
	shift := max(width, cellBits) - cellBits
	const mask = 1<<cellBits - 1
	for _, k := range keys {
		s.cells[k>>(shift&63)&mask]++
	}
	n = s.assign(len(keys), ends)
	for _, k := range keys {
		end := &ends[s.buckets[k>>(shift&63)&mask]%uint16(len(ends))]
		alt[*end] = k
		*end++
	}
	return n
}

// assign makes buckets of the cells of all keys, and empties these. It tells
// where each begins, and returns how many there are. A bucket holds the keys of
// some cells in a row, or of one cell that has many; of these the bits of the
// cell are all the same, so that splitting again gets further.
func (s *sorter) assign(keys int, begins *bucketEnds) (n int) {
	// Two buckets in a row have more than enough keys, so that there are no more
	// than 2·bucketsMax.
	enough := uint32(keys/bucketsMax + 1)
	size, all := uint32(0), uint32(0)
	for c, in := range s.cells[:] {
		if in == 0 {
			continue
		}
		if n == 0 || size+in > enough {
			begins[n] = all
			n++
			size = 0
		}
		s.buckets[c] = uint16(n - 1)
		size += in
		all += in
	}
	clear(s.cells[:])
	return n
}

// sortDigits is sort for keys that differ in their low width bits and are not
// many.
//
// Up to three passes of a radix sort, from the lowest digit up, go over a window
// of the keys' bits, from the highest in which keys differ down. That
// leaves runs of keys that are equal in the window, mostly of one: short ones
// are sorted by comparing, long ones in the same way by the bits below.
func (s *sorter) sortDigits(keys, alt []uint64, width uint, digits int) (sorted, free []uint64) {
	digit := uint(digitBits)
	if len(keys) <= narrowMax {
		digit = narrowBits
	}
	window := digit * uint(digits)
	below := max(width, window) - window // bits below the window
	s.count(keys, below, digit)
	for i := range digits {
		shift := below + digit*uint(i)
		counts := s.digits[i][:1<<digit]
		if int(counts[keys[0]>>shift%uint64(len(counts))]) == len(keys) {
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
	a, b, c := s.digits[0][:1<<digit], s.digits[1][:1<<digit], s.digits[2][:1<<digit]
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
	if len(keys) > rankMax {
		slices.Sort(keys)
		return
	}
	if len(keys) < 2 {
		return
	}
	// Each key goes to where its rank is: more comparisons than an insertion sort
	// makes, but no branch depends on one.
	var sorted [rankMax]uint64
	for i, k := range keys {
		rank := 0
		for _, other := range keys[:i] {
			rank += int(one(other <= k))
		}
		for _, other := range keys[i+1:] {
			rank += int(one(other < k))
		}
		sorted[rank%rankMax] = k
	}
	copy(keys, sorted[:])
}
