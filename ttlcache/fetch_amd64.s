#include "textflag.h"

// func fetch(control, entries unsafe.Pointer)
TEXT ·fetch(SB), NOSPLIT, $0-16
	MOVQ control+0(FP), AX
	PREFETCHT0 (AX)
	MOVQ entries+8(FP), AX
	PREFETCHT0 (AX)
	PREFETCHT0 64(AX)
	PREFETCHT0 128(AX)
	PREFETCHT0 192(AX)
	RET
