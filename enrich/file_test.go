package enrich_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	rewrite(t, path, text)
	return path
}

func rewrite(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func customers(path string) stream.Lookup {
	return stream.Lookup{Name: "customer", File: path, Match: userID, Column: "user_id", Add: added, Missing: stream.PolicyDefault}
}

func TestFileForms(t *testing.T) {
	withCredit := append(append([]stream.Added(nil), added...), stream.Added{From: "credit", Slot: credit})
	for name, text := range map[string]string{
		"c.csv":    "\xef\xbb\xbfcredit,tier,user_id,country\r\n1.5,gold,1,SE\r\n,\"a \"\"b\"\"\",2,\r\n",
		"c.json":   `[{"user_id":1,"country":"SE","tier":"gold","credit":1.5,"more":{"x":[1]}},` + "\n" + `{"credit":null,"user_id":"2","country":null,"tier":"a \"b\""}]`,
		"c.ndjson": `{"user_id":1,"country":"SE","tier":"gold","credit":"1.50"}` + "\n" + `{"credit":null,"user_id":2,"country":null,"tier":"a \u0022b\u0022"}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := customers(writeFile(t, name, text))
			l.Add = withCredit
			x := open(t, enrich.Options{}, l)
			wantStep(t, x, penstock.IntValue(1), "SE", "gold", "1.50")
			wantStep(t, x, penstock.IntValue(2), "null", `a "b"`, "null")
			wantStep(t, x, penstock.IntValue(3), "unknown", "none", "absent")
		})
	}
}

func TestBrokenFilesSayWhere(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"c.csv", "", "name the columns"},
		{"c.csv", "user_id,country\n", `no column "tier"`},
		{"c.csv", "user_id,country,tier,tier\n", `two columns "tier"`},
		{"c.csv", "user_id,country,tier\n1,a,b\n2,a,b\n1,c,d\n", "line 4: the key \"1\""},
		{"c.csv", "user_id,country,tier\n1,a\n", "line 2"},
		{"c.csv", "user_id,country,tier\n1,a,\xff\n", "line 2: tier: not valid UTF-8"},
		{"c.json", `[{"user_id":1},{"user_id":1}]`, "object 2: the key"},
		{"c.json", `[{"user_id":1,"tier":"a","tier":"b"}]`, "duplicate"},
		{"c.json", `[{"user_id":1}`, "unexpected EOF"},
		{"c.json", `{"user_id":1} 5`, "value 2 is not an object"},
		{"c.json", `[[{"user_id":1}]]`, "value 1 is not an object"},
		{"c.json", `]`, "invalid character"},
		{"c.json", `{"user_id":1}]`, "invalid character"},
		{"c.json", `[`, "unexpected EOF"},
		{"c.json", `{"user_id":1e-90000000}`, "object 1: no event can have the number 1e-90000000 to match"},
		{"c.json", `{"country":"SE"}`, "object 1: has no text or number to match"},
		{"c.json", `{"user_id":1,"tier":{"a":1}}`, "tier: is a JSON object"},
	} {
		path := writeFile(t, c.name, c.text)
		x, err := enrich.New(t.Context(), ordersStream(customers(path)), enrich.Options{})
		if err == nil {
			x.Close()
			t.Errorf("%q accepted", c.text)
		} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error %q does not say %q and the path", c.text, err, c.want)
		}
	}
}

// The clock is the bubble's, the files are real.
func TestReload(t *testing.T) {
	path := writeFile(t, "c.csv", "user_id,country,tier\n1,SE,gold\n")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		x, err := enrich.New(t.Context(), ordersStream(customers(path)), enrich.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		tick := func() { time.Sleep(time.Second); synctest.Wait() }
		wantStale := func(want bool) {
			t.Helper()
			if s := x.Stats()[0]; s.Stale != want {
				t.Errorf("stale is %v: %+v", s.Stale, s)
			}
		}

		rewrite(t, path, "user_id,country,tier\n1,NO,gold\n")
		tick()
		wantStep(t, x, penstock.IntValue(1), "SE", "gold") // not quiet for a second yet
		tick()
		wantStep(t, x, penstock.IntValue(1), "NO", "gold")

		for i := range 10 { // a file that is being written is left alone
			rewrite(t, path, "user_id,country,tier\n"+strings.Repeat("x", i)+"1,FI,gold\n")
			tick()
		}
		wantStep(t, x, penstock.IntValue(1), "NO", "gold")
		rewrite(t, path, "user_id,country,tier\n1,FI")
		for range 5 {
			tick()
		}
		wantStep(t, x, penstock.IntValue(1), "NO", "gold")
		wantStale(true)

		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			tick()
		}
		wantStep(t, x, penstock.IntValue(1), "NO", "gold")
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
			t.Errorf("%d errors logged, want one for each fault:\n%s", n, log.String())
		}

		rewrite(t, path+".new", "user_id,country,tier\n1,FI,silver\n")
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		tick()
		tick()
		wantStep(t, x, penstock.IntValue(1), "FI", "silver")
		wantStale(false)
		if s := x.Stats()[0]; s.Broken != 1 {
			t.Errorf("stats %+v", s)
		}
	})
}

// Readers must see one version of a row or the other, whole, while files are
// swapped under them.
func TestReloadDuringReads(t *testing.T) {
	text := func(version int) string {
		var b strings.Builder
		b.WriteString("user_id,country,tier\n")
		for i := range 1000 {
			fmt.Fprintf(&b, "%d,v%d-%d,v%d-%d\n", i, version, i, version, i)
		}
		return b.String()
	}
	path := writeFile(t, "c.csv", text(0))
	x := open(t, enrich.Options{}, customers(path))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for i := int64(0); ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				e := order(penstock.IntValue(i % 1000))
				if err := x.Step(t.Context(), e); err != nil {
					t.Error(err)
					return
				}
				c, d := e.Values[country].String(), e.Values[tier].String()
				if c != d || !strings.HasSuffix(c, fmt.Sprintf("-%d", i%1000)) {
					t.Errorf("order %d got %s and %s", i, c, d)
					return
				}
			}
		})
	}
	deadline := time.Now().Add(15 * time.Second)
	for version := 1; version <= 2; version++ {
		rewrite(t, path+".new", text(version))
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("v%d-7", version)
		for e := order(penstock.IntValue(7)); e.Values[country].String() != want; {
			if time.Now().After(deadline) {
				t.Fatalf("version %d is not read", version)
			}
			if err := x.Step(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			runtime.Gosched()
		}
	}
	close(stop)
	readers.Wait()
}

func bigFile(t testing.TB, rows int) string {
	var b bytes.Buffer
	b.WriteString("user_id,country,tier\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%c%c,%s\n", i, 'A'+i%26, 'A'+i/26%26, []string{"gold", "silver", "basic"}[i%3])
	}
	path := filepath.Join(t.TempDir(), "big.csv")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFileLookupAllocatesNothing(t *testing.T) {
	x := open(t, enrich.Options{}, customers(bigFile(t, 1000)))
	e, ctx := order(), t.Context()
	var n int64
	if allocs := testing.AllocsPerRun(1000, func() {
		e.Values[userID] = penstock.IntValue(n % 2000)
		if err := x.Step(ctx, e); err != nil {
			t.Fatal(err)
		}
		n++
	}); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// One number is one question, however it and the file's key are written.
func TestNumbersAreLookedUpByWorth(t *testing.T) {
	csv := customers(writeFile(t, "c.csv", "user_id,country,tier\n1,SE,gold\n1.5,NO,x\n"))
	json := customers(writeFile(t, "c.json", `[{"user_id":10e-1,"country":"SE","tier":"gold"},{"user_id":1.50,"country":"NO","tier":"x"}]`))
	for _, l := range []stream.Lookup{csv, json} {
		x := open(t, enrich.Options{}, l)
		for _, literal := range []string{"1.0", "1e0", "0.1e1"} {
			wantStep(t, x, penstock.Value{Kind: penstock.Number, Bytes: []byte(literal)}, "SE", "gold")
		}
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
		wantStep(t, x, penstock.Value{Kind: penstock.Number, Bytes: []byte("15e-1")}, "NO", "x")
	}
}

func BenchmarkFileLookup(b *testing.B) {
	for _, rows := range []int{4096, 1_000_000} {
		b.Run(fmt.Sprint(rows, " rows"), func(b *testing.B) {
			path := bigFile(b, rows)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			x := open(b, enrich.Options{}, customers(path))
			load := time.Since(start)
			runtime.GC()
			runtime.ReadMemStats(&after)
			e, ctx := order(), b.Context()
			b.ReportAllocs()
			n := uint64(1)
			for b.Loop() {
				n = n*6364136223846793005 + 1442695040888963407
				e.Values[userID] = penstock.IntValue(int64(n>>33) % int64(rows))
				if err := x.Step(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(load.Seconds(), "s-to-load")
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(rows), "B/row")
		})
	}
}
