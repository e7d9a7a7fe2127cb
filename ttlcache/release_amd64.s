//go:build !race

#include "textflag.h"

// func release(to *uintptr, word uintptr)
TEXT ·release(SB), NOSPLIT, $0-16
	MOVQ to+0(FP), AX
	MOVQ word+8(FP), BX
	MOVQ BX, (AX)
	RET

// func releaseStamp(to *uint64, stamp uint64)
TEXT ·releaseStamp(SB), NOSPLIT, $0-16
	MOVQ to+0(FP), AX
	MOVQ stamp+8(FP), BX
	MOVQ BX, (AX)
	RET
