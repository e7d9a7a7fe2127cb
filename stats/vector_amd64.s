#include "go_asm.h"
#include "textflag.h"

// func cpuid(leaf, subleaf uint32) (a, b, c, d uint32)
TEXT ·cpuid(SB), NOSPLIT, $0-24
	MOVL leaf+0(FP), AX
	MOVL subleaf+4(FP), CX
	CPUID
	MOVL AX, a+8(FP)
	MOVL BX, b+12(FP)
	MOVL CX, c+16(FP)
	MOVL DX, d+20(FP)
	RET

// func xgetbv() (a uint32)
TEXT ·xgetbv(SB), NOSPLIT, $0-4
	XORL CX, CX
	XGETBV
	MOVL AX, a+0(FP)
	RET

// ADD adds the vector X to the sum S by the two-sum of Knuth and Moller, which
// is exact, and returns what did not fit into S in T. It uses N and B.
#define ADD(X, S, T, N, B) \
	VADDPD  X, S, N \
	VSUBPD  S, N, B \
	VSUBPD  B, N, T \
	VSUBPD  T, S, T \
	VSUBPD  B, X, B \
	VADDPD  B, T, T \
	VMOVAPD N, S

// STEP takes the eight values at AT(SI): S and E are their sum, Q and F that of
// their squares.
#define STEP(AT, S, E, Q, F) \
	VMOVUPD     AT(SI), Z20          \
	VMINPD      Z20, Z16, Z16        \
	VMAXPD      Z20, Z17, Z17        \
	ADD(Z20, S, Z22, Z23, Z24)       \
	VADDPD      Z22, E, E            \
	VMULPD      Z20, Z20, Z21        \
	VFMSUB213PD Z21, Z20, Z20        \
	ADD(Z21, Q, Z22, Z23, Z24)       \
	VADDPD      Z20, Z22, Z22        \
	VADDPD      Z22, F, F

// func sumAVX512(x *float64, steps int, p *partials)
TEXT ·sumAVX512(SB), NOSPLIT, $0-24
	MOVQ x+0(FP), SI
	MOVQ steps+8(FP), CX
	MOVQ p+16(FP), DI

	VPXORQ  Z0, Z0, Z0
	VPXORQ  Z1, Z1, Z1
	VPXORQ  Z2, Z2, Z2
	VPXORQ  Z3, Z3, Z3
	VPXORQ  Z4, Z4, Z4
	VPXORQ  Z5, Z5, Z5
	VPXORQ  Z6, Z6, Z6
	VPXORQ  Z7, Z7, Z7
	VMOVUPD partials_min(DI), Z16
	VMOVUPD partials_max(DI), Z17

step:
	STEP(0, Z0, Z1, Z2, Z3)
	STEP(64, Z4, Z5, Z6, Z7)
	ADDQ $128, SI
	DECQ CX
	JNZ  step

	VMOVUPD Z0, partials_x(DI)
	VMOVUPD Z4, partials_x+64(DI)
	VMOVUPD Z1, partials_xLost(DI)
	VMOVUPD Z5, partials_xLost+64(DI)
	VMOVUPD Z2, partials_xx(DI)
	VMOVUPD Z6, partials_xx+64(DI)
	VMOVUPD Z3, partials_xxLost(DI)
	VMOVUPD Z7, partials_xxLost+64(DI)
	VMOVUPD Z16, partials_min(DI)
	VMOVUPD Z17, partials_max(DI)
	VZEROUPPER
	RET

// func bracketAVX512(x *float64, steps int, b *bracket, inside *float64)
//
// R8 to R11 count the values below, up to, and inside the bracket, and up to its
// upper end. Each compressed store writes eight places, of which only those of
// the values inside stay.
TEXT ·bracketAVX512(SB), NOSPLIT, $0-32
	MOVQ x+0(FP), SI
	MOVQ steps+8(FP), CX
	MOVQ b+16(FP), BX
	MOVQ inside+24(FP), DI

	VBROADCASTSD bracket_low(BX), Z1
	VBROADCASTSD bracket_high(BX), Z2
	MOVQ         bracket_below(BX), R8
	MOVQ         bracket_upToLow(BX), R9
	MOVQ         bracket_inside(BX), R10
	MOVQ         bracket_upToHigh(BX), R11

step:
	VMOVUPD     (SI), Z0
	VCMPPD      $1, Z1, Z0, K1
	VCMPPD      $2, Z1, Z0, K2
	VCMPPD      $1, Z2, Z0, K3
	VCMPPD      $2, Z2, Z0, K4
	KANDNB      K3, K2, K5
	VCOMPRESSPD Z0, K5, Z3
	VMOVUPD     Z3, (DI)
	KMOVB       K1, AX
	POPCNTL     AX, AX
	ADDQ        AX, R8
	KMOVB       K2, AX
	POPCNTL     AX, AX
	ADDQ        AX, R9
	KMOVB       K4, AX
	POPCNTL     AX, AX
	ADDQ        AX, R11
	KMOVB       K5, AX
	POPCNTL     AX, AX
	ADDQ        AX, R10
	LEAQ        (DI)(AX*8), DI
	ADDQ        $64, SI
	DECQ        CX
	JNZ         step

	MOVQ R8, bracket_below(BX)
	MOVQ R9, bracket_upToLow(BX)
	MOVQ R10, bracket_inside(BX)
	MOVQ R11, bracket_upToHigh(BX)
	VZEROUPPER
	RET
