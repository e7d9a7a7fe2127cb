//go:build lockorder

#include "textflag.h"

// func word(offset uintptr) uint64
TEXT ·word(SB), NOSPLIT, $0-16
	MOVQ (TLS), AX
	MOVQ offset+0(FP), CX
	MOVQ (AX)(CX*1), AX
	MOVQ AX, ret+8(FP)
	RET

// func peek() (me goroutine, pc uintptr)
TEXT ·peek(SB), NOSPLIT, $0-24
	MOVQ (TLS), AX
	MOVQ ·goidAt(SB), CX
	MOVQ AX, me_record+8(FP)
	MOVQ (AX)(CX*1), AX
	MOVQ AX, me_number+0(FP)
	MOVQ 8(BP), CX // where the caller returns to
	MOVQ CX, pc+16(FP)
	RET
