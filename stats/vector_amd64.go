package stats

// vectors says that sumAVX512 and bracketAVX512 are there to be used.
var vectors = haveAVX512()

// haveAVX512 asks the processor for the instructions, F, DQ and POPCNT, and the
// system for whether it keeps the registers.
func haveAVX512() bool {
	const (
		popcnt, osxsave = 1 << 23, 1 << 27 // leaf 1, ecx
		f, dq           = 1 << 16, 1 << 17 // leaf 7, ebx
		kept            = 0xe6             // of the xmm, ymm, zmm and mask registers
	)
	most, _, _, _ := cpuid(0, 0)
	if most < 7 {
		return false
	}
	_, _, c, _ := cpuid(1, 0)
	if c&popcnt == 0 || c&osxsave == 0 || xgetbv()&kept != kept {
		return false
	}
	_, b, _, _ := cpuid(7, 0)
	return b&f != 0 && b&dq != 0
}

func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)

func xgetbv() (a uint32)

// sumAVX512 sets p to the sums of 16·steps values, steps > 0, and moves its
// minima and maxima.
//
//go:noescape
func sumAVX512(x *float64, steps int, p *partials)

// bracketAVX512 counts 8·steps values, steps > 0, in b, and writes those inside
// to inside, which needs room for 8 more.
//
//go:noescape
func bracketAVX512(x *float64, steps int, b *bracket, inside *float64)

// markAVX512 sets the bits of 8·steps values, steps > 0, and writes those whose
// bit was set before to late, which needs room for all, and returns how many
// they are.
//
//go:noescape
func markAVX512(x *float64, steps int, c *crowd, late *float64) (lates int)

// tallyAVX512 adds one to the cell of each of 8·steps values, steps > 0.
//
//go:noescape
func tallyAVX512(x *float64, steps int, c *crowd)

// markedAVX512 writes those of 8·steps values, steps > 0, whose bit is set to
// to, which needs room for all, and returns how many they are.
//
//go:noescape
func markedAVX512(x *float64, steps int, c *crowd, to *float64) (kept int)

// fullAVX512 is the same for values whose cell holds at least level.
//
//go:noescape
func fullAVX512(x *float64, steps int, c *crowd, to *float64, level uint32) (kept int)

// gridAVX512 counts 8·steps values, steps > 0, in the cells of a grid, and writes those
// without a cell to aside, which needs room for 8 more, and returns how many they
// are.
//
//go:noescape
func gridAVX512(x *float64, steps int, by *grid, cells *[cellsMax]uint32, aside *float64) (put int)
