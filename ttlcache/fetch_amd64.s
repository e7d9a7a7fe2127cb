#include "textflag.h"

// func fetch(control, first, last unsafe.Pointer)
TEXT ·fetch(SB), NOSPLIT, $0-24
	MOVQ control+0(FP), AX
	PREFETCHT0 (AX)
	MOVQ first+8(FP), AX
	PREFETCHT0 (AX)
	MOVQ last+16(FP), AX
	PREFETCHT0 (AX)
	RET
