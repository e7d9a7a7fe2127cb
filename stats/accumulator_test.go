package stats

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// accumulate is an accumulator of data.
func accumulate(t testing.TB, o Options, data ...float64) *Accumulator {
	t.Helper()
	a, err := NewAccumulator(o)
	if err != nil {
		t.Fatal(err)
	}
	a.AddSlice(data)
	return a
}

func summary(t testing.TB, a *Accumulator) Summary {
	t.Helper()
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func marshal(t testing.TB, a *Accumulator) []byte {
	t.Helper()
	raw, err := a.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// checkSplit: two accumulators merged, either into the other, are that of the
// whole, bit for bit.
func checkSplit(t *testing.T, data []float64, at int) {
	t.Helper()
	want := accumulate(t, Options{}, data...)
	for _, parts := range [][2][]float64{{data[:at], data[at:]}, {data[at:], data[:at]}} {
		a, b := accumulate(t, Options{}, parts[0]...), accumulate(t, Options{}, parts[1]...)
		if err := a.Merge(b); err != nil {
			t.Fatal(err)
		}
		agree(t, "merged", data, summary(t, a), summary(t, want))
		if !bytes.Equal(marshal(t, a), marshal(t, want)) {
			t.Errorf("%v split at %d: the merged accumulator has another binary form", data, at)
		}
	}
}

// TestSplit splits at every point.
func TestSplit(t *testing.T) {
	for _, data := range samples() {
		for at := range len(data) + 1 {
			checkSplit(t, data, at)
		}
	}
}

// TestZeroAccumulator: no value, then all that can happen to the zero value.
func TestZeroAccumulator(t *testing.T) {
	var a, b Accumulator
	if _, err := a.Summary(); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	a.AddMissing(3)
	if err := a.Merge(&b); err != nil {
		t.Error(err)
	}
	b.Add(2)
	b.AddMissing(1)
	if err := a.Merge(&b); err != nil {
		t.Error(err)
	}
	if err := a.Merge(&a); err != nil {
		t.Error(err)
	}
	a.AddSeq(slices.Values([]float64{5}))
	if s := summary(t, &a); s.Count != 3 || s.Missing != 8 || s.Mean != 3 || s.Median != 2 || s.Mode != 2 {
		t.Errorf("%+v", s)
	}
	a.Add(nan)
	var e *NaNError
	if _, err := a.Summary(); !errors.As(err, &e) || e.Index != -1 || e.Count != 1 {
		t.Error(err)
	}
}

// TestTooMany: a count never wraps. What would be more is refused and changes nothing;
// missing places stop at the largest number.
func TestTooMany(t *testing.T) {
	for name, o := range map[string]Options{"exact": {}, "rough": {MaxDistinct: 1}} {
		a := accumulate(t, o, 1, 3)
		for range 62 {
			if err := a.Merge(a); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, b := range []*Accumulator{a, accumulate(t, o, 1), accumulate(t, o, nan)} {
			if err := a.Merge(b); !errors.Is(err, ErrTooMany) {
				t.Errorf("%s: 2^63 values and more: %v", name, err)
			}
		}
		s, err := a.Summary()
		if err != nil || s.Count != 1<<63 || s.NaNs != 0 || s.Mean != 2 || s.Sum != 1<<64 {
			t.Errorf("%s: %v, %d values, %d NaNs, mean %v, sum %v", name, err, s.Count, s.NaNs, s.Mean, s.Sum)
		}
		a.add(keyOf(math.Float64bits(1)), 1, 0)
		form, err := a.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := new(Accumulator).UnmarshalBinary(form); !errors.Is(err, ErrBadState) {
			t.Errorf("%s: a binary form of more values: %v", name, err)
		}
	}
	a := accumulate(t, Options{}, 1)
	a.AddMissing(math.MaxUint64 - 1)
	a.AddMissing(2)
	if err := a.Merge(a); err != nil {
		t.Fatal(err)
	}
	if s, err := a.Summary(); err != nil || s.Missing != math.MaxUint64 {
		t.Errorf("%v, %d are missing", err, s.Missing)
	}
}

// TestFirstAcrossMerge: the mode that was met first, over a merge.
func TestFirstAcrossMerge(t *testing.T) {
	o := Options{Tie: FirstTie}
	a, b := accumulate(t, o, 9, 3, 1), accumulate(t, o, 1, 3, 2)
	if err := a.Merge(b); err != nil {
		t.Fatal(err)
	}
	if s := summary(t, a); s.Mode != 3 || !slices.Equal(s.Modes(), []float64{1, 3}) {
		t.Errorf("mode %v of %v", s.Mode, s.Modes())
	}
}

func TestIncompatible(t *testing.T) {
	for _, o := range []Options{{NaN: OmitNaN}, {Tie: FirstTie}, {MaxDistinct: 5}, {Approx: 0.1}, {MaxCells: maxCellsLeast}} {
		var a Accumulator
		if err := a.Merge(accumulate(t, o, 1)); !errors.Is(err, ErrIncompatible) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	var a Accumulator
	same := Options{MaxDistinct: 1 << 20, Approx: 0.001, MaxCells: 1 << 16, Quantiles: quartiles}
	if err := a.Merge(accumulate(t, same, 1)); err != nil {
		t.Errorf("the defaults, written out: %v", err)
	}
}

// TestConcurrent: a goroutine each, then merged.
func TestConcurrent(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 18))
	data := shapes(random, 40000)["prices"]
	const workers = 8
	var parts [workers]Accumulator
	var wait sync.WaitGroup
	for i := range workers {
		wait.Go(func() {
			part := data[i*len(data)/workers : (i+1)*len(data)/workers]
			parts[i].AddSlice(part)
			if _, err := Compute(part, Options{}); err != nil { // they share their scratch room
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i := range workers - 1 {
		if err := parts[i+1].Merge(&parts[i]); err != nil {
			t.Fatal(err)
		}
	}
	want, err := Compute(data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	agree(t, "merged", data, summary(t, &parts[workers-1]), want)
}

// TestRough: past MaxDistinct the exact figures stay exact, and the others lie
// within the bounds they name, however the data is divided.
func TestRough(t *testing.T) {
	random := rand.New(rand.NewPCG(19, 20))
	for name, data := range roughShapes(random) {
		for _, approx := range []float64{0, 0.001, 0.01, 0.25} {
			o := Options{MaxDistinct: 100, Approx: approx, Quantiles: quartiles}
			want := oracle(data, o)
			var first Summary
			for _, shards := range []int{1, 2, 7} {
				got := sharded(t, o, data, shards)
				what := fmt.Sprintf("%s, approx %v, %d shards", name, approx, shards)
				checkRough(t, what, data, got, want, approx)
				if shards == 1 {
					first = got
				} else if got.Median != first.Median || got.MedianErr != first.MedianErr || !slices.Equal(got.Quantiles, first.Quantiles) {
					t.Errorf("%s: the order makes a difference: %+v, before %+v", what, got, first)
				}
			}
		}
	}
}

func roughShapes(random *rand.Rand) map[string][]float64 {
	all := map[string][]float64{}
	for name, data := range shapes(random, 3000) {
		if name != "equal" && name != "few values" {
			all[name] = data
		}
	}
	heavy := shapes(random, 3000)["normal"]
	for i := range heavy {
		if i%3 == 0 {
			heavy[i] = 42
		}
	}
	all["one in three is 42"] = heavy
	return all
}

// sharded is the summary of accumulators that had every shards-th value each.
func sharded(t *testing.T, o Options, data []float64, shards int) Summary {
	t.Helper()
	parts := make([]*Accumulator, shards)
	for i := range parts {
		parts[i] = accumulate(t, o)
	}
	for i, x := range data {
		parts[i%shards].Add(x)
	}
	all := accumulate(t, o)
	for _, p := range parts {
		if err := all.Merge(p); err != nil {
			t.Fatal(err)
		}
	}
	return summary(t, all)
}

func checkRough(t *testing.T, what string, data []float64, got, want Summary, approx float64) {
	t.Helper()
	if approx == 0 {
		approx = 0.001
	}
	if got.Exact || got.Count != want.Count || !same(got.Mean, want.Mean) || !same(got.StdDev, want.StdDev) || !same(got.Sum, want.Sum) ||
		got.Min != want.Min || got.Max != want.Max {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
	within := func(name string, got, off, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= off) || !(off <= approx*math.Abs(want)*1.001+0x1p-1022) && name != "the median" {
			t.Errorf("%s: %s is %v give or take %v, want %v", what, name, got, off, want)
		}
	}
	within("the median", got.Median, got.MedianErr, want.Median)
	for i, q := range got.Quantiles {
		if whole := math.Trunc(float64(len(data)-1) * q.P); whole == float64(len(data)-1)*q.P {
			within(fmt.Sprint("quantile ", q.P), q.Value, q.Err, want.Quantiles[i].Value)
		}
	}
	if got.ModeExact && got.Mode != want.Mode {
		t.Errorf("%s: the mode is said to be %v for certain, and is %v", what, got.Mode, want.Mode)
	}
	if want.ModeCount < got.ModeCount || want.ModeCount > got.ModeCount+got.ModeErr || got.ModeErr > uint64(len(data)/25) {
		t.Errorf("%s: the mode is there %d times, give %d, and is %d times", what, got.ModeCount, got.ModeErr, want.ModeCount)
	}
	if strings.HasSuffix(what, "42") && !got.ModeExact {
		t.Errorf("%s: a mode that stands out is not found: %+v", what, got)
	}
}

// TestHeavyHitter: a mode that stands out is certain past MaxDistinct too.
func TestHeavyHitter(t *testing.T) {
	random := rand.New(rand.NewPCG(21, 22))
	data := roughShapes(random)["one in three is 42"]
	if s := sharded(t, Options{MaxDistinct: 100}, data, 3); !s.ModeExact || s.Mode != 42 || s.ModeErr == 0 {
		t.Errorf("%+v", s)
	}
}

// TestCloseRace: a mode is certain only if it leads by more than what may have
// been lost of another.
func TestCloseRace(t *testing.T) {
	o := Options{MaxDistinct: 2}
	a := accumulate(t, o, 1, 1, 1, 1, 2, 2, 2, 3) // 3 makes room: 3 is subtracted from each
	s := summary(t, a)
	if s.ModeExact || s.Mode != 1 || s.ModeCount != 1 || s.ModeErr != 3 {
		t.Errorf("%+v", s)
	}
	a.AddSlice([]float64{1, 1, 1})
	if s = summary(t, a); !s.ModeExact || s.Mode != 1 || s.ModeCount != 4 || s.ModeErr != 3 {
		t.Errorf("%+v", s)
	}
}

// states are accumulators in every state the binary form knows.
func states(t testing.TB) map[string]*Accumulator {
	random := rand.New(rand.NewPCG(23, 24))
	normal := shapes(random, 300)["normal"]
	missing := accumulate(t, Options{NaN: OmitNaN, Quantiles: []float64{0.1, 0.9}}, 1, 2, 2, nan, inf, -inf, negZero, denormal)
	missing.AddMissing(7)
	return map[string]*Accumulator{
		"empty":   accumulate(t, Options{}),
		"exact":   accumulate(t, Options{}, 3, 1, 3, 1, 2),
		"missing": missing,
		"first":   accumulate(t, Options{Tie: FirstTie}, 3, 1, 3, 1, 2),
		"rough":   accumulate(t, Options{MaxDistinct: 10, Approx: 0.25}, append(normal, inf, 7, 7, 7)...),
	}
}

// TestBinary: what is written is read back the same; so is what the golden files
// have, of this version and of those before, for ever.
func TestBinary(t *testing.T) {
	for name, a := range states(t) {
		raw := marshal(t, a)
		golden := filepath.Join("testdata", fmt.Sprintf("v%d-%s.bin", binaryVersion, name))
		if *update {
			if err := os.WriteFile(golden, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if old := readGolden(t, golden); !bytes.Equal(old, raw) {
			t.Errorf("%s: version %d is written differently now: make it another version", name, binaryVersion)
		}
		a.Add(2.5)
		want := summary(t, a)
		for version := binaryOldest; version <= binaryVersion; version++ {
			var b Accumulator
			if err := b.UnmarshalBinary(readGolden(t, filepath.Join("testdata", fmt.Sprintf("v%d-%s.bin", version, name)))); err != nil {
				t.Fatal(err)
			}
			b.Add(2.5)
			agree(t, fmt.Sprint(name, " read back from version ", version), nil, summary(t, &b), want)
			if !bytes.Equal(marshal(t, &b), marshal(t, a)) {
				t.Errorf("%s, read back from version %d, is written differently", name, version)
			}
		}
	}
}

func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestBinaryDamaged: every cut and every flipped bit is noticed.
func TestBinaryDamaged(t *testing.T) {
	for name, a := range states(t) {
		raw := marshal(t, a)
		var b Accumulator
		b.Add(1)
		refused := func(what string, raw []byte) {
			if err := b.UnmarshalBinary(raw); !errors.Is(err, ErrBadState) || b.count != 1 {
				t.Fatalf("%s, %s: %v, and then has %d values", name, what, err, b.count)
			}
		}
		for n := range len(raw) {
			refused("cut", raw[:n])
			flipped := bytes.Clone(raw)
			flipped[n] ^= 1 << (n % 8)
			refused("flipped", flipped)
		}
		refused("longer", append(bytes.Clone(raw), 0))
	}
	var over Accumulator // more values than can be counted
	over.add(keyOf(math.Float64bits(1)), math.MaxUint64, 0)
	over.add(keyOf(math.Float64bits(2)), 5, 0)
	if err := new(Accumulator).UnmarshalBinary(marshal(t, &over)); !errors.Is(err, ErrBadState) {
		t.Errorf("counts that overflow: %v", err)
	}
	astray := func(change func(r *rough)) {
		a := accumulate(t, Options{MaxDistinct: 1}, 1, 2, 3)
		change(a.rough)
		if err := new(Accumulator).UnmarshalBinary(marshal(t, a)); !errors.Is(err, ErrBadState) {
			t.Errorf("from %v to %v without cells for them: %v", valueOf(a.rough.min), valueOf(a.rough.max), err)
		}
	}
	astray(func(r *rough) { r.min = keyOf(math.Float64bits(0.5)) })
	astray(func(r *rough) { r.min = keyOf(math.Float64bits(1.5)) })
	astray(func(r *rough) { r.max = keyOf(math.Float64bits(2.5)) })
	astray(func(r *rough) { r.max = keyOf(math.Float64bits(100)) })
	future := marshal(t, accumulate(t, Options{}, 1))
	future[4] = binaryVersion + 1
	if err := new(Accumulator).UnmarshalBinary(future); err == nil || !strings.Contains(err.Error(), "version is 3, this program reads versions 1 to 2") {
		t.Error(err)
	}
}

// sealed is a binary form with its checksum.
func sealed(body []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(body), crc32.Checksum(body, castagnoli))
}
