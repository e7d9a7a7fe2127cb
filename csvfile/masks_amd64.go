package csvfile

import "golang.org/x/sys/cpu"

// vectors says that masks is there to be used: every amd64 since 2015 has AVX2.
var vectors = cpu.X86.HasAVX2

//go:noescape
func masksAVX2(text *byte, blocks int, comma byte, out *mask)

// masks finds quotes, commas and line feeds of as many whole blocks of text as
// out has room for, and returns how many.
func masks(text []byte, comma byte, out []mask) int {
	n := min(len(text)/blockBytes, len(out))
	if n > 0 {
		masksAVX2(&text[0], n, comma, &out[0])
	}
	return n
}
