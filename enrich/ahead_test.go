package enrich_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

// The server answers no question before sixteen are open, so this test would
// hang on a batch that asks for one event after the other.
func TestAheadAsksInParallel(t *testing.T) {
	var open16 atomic.Int64
	all := make(chan struct{})
	url, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if open16.Add(1) == 16 {
			close(all)
		}
		<-all
		fmt.Fprintf(w, `{"country":"c%s","tier":"gold"}`, r.URL.Path[1:])
	})
	byUser := httpLookup(url + "/{}")
	byUser.Add = added[:1]
	byCountry := stream.Lookup{
		Name: "land", File: writeFile(t, "l.csv", "code,group\nc3,north\n"), Match: country, Column: "code",
		Add: []stream.Added{{From: "group", Slot: tier}}, Missing: stream.PolicyPass,
	}
	x := open(t, enrich.Options{}, byUser, byCountry)
	b := &penstock.Batch{}
	for i := range 500 {
		b.Events = append(b.Events, order(penstock.IntValue(int64(i%20))))
	}
	sink := x.Ahead(penstock.Pipeline{Steps: []penstock.Step{x.Step}, To: penstock.SinkFunc(deliver)})
	if err := sink.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	for i, e := range b.Events {
		wantTier := map[bool]string{true: "north", false: "absent"}[i%20 == 3]
		if got := show(e.Values[country]); got != fmt.Sprint("c", i%20) || show(e.Values[tier]) != wantTier {
			t.Fatalf("event %d got %s, %s", i, got, show(e.Values[tier]))
		}
	}
	if tally := b.Tally(); tally.Delivered != 500 || !tally.Conserved() {
		t.Error(tally)
	}
	if s := x.Stats(); asked.Load() != 20 || s[0].Hits != 500 || s[1].Hits != 500 || s[1].Missing != 475 {
		t.Errorf("asked %d times, %+v", asked.Load(), s)
	}
}

func deliver(_ context.Context, b *penstock.Batch) error {
	for _, e := range b.Pending().Events {
		e.Deliver(penstock.Place{})
	}
	return nil
}

// A source that is down must not be asked once an event, nor settle anything.
func TestAheadOfABrokenSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, asked := inside(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		x := open(t, enrich.Options{HTTPClient: client}, httpLookup("http://inside/{}"))
		b := &penstock.Batch{}
		for i := range 500 {
			b.Events = append(b.Events, order(penstock.IntValue(int64(i))))
		}
		err := x.Ahead(penstock.Pipeline{Steps: []penstock.Step{x.Step}, To: penstock.SinkFunc(deliver)}).Write(t.Context(), b)
		if err == nil || !strings.Contains(err.Error(), "look-up customer") {
			t.Errorf("error %v", err)
		}
		if tally := b.Tally(); tally.Pending != 500 {
			t.Error(tally)
		}
		if asked.Load() > 5+16 {
			t.Errorf("a source that is down was asked %d times", asked.Load())
		}
	})
}
