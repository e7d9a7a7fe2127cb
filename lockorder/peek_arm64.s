//go:build lockorder

#include "textflag.h"

// func word(offset uintptr) uint64
TEXT ·word(SB), NOSPLIT, $0-16
	MOVD offset+0(FP), R0
	MOVD (g)(R0), R0
	MOVD R0, ret+8(FP)
	RET

// func peek() (me goroutine, pc uintptr)
TEXT ·peek(SB), NOSPLIT, $0-24
	MOVD ·goidAt(SB), R0
	MOVD (g)(R0), R0
	MOVD R0, me_number+0(FP)
	MOVD g, R2
	MOVD R2, me_record+8(FP)
	MOVD 8(R29), R1 // where the caller returns to
	MOVD R1, pc+16(FP)
	RET
