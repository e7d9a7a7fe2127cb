//go:build !amd64

package stats

// vectors says that there are none here: the other ways to the same results
// are taken.
var vectors = false

const noVectors = "stats: no vectors on this kind of machine"

func sumAVX512(*float64, int, *partials)               { panic(noVectors) }
func bracketAVX512(*float64, int, *bracket, *float64)  { panic(noVectors) }
func markAVX512(*float64, int, *crowd, *float64) int   { panic(noVectors) }
func tallyAVX512(*float64, int, *crowd)                { panic(noVectors) }
func markedAVX512(*float64, int, *crowd, *float64) int { panic(noVectors) }
func gridAVX512(*float64, int, *grid, *[cellsMax]uint32, *float64) int {
	panic(noVectors)
}
func fullAVX512(*float64, int, *crowd, *float64, uint32) int { panic(noVectors) }
