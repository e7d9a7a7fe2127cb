package postgres

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/stream"
)

// TestNumericsAreTheServersOwn sends values both as our binary form and as
// text: the server must find them equal, and send back the same bytes.
func TestNumericsAreTheServersOwn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, realtest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	check := func(sent []byte, text string) {
		t.Helper()
		result := conn.PgConn().ExecParams(ctx, "SELECT $1::numeric = $2::text::numeric, $1::numeric, trim_scale($2::text::numeric)::text, $1::numeric::text",
			[][]byte{sent[4:], []byte(text)}, []uint32{0, 0}, []int16{1, 0}, []int16{0, 1, 0, 0}).Read()
		if result.Err != nil {
			t.Fatalf("%s: % x: %v", text, sent, result.Err)
		}
		row := result.Rows[0]
		if string(row[0]) != "t" || string(row[1]) != string(sent[4:]) {
			t.Fatalf("%s: sent % x, which the server reads as %s and sends as % x", text, sent[4:], row[3], row[1])
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	numbers := []int64{0, 1, -1, 9, 10, 9999, 10_000, 10_001, 123_456_789, math.MaxInt64, math.MinInt64, 1e18, 1_000_000_010_000}
	for range 300 {
		numbers = append(numbers, int64(rng.Uint64())>>rng.IntN(64))
	}
	for i, n := range numbers {
		for scale := uint8(0); scale <= 18; scale++ {
			if i > 40 && int(scale) != i%19 {
				continue
			}
			v := penstock.DecimalValue(n, scale)
			check(appendDecimal(nil, n, scale), v.String())
		}
	}
	for _, text := range []string{"0", "-0", "0.000", "1e3", "1.50E+3", "-12.5e-7", "0.00001", "123456789012345678901234567890.125", "1e100", "1e-100", "10000", "9999.9999", "0.1e1"} {
		sent, ok := appendLiteral(nil, []byte(text))
		if !ok {
			t.Fatalf("%s is refused", text)
		}
		check(sent, text)
	}
	for range 300 {
		text := fmt.Sprintf("%s%d.%0*de%d", []string{"", "-"}[rng.IntN(2)], rng.Uint64()>>rng.IntN(64), 1+rng.IntN(20), rng.IntN(1e6), rng.IntN(60)-30)
		sent, ok := appendLiteral(nil, []byte(text))
		if !ok {
			t.Fatalf("%s is refused", text)
		}
		check(sent, text)
	}
}

func TestWhatIsNoNumber(t *testing.T) {
	for _, text := range []string{"", "-", "e5", "1e", "1e+", "1.2.3", "0x10", "NaN", "1e999999", "1e-20000", "1 2", strings.Repeat("9", 140_000)} {
		if _, ok := appendLiteral(nil, []byte(text)); ok {
			t.Errorf("%.20q is taken", text)
		}
	}
}

// FuzzLiteral: nothing panics, and what is taken has whole groups.
func FuzzLiteral(f *testing.F) {
	f.Add("1.5e3")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1000 {
			return
		}
		sent, ok := appendLiteral(nil, []byte(text))
		if ok && (len(sent) < 12 || len(sent)%2 != 0) {
			t.Fatalf("%q becomes % x", text, sent)
		}
	})
}

func TestUnfitText(t *testing.T) {
	for text, why := range map[string]string{
		"": "", "plain": "", "longer than eight bytes": "", "Grüße 🎁 to all of you": "",
		"\x00": whyNUL, "12345678\x00": whyNUL, "\x001234567": whyNUL, "€\x00": whyNUL,
		"\x01\x7f": "",
	} {
		if got := unfit([]byte(text)); got != why {
			t.Errorf("%q: %q, want %q", text, got, why)
		}
	}
}

// A zero is shown with its column's decimals, like any other number.
func TestZeroKeepsItsScale(t *testing.T) {
	zero := pgtype.Numeric{Int: big.NewInt(0), Valid: true}
	for scale, want := range map[uint8]string{0: "0", 2: "0.00"} {
		v, err := fromCell(stream.Field{Scale: scale}, zero)
		if err != nil || string(v.Bytes) != want {
			t.Errorf("scale %d: %s, %v", scale, v.Bytes, err)
		}
	}
}
