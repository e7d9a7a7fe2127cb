package kafka

import (
	"encoding/json"
	"slices"
	"testing"
)

// The set agrees with a map, whatever order positions are added in.
func FuzzPositions(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add([]byte{3, 1, 2, 9, 8, 5})
	f.Add([]byte{255, 1, 254, 2, 253, 3, 128})
	f.Fuzz(func(t *testing.T, added []byte) {
		var set positions
		model := map[uint64]bool{}
		for _, b := range added {
			n := uint64(b) + 1
			if set.has(n) != model[n] {
				t.Fatalf("before adding %d: %v", n, set)
			}
			before := len(set)
			joins := set.touches(n)
			set = set.add(n)
			model[n] = true
			if joins && len(set) > before {
				t.Fatalf("%d touches, and yet made a new span: %v", n, set)
			}
			if !set.valid() {
				t.Fatalf("after adding %d: %v", n, set)
			}
		}
		for n := uint64(0); n < 300; n++ {
			if set.has(n) != model[n] {
				t.Fatalf("%d in %v", n, set)
			}
			whole := slices.Clone(set).through(n)
			if !whole.valid() {
				t.Fatalf("%v through %d: %v", set, n, whole)
			}
			for m := uint64(1); m < 300; m++ {
				if whole.has(m) != (model[m] || m <= n) {
					t.Fatalf("%v through %d: %d in %v", set, n, m, whole)
				}
			}
		}
		last := uint64(0)
		for n := range model {
			last = max(last, n)
		}
		if set.last() != last {
			t.Fatalf("last of %v is %d", set, set.last())
		}
	})
}

// Whatever stands in the progress topic, it is either refused or a valid set.
func FuzzParseProgress(f *testing.F) {
	good, err := json.Marshal(progress{Door: "journal:a", Settled: positions{{1, 9}, {11, 20}}, Lettered: positions{{4, 4}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"door":"journal:a","settled":[[9,1]]}`))
	f.Add([]byte(`{"door":"journal:a","settled":[[1,5],[6,7]]}`))
	f.Add([]byte(`{"door":"journal:b"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, ok, err := parseProgress(data, "journal:a")
		if ok != (err == nil) {
			t.Fatal(ok, err)
		}
		if ok && (p.Door != "journal:a" || !p.Settled.valid() || !p.Lettered.valid()) {
			t.Fatalf("took %q", data)
		}
	})
}

// At the largest number of holes that is allowed, the record stays far below
// any broker's limit for a message.
func TestProgressStaysSmall(t *testing.T) {
	p := progress{Door: "journal:a"}
	const far = 1 << 62
	for i := range uint64(spansMax) {
		p.Settled = append(p.Settled, span{far + 3*i, far + 3*i + 1})
	}
	p.Lettered = slices.Clone(p.Settled[:letteredMax])
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > messageBytesDefault/2 {
		t.Fatalf("%d bytes", len(data))
	}
}
