#include "go_asm.h"
#include "textflag.h"

// CROWD reads the crowd at DX: Z10 is its multiplier, X11 its shift, Z12 zero.
#define CROWD \
	VPBROADCASTQ crowd_multiplier(DX), Z10 \
	VMOVQ        crowd_shift(DX), X11      \
	VPXORQ       Z12, Z12, Z12             \
	LEAQ         crowd_cells(DX), R8

// HASH sets Z0 to eight values and Z1 to their hashes.
#define HASH \
	VMOVUPD (SI), Z0       \
	VADDPD  Z12, Z0, Z1    \
	VPMULLQ Z10, Z1, Z1    \
	VPSRLQ  X11, Z1, Z1

// KEEP writes those of the values in Z0 that K2 names to DI, which has room for
// all, and moves DI behind them.
#define KEEP \
	VCOMPRESSPD Z0, K2, Z2      \
	VMOVUPD     Z2, (DI)        \
	KMOVB       K2, AX          \
	POPCNTL     AX, AX          \
	LEAQ        (DI)(AX*8), DI

// MARK sets the bit of a hash and shifts into R9 whether it was set.
#define MARK(hash) \
	MOVL hash, AX          \
	MOVL AX, CX            \
	SHRL $5, CX            \
	MOVL (R8)(CX*4), R10   \
	BTSL AX, R10           \
	MOVL R10, (R8)(CX*4)   \
	ADCL R9, R9

// func markAVX512(x *float64, steps int, c *crowd, late *float64) (lates int)
//
// All addresses are known before the first bit is read, so that the processor
// need not wait for one value before it goes on to the next.
TEXT ·markAVX512(SB), NOSPLIT, $128-40
	MOVQ x+0(FP), SI
	MOVQ steps+8(FP), BX
	MOVQ c+16(FP), DX
	MOVQ late+24(FP), DI
	CROWD
	LEAQ hashes-65(SP), R11
	ANDQ $~63, R11

step:
	PREFETCHT1 (8*const_blockLen)(SI)
	HASH
	VMOVDQA64 Z1, 0(R11)
	XORL      R9, R9
	MARK(56(R11))
	MARK(48(R11))
	MARK(40(R11))
	MARK(32(R11))
	MARK(24(R11))
	MARK(16(R11))
	MARK(8(R11))
	MARK(0(R11))
	KMOVB     R9, K2
	KEEP
	ADDQ      $64, SI
	DECQ      BX
	JNZ       step

	SUBQ late+24(FP), DI
	SHRQ $3, DI
	MOVQ DI, lates+32(FP)
	VZEROUPPER
	RET

// COUNT adds one to the two cells of which X has the numbers.
#define COUNT(X) \
	VMOVQ   X, AX     \
	VPEXTRQ $1, X, CX \
	INCL    (R8)(AX*4) \
	INCL    (R8)(CX*4)

// func tallyAVX512(x *float64, steps int, c *crowd)
TEXT ·tallyAVX512(SB), NOSPLIT, $0-24
	MOVQ x+0(FP), SI
	MOVQ steps+8(FP), BX
	MOVQ c+16(FP), DX
	CROWD

step:
	PREFETCHT1    (8*const_blockLen)(SI)
	HASH
	VEXTRACTI64X2 $1, Z1, X2
	VEXTRACTI64X2 $2, Z1, X3
	VEXTRACTI64X2 $3, Z1, X4
	COUNT(X1)
	COUNT(X2)
	COUNT(X3)
	COUNT(X4)
	ADDQ          $64, SI
	DECQ          BX
	JNZ           step

	VZEROUPPER
	RET

