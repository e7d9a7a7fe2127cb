package stats

import (
	"math"
	"slices"
)

// A grid counts values that are decimals with few places and lie near each other,
// as prices do: each multiple of a step has a cell of its own. What is no multiple,
// or lies beyond the cells, is put aside. All values of a cell are the same, and
// no value is both in a cell and aside, so that the counts are exact whatever
// the values are. Its form is known to gridAVX512.
type grid struct {
	scale float64 // steps to 1: a power of ten
	base  int64   // the first cell is of base/scale
	width uint64  // cells in use, less than cellsMax; the one behind is for what is aside
	aside int     // how many values are
}

const (
	gridScaleMax = 1e6
	gridStepsMax = 1 << 51 // so that each multiple has a float64 of its own
	gridAside    = 32      // one in so many may be aside
)

// gridOf returns a grid for n values of which keys, in order, are a sample. It
// fails if too many are no decimals with few places, or lie too far apart.
func gridOf(keys []uint64, n int) (g grid, ok bool) {
	trim := len(keys) / 256
	low, high := valueOf(keys[trim]), valueOf(keys[len(keys)-1-trim])
	for g.scale = 1; g.scale <= gridScaleMax; g.scale *= 10 {
		from, to := low*g.scale, high*g.scale
		margin := (to-from)/8 + 32
		// Written so that NaN fails.
		if !(max(-from, to) < gridStepsMax && to-from+2*margin < float64(min(cellsMax, 2*n))-2) {
			return grid{}, false
		}
		g.base = int64(from - margin)
		g.width = uint64(int64(to+margin)-g.base) + 1
		if g.suits(keys) {
			return g, true
		}
	}
	return grid{}, false
}

// suits reports whether nearly all of a sample have cells.
func (g *grid) suits(keys []uint64) bool {
	misses := 0
	for _, k := range keys {
		if _, ok := g.cell(valueOf(k)); !ok {
			if misses++; misses > len(keys)/(2*gridAside) {
				return false
			}
		}
	}
	return true
}

// cell returns the cell of x, if it has one.
func (g *grid) cell(x float64) (at uint64, ok bool) {
	step := int64(math.RoundToEven(x * g.scale)) // whatever it is beyond int64
	at = uint64(step - g.base)
	return at, at < g.width && float64(step)/g.scale == x
}

// value is that of a cell.
func (g *grid) value(at int) float64 { return float64(g.base+int64(at)) / g.scale }

// take counts the values of a block, which are finite, and puts aside those
// without a cell, for which there is room.
func (g *grid) take(block []float64, cells *[cellsMax]uint32, aside []float64) {
	if steps := len(block) / 8; vectors && steps > 0 {
		_ = aside[g.aside+8*steps]
		g.aside += gridAVX512(&block[0], steps, g, cells, &aside[g.aside])
		block = block[8*steps:]
	}
	for _, x := range block {
		at, ok := g.cell(x)
		if !ok {
			aside[g.aside] = x
			g.aside++
			continue
		}
		cells[at%cellsMax]++
	}
}

// describeGrid is describeLarge for values that suit a grid. fits says that they
// did; if it is false, or there are values that are not finite, nothing is done.
func (w *scratch) describeGrid(s *Summary, v *survey, g *grid, data []float64) (fits, finite bool) {
	n := len(data)
	w.insides[0] = roomFor(w.insides[0], n/gridAside+2*blockLen)
	clear(w.crowd.cells[:g.width+1])
	for at := 0; at < n; at += blockLen {
		block := data[at:min(at+blockLen, n)]
		if !w.sum(v, block) {
			return false, false
		}
		if g.aside+blockLen+8 > len(w.insides[0]) {
			return false, true
		}
		g.take(block, &w.crowd.cells, w.insides[0])
	}
	v.least, v.great = w.partials.extremes()
	if !w.totalsLarge(s, v, data) {
		return true, false
	}
	w.order(w.insides[0][:g.aside])
	cells := w.crowd.cells[:g.width]
	low, through := g.ranked(cells, w.keys, uint64(n-1)/2)
	high := low
	if uint64(n)/2 >= through {
		high, _ = g.ranked(cells, w.keys, uint64(n)/2)
	}
	s.Median = middle(valueOf(low), valueOf(high))
	w.modeOfGrid(s, g, cells)
	return true, true
}

// ranked returns the key of the value of a rank, and how many values there are up
// to it or to others that are the same. aside are the keys of those, in order.
func (g *grid) ranked(cells []uint32, aside []uint64, rank uint64) (key, through uint64) {
	all := uint64(0)
	for c, n := range cells {
		if n == 0 {
			continue
		}
		if len(aside) > 0 {
			key = g.key(c)
			for ; len(aside) > 0 && aside[0] < key; aside = aside[1:] {
				if all++; rank < all {
					return aside[0], all
				}
			}
		}
		if all += uint64(n); rank < all {
			return g.key(c), all
		}
	}
	return aside[rank-all], rank + 1
}

func (g *grid) key(at int) uint64 { return keyOf(math.Float64bits(g.value(at))) }

// modeOfGrid sets what there is to know of the mode, from the cells and the keys
// of what is aside, in order, in w.keys.
func (w *scratch) modeOfGrid(s *Summary, g *grid, cells []uint32) {
	most := greatest(cells)
	if len(w.keys) > 0 {
		most = max(most, uint32(longestRun(w.keys)))
	}
	enough := len(cells)
	if most == 1 {
		enough = ModesMax
	}
	w.tied = w.tied[:0]
	for c := 0; c < len(cells) && len(w.tied) < enough; c++ {
		if cells[c] == most {
			w.tied = append(w.tied, g.key(c))
		}
	}
	eachRun(w.keys, int(most), func(key uint64) bool {
		w.tied = append(w.tied, key)
		return most > 1 || len(w.tied) < 2*ModesMax
	})
	slices.Sort(w.tied)
	s.ModeCount = uint64(most)
	for _, key := range w.tied {
		s.list(valueOf(key))
	}
	if most == 1 {
		s.ModeTies = s.Count
	}
}

// greatest is the greatest of cells.
func greatest(cells []uint32) uint32 {
	var a, b, c, d uint32 // so that the processor need not wait for one
	for ; len(cells) >= 4; cells = cells[4:] {
		a, b, c, d = max(a, cells[0]), max(b, cells[1]), max(c, cells[2]), max(d, cells[3])
	}
	for _, n := range cells {
		a = max(a, n)
	}
	return max(a, b, c, d)
}
