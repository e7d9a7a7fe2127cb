#include "textflag.h"

// func masksAVX2(text *byte, blocks int, comma byte, out *mask)
//
// For each block of 64 bytes it writes three words to out, with a bit for each
// byte that is a quote, a comma or line feed, a line feed.
TEXT ·masksAVX2(SB), NOSPLIT, $0-32
	MOVQ    text+0(FP), SI
	MOVQ    blocks+8(FP), CX
	MOVBLZX comma+16(FP), DX
	MOVQ    out+24(FP), DI

	MOVL         $0x22, AX
	MOVQ         AX, X0
	VPBROADCASTB X0, Y0
	MOVQ         DX, X1
	VPBROADCASTB X1, Y1
	MOVL         $0x0a, AX
	MOVQ         AX, X2
	VPBROADCASTB X2, Y2

	TESTQ CX, CX
	JLE   done

block:
	VMOVDQU 0(SI), Y3
	VMOVDQU 32(SI), Y4

	VPCMPEQB  Y0, Y3, Y5
	VPCMPEQB  Y0, Y4, Y6
	VPMOVMSKB Y5, AX
	VPMOVMSKB Y6, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	MOVQ      AX, 0(DI)

	VPCMPEQB  Y2, Y3, Y9
	VPCMPEQB  Y2, Y4, Y10
	VPMOVMSKB Y9, R10
	VPMOVMSKB Y10, R11
	SHLQ      $32, R11
	ORQ       R11, R10
	MOVQ      R10, 16(DI)

	VPCMPEQB  Y1, Y3, Y7
	VPCMPEQB  Y1, Y4, Y8
	VPMOVMSKB Y7, R8
	VPMOVMSKB Y8, R9
	SHLQ      $32, R9
	ORQ       R9, R8
	ORQ       R10, R8
	MOVQ      R8, 8(DI)

	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  block

done:
	VZEROUPPER
	RET

// func masksAVX512(text *byte, blocks int, comma byte, out *mask)
//
// The same with masks as the machine has them: AVX-512 BW.
TEXT ·masksAVX512(SB), NOSPLIT, $0-32
	MOVQ    text+0(FP), SI
	MOVQ    blocks+8(FP), CX
	MOVBLZX comma+16(FP), DX
	MOVQ    out+24(FP), DI

	MOVL         $0x22, AX
	VPBROADCASTB AX, Z0
	VPBROADCASTB DX, Z1
	MOVL         $0x0a, AX
	VPBROADCASTB AX, Z2

	TESTQ CX, CX
	JLE   done

block:
	VMOVDQU64 0(SI), Z3
	VPCMPEQB  Z0, Z3, K1
	VPCMPEQB  Z1, Z3, K2
	VPCMPEQB  Z2, Z3, K3
	KORQ      K2, K3, K2
	KMOVQ     K1, 0(DI)
	KMOVQ     K2, 8(DI)
	KMOVQ     K3, 16(DI)

	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  block

done:
	VZEROUPPER
	RET

// func placesBMI(window *mask, blocks int, base uint32, out *uint32) int
//
// For each mask it writes base plus the place of each bit of stops to out, and
// returns how many these are. Eight at a time, needed or not: where the loop
// ends is then easier to foresee, and what is behind the last bit is written
// over by the next block's.
TEXT ·placesBMI(SB), NOSPLIT, $0-40
	MOVQ window+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVL base+16(FP), R8
	MOVQ out+24(FP), DI
	MOVQ DI, R9

	TESTQ CX, CX
	JLE   done

block:
	MOVQ    8(SI), AX
	POPCNTQ AX, BX
	MOVQ    DI, R10
	LEAQ    (DI)(BX*4), DI

