//go:build !amd64

package csvfile

// vectors says that there are none: records are walked by words.
var vectors = noVectors

func bestVectors() vectorSet { return noVectors }

func masks([]byte, byte, []mask) int { return 0 }

func places(ends []uint32, _ []mask, _ uint32) []uint32 { return ends }
