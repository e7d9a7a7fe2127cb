package csvfile

import (
	"slices"

	"golang.org/x/sys/cpu"
)

// vectors says which vectors masks and places are to use. Every amd64 since
// 2015 has AVX2, and servers have AVX-512.
var vectors = bestVectors()

func bestVectors() vectorSet {
	switch x := cpu.X86; {
	case !x.HasAVX2 || !x.HasBMI1 || !x.HasPOPCNT:
		return noVectors
	case x.HasAVX512F && x.HasAVX512BW && x.HasAVX512VBMI2:
		return avx512
	}
	return avx2
}

//go:noescape
func masksAVX2(text *byte, blocks int, comma byte, out *mask)

//go:noescape
func masksAVX512(text *byte, blocks int, comma byte, out *mask)

//go:noescape
func placesBMI(window *mask, blocks int, base uint32, out *uint32) int

//go:noescape
func placesAVX512(window *mask, blocks int, base uint32, out *uint32) int

// masks finds quotes, commas and line feeds of as many whole blocks of text as
// out has room for, and returns how many.
func masks(text []byte, comma byte, out []mask) int {
	n := min(len(text)/blockBytes, len(out))
	switch {
	case n == 0:
	case vectors == avx512:
		masksAVX512(&text[0], n, comma, &out[0])
	default:
		masksAVX2(&text[0], n, comma, &out[0])
	}
	return n
}

// places appends the place of each stop in the blocks of window, the first of
// which is at base.
func places(ends []uint32, window []mask, base uint32) []uint32 {
	if len(window) == 0 {
		return ends
	}
	n := len(ends)
	// More is written than there are stops, but never beyond this.
	ends = slices.Grow(ends, len(window)*blockBytes)
	out := &ends[:n+1][n]
	if vectors == avx512 {
		n += placesAVX512(&window[0], len(window), base, out)
	} else {
		n += placesBMI(&window[0], len(window), base, out)
	}
	return ends[:n]
}