eight:
	TZCNTQ AX, DX
	BLSRQ  AX, AX
	TZCNTQ AX, R11
	BLSRQ  AX, AX
	ADDL   R8, DX
	ADDL   R8, R11
	MOVL   DX, 0(R10)
	MOVL   R11, 4(R10)
	TZCNTQ AX, DX
	BLSRQ  AX, AX
	TZCNTQ AX, R11
	BLSRQ  AX, AX
	ADDL   R8, DX
	ADDL   R8, R11
	MOVL   DX, 8(R10)
	MOVL   R11, 12(R10)
	TZCNTQ AX, DX
	BLSRQ  AX, AX
	TZCNTQ AX, R11
	BLSRQ  AX, AX
	ADDL   R8, DX
	ADDL   R8, R11
	MOVL   DX, 16(R10)
	MOVL   R11, 20(R10)
	TZCNTQ AX, DX
	BLSRQ  AX, AX
	TZCNTQ AX, R11
	BLSRQ  AX, AX
	ADDL   R8, DX
	ADDL   R8, R11
	MOVL   DX, 24(R10)
	MOVL   R11, 28(R10)
	ADDQ   $32, R10
	CMPQ   R10, DI
	JLO    eight

	ADDQ $24, SI
	ADDL $64, R8
	DECQ CX
	JNZ  block

done:
	SUBQ R9, DI
	SHRQ $2, DI
	MOVQ DI, ret+32(FP)
	RET

DATA bytes<>+0(SB)/8, $0x0706050403020100
DATA bytes<>+8(SB)/8, $0x0f0e0d0c0b0a0908
DATA bytes<>+16(SB)/8, $0x1716151413121110
DATA bytes<>+24(SB)/8, $0x1f1e1d1c1b1a1918
DATA bytes<>+32(SB)/8, $0x2726252423222120
DATA bytes<>+40(SB)/8, $0x2f2e2d2c2b2a2928
DATA bytes<>+48(SB)/8, $0x3736353433323130
DATA bytes<>+56(SB)/8, $0x3f3e3d3c3b3a3938
GLOBL bytes<>(SB), RODATA|NOPTR, $64

// func placesAVX512(window *mask, blocks int, base uint32, out *uint32) int
//
// The same: the places 0 to 63 whose bits are set are moved together (AVX-512
// VBMI2), sixteen of them at a time made words, and base added.
TEXT ·placesAVX512(SB), NOSPLIT, $0-40
	MOVQ window+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVL base+16(FP), R8
	MOVQ out+24(FP), DI
	MOVQ DI, R9

	VMOVDQU64    bytes<>(SB), Z0
	VPBROADCASTD R8, Z3
	MOVL         $64, AX
	VPBROADCASTD AX, Z4

	TESTQ CX, CX
	JLE   done

block:
	MOVQ         8(SI), AX
	KMOVQ        AX, K1
	VPCOMPRESSB.Z Z0, K1, Z1
	POPCNTQ      AX, BX
	VPMOVZXBD    X1, Z2
	VPADDD       Z3, Z2, Z2
	VMOVDQU32    Z2, 0(DI)
	CMPQ         BX, $16
	JHI          more

next:
	LEAQ   (DI)(BX*4), DI
	VPADDD Z4, Z3, Z3
	ADDQ   $24, SI
	DECQ   CX
	JNZ    block

done:
	SUBQ R9, DI
	SHRQ $2, DI
	MOVQ DI, ret+32(FP)
	VZEROUPPER
	RET

more:
	VEXTRACTI32X4 $1, Z1, X5
	VPMOVZXBD     X5, Z2
	VPADDD        Z3, Z2, Z2
	VMOVDQU32     Z2, 64(DI)
	VEXTRACTI32X4 $2, Z1, X5
	VPMOVZXBD     X5, Z2
	VPADDD        Z3, Z2, Z2
	VMOVDQU32     Z2, 128(DI)
	VEXTRACTI32X4 $3, Z1, X5
	VPMOVZXBD     X5, Z2
	VPADDD        Z3, Z2, Z2
	VMOVDQU32     Z2, 192(DI)
	JMP           next