// func gridAVX512(x *float64, steps int, by *grid, cells *[cellsMax]uint32, aside *float64) (put int)
//
// K2 names the values that have a cell: those whose step is in the range and
// divided by the scale gives the value back. The others count in the cell behind
// the last one, which nobody reads.
TEXT ·gridAVX512(SB), NOSPLIT, $0-48
	MOVQ         x+0(FP), SI
	MOVQ         steps+8(FP), BX
	MOVQ         by+16(FP), DX
	MOVQ         cells+24(FP), R8
	MOVQ         aside+32(FP), DI
	VBROADCASTSD grid_scale(DX), Z10
	VPBROADCASTQ grid_base(DX), Z11
	VPBROADCASTQ grid_width(DX), Z12

step:
	PREFETCHT1    (8*const_blockLen)(SI)
	VMOVUPD       (SI), Z0
	VMULPD        Z10, Z0, Z1
	VCVTPD2QQ     Z1, Z1
	VCVTQQ2PD     Z1, Z2
	VPSUBQ        Z11, Z1, Z1
	VPCMPUQ       $1, Z12, Z1, K1
	VDIVPD        Z10, Z2, Z2
	VCMPPD        $0, Z0, Z2, K1, K2
	KMOVB         K2, AX
	CMPL          AX, $255
	JNE           some

count:
	VEXTRACTI64X2 $1, Z1, X2
	VEXTRACTI64X2 $2, Z1, X3
	VEXTRACTI64X2 $3, Z1, X4
	COUNT(X1)
	COUNT(X2)
	COUNT(X3)
	COUNT(X4)
	ADDQ          $64, SI
	DECQ          BX
	JNZ           step

	SUBQ aside+32(FP), DI
	SHRQ $3, DI
	MOVQ DI, put+40(FP)
	VZEROUPPER
	RET

some:
	VPBLENDMQ   Z1, Z12, K2, Z1
	KNOTB       K2, K2
	VCOMPRESSPD Z0, K2, Z2
	VMOVUPD     Z2, (DI)
	KMOVB       K2, AX
	POPCNTL     AX, AX
	LEAQ        (DI)(AX*8), DI
	JMP         count

// func markedAVX512(x *float64, steps int, c *crowd, to *float64) (kept int)
TEXT ·markedAVX512(SB), NOSPLIT, $0-40
	MOVQ x+0(FP), SI
	MOVQ steps+8(FP), BX
	MOVQ c+16(FP), DX
	MOVQ to+24(FP), DI
	CROWD
	MOVL         $31, AX
	VPBROADCASTD AX, Y13
	MOVL         $1, AX
	VPBROADCASTD AX, Y14

step:
	PREFETCHT0 2048(SI)
	HASH
	VPSRLQ     $5, Z1, Z3
	VPMOVQD    Z1, Y1
	VPANDD     Y13, Y1, Y1
	KXNORB     K1, K1, K1
	VPGATHERQD (R8)(Z3*4), K1, Y4
	VPSRLVD    Y1, Y4, Y4
	VPTESTMD   Y14, Y4, K2
	KEEP
	ADDQ       $64, SI
	DECQ       BX
	JNZ        step

	SUBQ to+24(FP), DI
	SHRQ $3, DI
	MOVQ DI, kept+32(FP)
	VZEROUPPER
	RET

// func fullAVX512(x *float64, steps int, c *crowd, to *float64, level uint32) (kept int)
TEXT ·fullAVX512(SB), NOSPLIT, $0-48
	MOVQ         x+0(FP), SI
	MOVQ         steps+8(FP), BX
	MOVQ         c+16(FP), DX
	MOVQ         to+24(FP), DI
	MOVL         level+32(FP), AX
	VPBROADCASTD AX, Y13
	CROWD

step:
	PREFETCHT0 2048(SI)
	HASH
	KXNORB     K1, K1, K1
	VPGATHERQD (R8)(Z1*4), K1, Y4
	VPCMPUD    $5, Y13, Y4, K2
	KEEP
	ADDQ       $64, SI
	DECQ       BX
	JNZ        step

	SUBQ to+24(FP), DI
	SHRQ $3, DI
	MOVQ DI, kept+40(FP)
	VZEROUPPER
	RET
