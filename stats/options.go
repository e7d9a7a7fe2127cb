package stats

import (
	"fmt"
	"math"
)

// A NaNPolicy says what a NaN among the values means.
type NaNPolicy uint8

const (
	// RejectNaN, the default: a NaN is a mistake, and the answer a *NaNError.
	RejectNaN NaNPolicy = iota
	// OmitNaN: NaNs are counted in Summary.NaNs and otherwise left out.
	OmitNaN
	// PropagateNaN: one NaN makes every statistic NaN; the counts are right.
	PropagateNaN
)

// A TiePolicy says which of several equally frequent values is the Mode.
type TiePolicy uint8

const (
	// SmallestTie, the default, does not depend on the order of the values.
	SmallestTie TiePolicy = iota
	// FirstTie is the one that was met first, as with Python's statistics.mode.
	// Merging an accumulator then means that its values come after.
	FirstTie
)

const (
	quantilesMax       = 1000
	maxDistinctDefault = 1 << 20
	maxDistinctMax     = 1 << 28
	maxCellsDefault    = 1 << 16
	maxCellsLeast      = 1 << 13 // what all values have room in with cells of approxCoarsest
	maxCellsMax        = 1 << 21
	approxFinest       = 0.001
	approxCoarsest     = 0.25
)

// Options chooses among the meanings a statistic can have. The zero Options
// refuses NaNs, takes the smallest of tied modes and is exact.
type Options struct {
	NaN NaNPolicy
	Tie TiePolicy

	// Quantiles are wanted besides the median: each from 0 to 1, at most 1000.
	Quantiles []float64

	// MaxDistinct is how many different values an Accumulator tells apart,
	// at 16 to 48 bytes each; 0 is 1 048 576, the limit is 2^28. Compute is exact
	// whatever it says.
	MaxDistinct int

	// Approx is the relative error, from 0.001 to 0.25, that an Accumulator
	// may make in the median and the quantiles once there are more different
	// values than MaxDistinct; 0 is 0.001. MaxCells may make it more. Compute is
	// exact whatever it says.
	Approx float64

	// MaxCells is how many cells of that relative width an Accumulator keeps
	// then, at 16 to 48 bytes each, from 8192 to 2^21; 0 is 65 536. If the values
	// are so scattered that they need more, all cells are made twice as wide
	// until there is room, which there is at an error of 0.25 at the latest;
	// MedianErr and Quantile.Err say how far off the figures may be.
	MaxCells int
}

// check returns an ErrBadOption that names the option.
func (o Options) check() error {
	if o.NaN > PropagateNaN {
		return fmt.Errorf("%w: NaN is %d, want RejectNaN, OmitNaN or PropagateNaN", ErrBadOption, o.NaN)
	}
	if o.Tie > FirstTie {
		return fmt.Errorf("%w: Tie is %d, want SmallestTie or FirstTie", ErrBadOption, o.Tie)
	}
	if len(o.Quantiles) > quantilesMax {
		return fmt.Errorf("%w: %d quantiles, %d are allowed", ErrBadOption, len(o.Quantiles), quantilesMax)
	}
	for _, p := range o.Quantiles {
		if !(p >= 0 && p <= 1) {
			return fmt.Errorf("%w: quantile %v is not from 0 to 1", ErrBadOption, p)
		}
	}
	if o.MaxDistinct < 0 || o.MaxDistinct > maxDistinctMax {
		return fmt.Errorf("%w: MaxDistinct is %d, want 0 to %d", ErrBadOption, o.MaxDistinct, maxDistinctMax)
	}
	if o.Approx != 0 && !(o.Approx >= approxFinest && o.Approx <= approxCoarsest) {
		return fmt.Errorf("%w: Approx is %v, want %v to %v, or 0 for %v", ErrBadOption, o.Approx, approxFinest, approxCoarsest, approxFinest)
	}
	if o.MaxCells != 0 && (o.MaxCells < maxCellsLeast || o.MaxCells > maxCellsMax) {
		return fmt.Errorf("%w: MaxCells is %d, want %d to %d, or 0 for %d", ErrBadOption, o.MaxCells, maxCellsLeast, maxCellsMax, maxCellsDefault)
	}
	return nil
}

// cells is the number of cells an Accumulator keeps.
func (o Options) cells() int {
	if o.MaxCells == 0 {
		return maxCellsDefault
	}
	return o.MaxCells
}

// distinct is the number of different values an Accumulator tells apart.
func (o Options) distinct() int {
	if o.MaxDistinct == 0 {
		return maxDistinctDefault
	}
	return o.MaxDistinct
}

// coarsest is coarse for approxCoarsest. Its cells, of half a power of two, are
// fewer than maxCellsLeast, and none has number 0, so that counts can hold them.
const coarsest = fractionBits - 1

// coarse is how many low bits of a value's key are dropped for a histogram
// whose cells are so narrow that their middle is off by Approx at most.
func (o Options) coarse() uint {
	approx := o.Approx
	if approx == 0 {
		approx = approxFinest
	}
	// A cell with t leading bits of the fraction is 2^-t wide, relative to its
	// lower end; its middle is off by 2^-(t+1).
	t := uint(math.Ceil(-math.Log2(approx))) - 1
	return fractionBits - t
}
