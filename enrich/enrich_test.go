package enrich_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

// The row that the tests use: two fields as received, three added.
const (
	userID = iota
	email
	country
	tier
	credit
)

func ordersStream(lookups ...stream.Lookup) *stream.Stream {
	return &stream.Stream{
		Name: "orders", Declared: 2, Lookups: lookups,
		Fields: []stream.Field{
			userID:  {Name: "user_id", Type: stream.Int},
			email:   {Name: "e/mail", Type: stream.Text},
			country: {Name: "country", Type: stream.Text},
			tier:    {Name: "tier", Type: stream.Text},
			credit:  {Name: "credit", Type: stream.Decimal, Precision: 12, Scale: 2},
		},
	}
}

var added = []stream.Added{
	{From: "country", Slot: country, Default: penstock.TextValue("unknown")},
	{From: "tier", Slot: tier, Default: penstock.TextValue("none")},
}

func order(match ...penstock.Value) *penstock.Event {
	e := &penstock.Event{Values: make([]penstock.Value, 5)}
	copy(e.Values, match)
	for i := country; i <= credit; i++ {
		e.Values[i] = penstock.TextValue("left over from an earlier run")
	}
	return e
}

func open(t testing.TB, o enrich.Options, lookups ...stream.Lookup) *enrich.Enricher {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	x, err := enrich.New(t.Context(), ordersStream(lookups...), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// wantStep runs the step on an order of the given user and compares what it
// adds: values as text, "null" and "absent"; or "reject CODE", or "error".
func wantStep(t testing.TB, x *enrich.Enricher, match penstock.Value, want ...string) {
	t.Helper()
	e := order(match)
	err := x.Step(t.Context(), e)
	var got []string
	switch r := penstock.AsReject(err); {
	case r != nil:
		got = []string{"reject " + r.Code}
		if r.Pointer != "/user_id" {
			t.Errorf("the reject points to %q", r.Pointer)
		}
	case err != nil:
		got = []string{"error"}
	default:
		for _, v := range e.Values[country : country+len(want)] {
			got = append(got, show(v))
		}
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("for %v got %q, want %q (%v)", match, got, want, err)
	}
}

func show(v penstock.Value) string {
	if v.Missing() {
		return v.Kind.String()
	}
	return v.String()
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := stream.Lookup{Name: "customer", File: writeFile(t, "c.csv", "user_id,country,tier\n"), Match: userID, Column: "user_id", Add: added}
	for name, spoil := range map[string]func(l *stream.Lookup){
		"no such file":          func(l *stream.Lookup) { l.File += ".gone" },
		`has no column "other"`: func(l *stream.Lookup) { l.Column = "other" },
		"not a regular file":    func(l *stream.Lookup) { l.File = t.TempDir() },
		"neither postgres":      func(l *stream.Lookup) { *l = withSQL(*l, "mysql://root:secret@h/db") },
		"PENSTOCK_NOT_SET":      func(l *stream.Lookup) { *l = withSQL(*l, "postgres://u:${PENSTOCK_NOT_SET}@h/db") },
		"no {}":                 func(l *stream.Lookup) { *l = withURL(*l, "http://h/x") },
		"begin with http":       func(l *stream.Lookup) { *l = withURL(*l, "file:///etc/{}") },
		"path or query":         func(l *stream.Lookup) { *l = withURL(*l, "http://{}.example/x") },
	} {
		l := good
		spoil(&l)
		x, err := enrich.New(t.Context(), ordersStream(l), enrich.Options{})
		if err == nil {
			x.Close()
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "look-up customer") {
			t.Errorf("error %q does not say %q", err, name)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("error %q tells the password", err)
		}
	}
}

func withSQL(l stream.Lookup, dsn string) stream.Lookup {
	l.File, l.SQL = "", &stream.SQLLookup{DSN: dsn, Query: "select 1"}
	return l
}

func withURL(l stream.Lookup, url string) stream.Lookup {
	l.File, l.HTTP = "", &stream.HTTPLookup{URL: url}
	return l
}

func TestMissingPolicies(t *testing.T) {
	file := writeFile(t, "c.csv", "user_id,country,tier\n1,SE,gold\n")
	for policy, want := range map[stream.Policy][]string{
		stream.PolicyPass:    {"absent", "absent"},
		stream.PolicyReject:  {"reject lookup_missing"},
		stream.PolicyDefault: {"unknown", "none"},
	} {
		x := open(t, enrich.Options{}, stream.Lookup{Name: "customer", File: file, Match: userID, Column: "user_id", Add: added, Missing: policy})
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
		wantStep(t, x, penstock.IntValue(2), want...)
		wantStep(t, x, penstock.Value{Kind: penstock.Null}, want...)
		wantStep(t, x, penstock.Value{}, want...)
		if s := x.Stats()[0]; s.Hits != 2 || s.Missing != 3 || s.Entries != 1 {
			t.Errorf("stats %+v", s)
		}
	}
}

// A look-up may match what an earlier one added, and the pointer in a reject
// is escaped as JSON pointers are.
func TestLookupsInOrder(t *testing.T) {
	byMail := stream.Lookup{
		Name: "mail", File: writeFile(t, "m.csv", "mail,country\na@b.c,SE\n"), Match: email, Column: "mail",
		Add: []stream.Added{{From: "country", Slot: country}}, Missing: stream.PolicyReject,
	}
	byCountry := stream.Lookup{
		Name: "land", File: writeFile(t, "l.csv", "code,group\nSE,north\n"), Match: country, Column: "code",
		Add: []stream.Added{{From: "group", Slot: tier}}, Missing: stream.PolicyReject,
	}
	x := open(t, enrich.Options{}, byMail, byCountry)
	e := order(penstock.IntValue(1), penstock.TextValue("a@b.c"))
	if err := x.Step(t.Context(), e); err != nil || show(e.Values[tier]) != "north" {
		t.Fatalf("%v, %v", e.Values, err)
	}
	r := penstock.AsReject(x.Step(t.Context(), order(penstock.IntValue(1), penstock.TextValue("x"))))
	if r == nil || r.Pointer != "/e~1mail" {
		t.Errorf("reject %v", r)
	}
}

// A caller that goes away must get no verdict, whatever the policy.
func TestEndedContextIsNoAnswer(t *testing.T) {
	for _, policy := range []stream.Policy{stream.PolicyPass, stream.PolicyReject, stream.PolicyRetry} {
		l := withURL(stream.Lookup{Name: "customer", Match: userID, Add: added, OnError: policy}, "http://127.0.0.1:1/{}")
		x := open(t, enrich.Options{}, l)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := x.Step(ctx, order(penstock.IntValue(1))); !errors.Is(err, context.Canceled) || penstock.AsReject(err) != nil {
			t.Errorf("policy %d: %v", policy, err)
		}
		if s := x.Stats()[0]; s.Errors != 0 {
			t.Errorf("counted as the source's error: %+v", s)
		}
	}
}
