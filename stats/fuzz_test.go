package stats

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"
)

// floats reads any bytes as float64s: NaNs with payloads, denormals, all.
func floats(raw []byte) []float64 {
	data := make([]float64, len(raw)/8)
	for i := range data {
		data[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return data
}

func rawOf(data ...float64) []byte {
	var raw []byte
	for _, x := range data {
		raw = binary.LittleEndian.AppendUint64(raw, math.Float64bits(x))
	}
	return raw
}

// FuzzCompute holds Compute, and every other way to the same figures, against
// rational arithmetic.
func FuzzCompute(f *testing.F) {
	for _, data := range [][]float64{
		{}, {1}, {1, 2, 3, 4}, {3, 1, 3, 1, 2}, {.1, .1, .1}, {1e100, 1, -1e100}, {1e16, 1, 1}, {math.MaxFloat64, math.MaxFloat64},
		{negZero, 0}, {denormal, denormal, -denormal}, {inf, -inf, 1}, {1, nan, 2}, {nan}, {1e300, 1e-300, -1e300},
	} {
		f.Add(rawOf(data...), 0.25)
	}
	f.Fuzz(func(t *testing.T, raw []byte, p float64) {
		data := floats(raw[:min(len(raw), 8*400)])
		rest := slices.DeleteFunc(slices.Clone(data), math.IsNaN)
		if len(rest) < len(data) {
			var e *NaNError
			_, err := Compute(data, Options{})
			if !errors.As(err, &e) || e.Index != slices.IndexFunc(data, math.IsNaN) || e.Count != uint64(len(data)-len(rest)) {
				t.Fatalf("Compute of %v: %v", data, err)
			}
		}
		if len(rest) == 0 {
			if _, err := Compute(data, Options{NaN: OmitNaN}); !errors.Is(err, ErrEmpty) {
				t.Fatalf("Compute of %v: %v", data, err)
			}
			return
		}
		o := Options{}
		if p >= 0 && p <= 1 {
			o.Quantiles = []float64{p, 0.5}
		}
		checkAll(t, rest, o)
		o.Tie = FirstTie
		checkAll(t, rest, o)
		checkSplit(t, rest, len(rest)/3)
	})
}

// FuzzInts holds ComputeInts against big integers.
func FuzzInts(f *testing.F) {
	f.Add(rawOf(0, 1, 2))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, raw []byte) {
		data := make([]int64, min(len(raw)/8, 400))
		for i := range data {
			data[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		if len(data) > 0 {
			checkInts(t, data)
		}
	})
}

// FuzzUnmarshal: no bytes make UnmarshalBinary, or what it lets through, panic.
func FuzzUnmarshal(f *testing.F) {
	for _, a := range states(f) {
		raw, err := a.MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		if len(raw) < 4096 {
			f.Add(raw[:len(raw)-4])
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		raw = sealed(raw) // with a right checksum, or nothing else would be reached
		var a Accumulator
		if err := a.UnmarshalBinary(raw); err != nil {
			if !errors.Is(err, ErrBadState) || a.count != 0 {
				t.Fatalf("%v, and the accumulator has %d values", err, a.count)
			}
			return
		}
		if _, err := a.Summary(); err != nil && !errors.Is(err, ErrEmpty) && !errors.Is(err, ErrNaN) {
			t.Fatal(err)
		}
		a.Add(1)
		var b Accumulator
		if err := b.Merge(&a); err != nil && !errors.Is(err, ErrIncompatible) {
			t.Fatal(err)
		}
		again, err := a.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Accumulator).UnmarshalBinary(again); err != nil {
			t.Fatalf("what was read is written so that it can't be read: %v", err)
		}
	})
}
