package csvfile

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/stream"
)

// judgeSniffed compiles the stream file that is made for a file, and counts the
// file's records by verdict.
func judgeSniffed(t *testing.T, name string) (string, penstock.Tally) {
	t.Helper()
	s, err := Sniff(name, UTF8, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rules := s.StreamFile(name)
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	streams, err := stream.Load(file)
	if err != nil {
		t.Fatalf("%v, in\n%s", err, rules)
	}
	source := Source{Stream: streams[0], Files: []string{name}, Options: Options{Comma: s.Comma}}
	if s.Headless {
		source.Options.Columns = s.Columns
	}
	var total penstock.Total
	err = source.Run(t.Context(), penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		to := penstock.SinkFunc(func(_ context.Context, b *penstock.Batch) error {
			for _, e := range b.Pending().Events {
				e.Deliver(penstock.Place{})
			}
			return nil
		})
		err := penstock.Pipeline{Steps: []penstock.Step{streams[0].Check, streams[0].Identify}, To: to}.Write(ctx, b)
		total.Add(b.Tally())
		for _, e := range b.Events {
			if e.Verdict() == penstock.Rejected {
				t.Logf("%s: %v", e.Raw, e.Reason())
			}
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
	return rules, total.Tally()
}

func TestSniffOrders(t *testing.T) {
	var text bytes.Buffer
	if err := (orders.Generator{Seed: 4}).Write(&text, orders.CSV, 0, 12_000); err != nil { // 3.5 MB: not all of it is looked at
		t.Fatal(err)
	}
	rules, tally := judgeSniffed(t, file(t, text.String()))
	if tally.Read != 12_000 || tally.Rejected != 0 {
		t.Errorf("%v by\n%s", tally, rules)
	}
	for _, want := range []string{
		"order_id: {type: integer}", "created_at: {type: string, format: date-time}", `amount: {type: number, format: "decimal(12,2)"}`,
		"\nid: order_id", "\ntime: created_at", "required: [order_id, user_id, created_at, amount, currency, status]", "5 different values in the sample: an enum?",
	} {
		if !strings.Contains(rules, want) {
			t.Errorf("no %q in\n%s", want, rules)
		}
	}
}

func TestSniffForms(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"semicolons", "a;b\n1;2.50\n-3;10\n", `b: {type: number, format: "decimal(12,2)"}`},
		{"tabs", "a\tb\n1\ttrue\n", "b: {type: boolean}"},
		{"no header", "1,x\n2,y\n", "column_2: {type: string}"},
		{"leading zeros are text", "zip\n01234\n", "zip: {type: string}"},
		{"names that YAML takes for something else", "no,b c\n1,2\n", `"b c": {type: integer}`},
		{"integers beyond 64 bits", "count\n123456789012345678901234567890\n", "count: {type: number}"},
		{"empty", "a,b\n1,\n", "b: {type: string}   # empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rules, tally := judgeSniffed(t, file(t, c.text))
			if tally.Rejected > 0 || tally.Read == 0 || !strings.Contains(rules, c.want) {
				t.Errorf("%v; want %q in\n%s", tally, c.want, rules)
			}
		})
	}
}

// What changes only behind the head is seen: a number that becomes text in the
// middle, and records whose line breaks are within quotes.
func TestSniffLooksBehindTheHead(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,value,note\n")
	for i := range 60_000 {
		value := fmt.Sprint(i)
		if i > 20_000 {
			value = "n/a"
		}
		fmt.Fprintf(&text, "%d,%s,\"a note,\nwith \"\"lines\"\"\nof text that goes on for a while\"\n", i+1, value)
	}
	rules, tally := judgeSniffed(t, file(t, text.String()))
	if tally.Rejected > 0 || tally.Read != 60_000 || !strings.Contains(rules, "value: {type: string}") || strings.Contains(rules, "malformed") {
		t.Errorf("%v by\n%s", tally, rules)
	}
}

func TestSniffNothing(t *testing.T) {
	for _, text := range []string{"", "\n\n"} {
		if _, err := Sniff(file(t, text), UTF8, Options{}); err == nil || !strings.Contains(err.Error(), "empty") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSniffColumns: names that are given are the columns', and no header is looked
// for, also where the first record could be one.
func TestSniffColumns(t *testing.T) {
	name := file(t, "ada,x,paid\ngrace,y,new\n")
	s, err := Sniff(name, UTF8, Options{Columns: []string{"user", "-", "status"}})
	if err != nil {
		t.Fatal(err)
	}
	if rules := s.StreamFile(name); len(s.Records) != 2 || !strings.Contains(rules, "required: [user, status]") || strings.Contains(rules, `"-"`) {
		t.Errorf("%d records, and\n%s", len(s.Records), rules)
	}
	if _, err := Sniff(name, UTF8, Options{Columns: []string{"user", "status"}}); err == nil || !strings.Contains(err.Error(), "as many cells as there are columns, 2") {
		t.Errorf("two names for three columns: %v", err)
	}
}
