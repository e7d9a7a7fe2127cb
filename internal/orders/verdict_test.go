package orders_test

import (
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/stream"
)

// The orders stream gives each order the verdict that its label says.
func TestVerdicts(t *testing.T) {
	streams, err := stream.Load("../../examples/orders")
	if err != nil {
		t.Fatal(err)
	}
	s := streams[0]
	d := s.NewDecoder()
	for _, form := range []orders.Form{orders.NDJSON, orders.Array} {
		seen := map[string]int{}
		var o orders.Order
		var line []byte
		for n := range uint64(20_000) {
			orders.Generator{Seed: 5, Bad: 0.5}.Order(n, &o)
			line = o.Append(line[:0], form)
			fault, bad := o.Fault(form)
			used, r := judge(t, s, d, line)
			switch {
			case !bad && r != nil:
				t.Fatalf("%s: good order %d is rejected: %v\n%s", form, n, r, line)
			case !bad:
				continue
			case r == nil:
				t.Fatalf("%s: order %d with %s passes\n%s", form, n, fault.Name, line)
			case r.Code != fault.Code || fault.Pointer != "" && r.Pointer != fault.Pointer:
				t.Fatalf("%s: order %d with %s is rejected as %s at %q, want %s at %q\n%s", form, n, fault.Name, r.Code, r.Pointer, fault.Code, fault.Pointer, line)
			case form == orders.Array && used != len(line):
				t.Fatalf("%s: order %d with %s: its end is not known", form, n, fault.Name)
			}
			seen[fault.Name]++
		}
		if want := map[orders.Form]int{orders.NDJSON: 25, orders.Array: 22}[form]; len(seen) != want {
			t.Errorf("%s: saw %d kinds of faults, want %d: %v", form, len(seen), want, seen)
		}
	}
}

// judge decodes and checks one order.
func judge(t *testing.T, s *stream.Stream, d *stream.Decoder, line []byte) (used int, r *penstock.Reject) {
	t.Helper()
	d.Reset()
	var e penstock.Event
	used, err := d.Decode(line, &e)
	for _, step := range []penstock.Step{s.Check, s.Derive, s.Identify} {
		if err == nil {
			err = step(t.Context(), &e)
		}
	}
	if err == nil {
		return used, nil
	}
	if r = penstock.AsReject(err); r == nil {
		t.Fatalf("not a reject: %v\n%s", err, line)
	}
	return used, r
}
