package orders_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/penstock-io/penstock/internal/orders"
)

var update = flag.Bool("update", false, "write the golden files anew")

var forms = []orders.Form{orders.NDJSON, orders.Array, orders.CSV, orders.CloudEvents, orders.CloudEventBatch}

// The golden files freeze the generator: figures and bug reports name orders
// by seed and number.
func TestGolden(t *testing.T) {
	for _, f := range forms {
		var got bytes.Buffer
		if err := (orders.Generator{Seed: 7, Bad: 0.3}).Write(&got, f, 100, 12); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", f.String())
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%s differs from %s; run with -update if that is meant", f, path)
		}
	}
}

// Good orders say the same in every form, read by the standard library.
func TestFormsAgree(t *testing.T) {
	const count = 2000
	g := orders.Generator{Seed: 3}
	texts := map[orders.Form]*bytes.Buffer{}
	for _, f := range forms {
		texts[f] = new(bytes.Buffer)
		if err := g.Write(texts[f], f, 0, count); err != nil {
			t.Fatal(err)
		}
	}
	type row struct {
		OrderID   int64           `json:"order_id"`
		UserID    int64           `json:"user_id"`
		CreatedAt string          `json:"created_at"`
		Amount    json.RawMessage `json:"amount"`
		Currency  string          `json:"currency"`
		Status    string          `json:"status"`
		Email     *string         `json:"email"`
		Note      *string         `json:"note"`
	}
	type cloudEvent struct {
		ID   string `json:"id"`
		Data row    `json:"data"`
	}
	var array []row
	var batch []cloudEvent
	decode(t, texts[orders.Array], &array)
	decode(t, texts[orders.CloudEventBatch], &batch)
	records, err := csv.NewReader(texts[orders.CSV]).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(array) != count || len(batch) != count || len(records) != count+1 {
		t.Fatalf("%d, %d, %d orders", len(array), len(batch), len(records)-1)
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	cells := func(r row) string {
		return fmt.Sprintf("%q", []string{fmt.Sprint(r.OrderID), fmt.Sprint(r.UserID), r.CreatedAt,
			strings.Trim(string(r.Amount), `"`), r.Currency, r.Status, text(r.Email), text(r.Note)})
	}
	for n := range count {
		var o orders.Order
		g.Order(uint64(n), &o)
		var line row
		var event cloudEvent
		decode(t, next(texts[orders.NDJSON]), &line)
		decode(t, next(texts[orders.CloudEvents]), &event)
		want := fmt.Sprintf("%q", records[n+1])
		for form, got := range map[string]string{"ndjson": cells(line), "array": cells(array[n]), "cloudevents": cells(event.Data), "batch": cells(batch[n].Data)} {
			if got != want {
				t.Fatalf("order %d: %s has %s, csv %s", n, form, got, want)
			}
		}
		if line.OrderID != o.ID || line.CreatedAt != o.CreatedAt.Format(time.RFC3339Nano) || text(line.Note) != string(o.Note) || (line.Email == nil) != (o.Email == nil) {
			t.Fatalf("order %d is %+v, written %s", n, o, want)
		}
		if event.ID != fmt.Sprint(o.ID) || batch[n].ID != event.ID {
			t.Fatalf("order %d has the event id %s", n, event.ID)
		}
	}
}

func next(b *bytes.Buffer) io.Reader {
	line, _ := b.ReadBytes('\n')
	return bytes.NewReader(line)
}

func decode(t *testing.T, in io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(in).Decode(into); err != nil {
		t.Fatal(err)
	}
}

func TestShareAndUsers(t *testing.T) {
	const count = 50_000
	for _, g := range []orders.Generator{{}, {Seed: 1, Bad: 0.01, Users: 10}, {Seed: 2, Bad: 0.5, Users: 1}, {Bad: 1}} {
		users, bad := map[int64]int{}, 0
		kinds := map[string]bool{}
		var o orders.Order
		for n := range uint64(count) {
			g.Order(n, &o)
			users[o.UserID]++
			if f, is := o.Fault(orders.NDJSON); is {
				bad++
				kinds[f.Name] = true
			}
		}
		want := g.Users
		if want == 0 {
			want = 4096
		}
		if len(users) != want || users[1] == 0 || users[0] != 0 {
			t.Errorf("%+v: %d users", g, len(users))
		}
		if share := float64(bad) / count; math.Abs(share-g.Bad) > 0.01 {
			t.Errorf("%+v: share of bad ones %v", g, share)
		}
		if g.Bad > 0 && len(kinds) < 25 {
			t.Errorf("%+v: %d kinds of faults", g, len(kinds))
		}
	}
}

func TestPartsMakeTheWhole(t *testing.T) {
	g := orders.Generator{Seed: 9, Bad: 0.2}
	var whole, parts bytes.Buffer
	if err := g.Write(&whole, orders.NDJSON, 0, 1000); err != nil {
		t.Fatal(err)
	}
	for from := uint64(0); from < 1000; from += 125 {
		if err := g.Write(&parts, orders.NDJSON, from, 125); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(whole.Bytes(), parts.Bytes()) {
		t.Error("the parts differ from the whole")
	}
	if lines := bytes.Count(whole.Bytes(), []byte("\n")); lines != 1000 {
		t.Errorf("%d lines", lines)
	}
}

func TestNoOrders(t *testing.T) {
	for f, want := range map[orders.Form]string{orders.NDJSON: "", orders.Array: "[\n\n]\n", orders.CSV: "order_id,user_id,created_at,amount,currency,status,email,note\n"} {
		var got bytes.Buffer
		if err := (orders.Generator{}).Write(&got, f, 0, 0); err != nil || got.String() != want {
			t.Errorf("%s: %q, %v", f, got.String(), err)
		}
	}
}

type fullDisk struct{}

var errFull = errors.New("disk full")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestWriteErrors(t *testing.T) {
	if err := (orders.Generator{}).Write(fullDisk{}, orders.NDJSON, 0, 10); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if _, err := orders.ParseForm("xml"); err == nil || !strings.Contains(err.Error(), "ndjson") {
		t.Error(err)
	}
	for _, f := range forms {
		if got, err := orders.ParseForm(f.String()); got != f || err != nil {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

func BenchmarkWrite(b *testing.B) {
	for _, f := range forms {
		b.Run(f.String(), func(b *testing.B) {
			const count = 10_000
			var c counter
			for b.Loop() {
				if err := (orders.Generator{Seed: 1, Bad: 0.01}).Write(&c, f, 0, count); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)*count/b.Elapsed().Seconds()/1e6, "Morders/s")
			b.ReportMetric(float64(c.bytes)/float64(b.N)/count, "B/order")
		})
	}
}
