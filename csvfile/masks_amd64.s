#include "textflag.h"

// func masksAVX2(text *byte, blocks int, comma byte, out *mask)
//
// For each block of 64 bytes it writes three words to out, with a bit for each
// byte that is a quote, a comma, a line feed.
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

	VPCMPEQB  Y1, Y3, Y7
	VPCMPEQB  Y1, Y4, Y8
	VPMOVMSKB Y7, R8
	VPMOVMSKB Y8, R9
	SHLQ      $32, R9
	ORQ       R9, R8
	MOVQ      R8, 8(DI)

	VPCMPEQB  Y2, Y3, Y9
	VPCMPEQB  Y2, Y4, Y10
	VPMOVMSKB Y9, R10
	VPMOVMSKB Y10, R11
	SHLQ      $32, R11
	ORQ       R11, R10
	MOVQ      R10, 16(DI)

	ADDQ $64, SI
	ADDQ $24, DI
	DECQ CX
	JNZ  block

done:
	VZEROUPPER
	RET
