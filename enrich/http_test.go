package enrich_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/stream"
)

func httpLookup(url string) stream.Lookup {
	return stream.Lookup{
		Name: "customer", HTTP: &stream.HTTPLookup{URL: url},
		Match: userID, Add: added, Missing: stream.PolicyDefault, OnError: stream.PolicyRetry,
		TTL: time.Hour, NegativeTTL: time.Hour, Timeout: time.Minute, // a busy machine takes its time
	}
}

// inside returns a client whose requests are answered without a network, so that
// a bubble's clock goes on while one waits, and counts them.
func inside(handle http.HandlerFunc) (client *http.Client, asked *atomic.Int64) {
	asked = new(atomic.Int64)
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		w := httptest.NewRecorder()
		handle(w, r)
		return w.Result(), r.Context().Err()
	})}, asked
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// serve starts a server that counts the requests it gets.
func serve(t testing.TB, handle http.HandlerFunc) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestHTTPAnswers(t *testing.T) {
	answers := map[string]string{
		"/1": `{"country":"SE","tier":"gold","other":[{}]}`,
		"/2": `{"tier":3,"country":null}`,
		"/3": `{"tier":true}`,
		"/5": `[{"country":"SE"}]`,
		"/6": `{"country":"SE","country":"NO"}`,
		"/7": `{"country":"SE"} {}`,
		"/8": `{"country":{"code":"SE"}}`,
		"/9": `{"country":"` + strings.Repeat("S", 70_000) + `"}`,
		"/0": `{"country":"S`,
	}
	url, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, ok := answers[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, body)
	})
	for n, want := range map[int64][]string{
		1: {"SE", "gold"}, 2: {"null", "3"}, 3: {"absent", "true"}, 4: {"unknown", "none"},
		5: {"error"}, 6: {"error"}, 7: {"error"}, 8: {"error"}, 9: {"error"}, 0: {"error"},
	} {
		x := open(t, enrich.Options{}, httpLookup(url+"/{}"))
		before := asked.Load()
		for range 2 {
			wantStep(t, x, penstock.IntValue(n), want...)
		}
		if times := asked.Load() - before; want[0] != "error" && times != 1 || want[0] == "error" && times != 2 {
			t.Errorf("/%d was asked for %d times", n, times)
		}
	}
}

func TestHTTPRetries(t *testing.T) {
	for _, c := range []struct {
		name    string
		fail    func(w http.ResponseWriter)
		retried bool
	}{
		{"500", func(w http.ResponseWriter) { w.WriteHeader(500) }, true},
		{"503", func(w http.ResponseWriter) { w.WriteHeader(503) }, true},
		{"429", func(w http.ResponseWriter) { w.WriteHeader(429) }, true},
		{"connection lost", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true},
		{"cut short", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"country":`)
		}, true},
		{"400", func(w http.ResponseWriter) { w.WriteHeader(400) }, false},
		{"204", func(w http.ResponseWriter) { w.WriteHeader(204) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var n atomic.Int64
			url, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if n.Add(1) <= 2 {
					c.fail(w)
					return
				}
				io.WriteString(w, `{"country":"SE","tier":"gold"}`)
			})
			l := httpLookup(url + "/{}")
			l.HTTP.Retries = 2
			x := open(t, enrich.Options{}, l)
			if c.retried {
				wantStep(t, x, penstock.IntValue(1), "SE", "gold")
			} else {
				wantStep(t, x, penstock.IntValue(1), "error")
			}
			if want := map[bool]int64{true: 3, false: 1}[c.retried]; asked.Load() != want {
				t.Errorf("asked %d times, want %d", asked.Load(), want)
			}
		})
	}
}

// A value is data: it cannot leave its place in the URL.
func TestHTTPValuesAreEscaped(t *testing.T) {
	asksFor(t, "/users/{}/x?also={}", map[string]string{
		"a b+c&d=e":  "/users/a%20b%2Bc%26d%3De/x?also=a%20b%2Bc%26d%3De",
		"a?b#c%41":   "/users/a%3Fb%23c%2541/x?also=a%3Fb%23c%2541",
		"%2e%2e":     "/users/%252e%252e/x?also=%252e%252e",
		"é\n":        "/users/%C3%A9%0A/x?also=%C3%A9%0A",
		"{}":         "/users/%7B%7D/x?also=%7B%7D",
		"..":         "",
		".":          "",
		"../admin":   "",
		"a/b":        "",
		"/":          "",
		`a\b`:        "",
		`a\..\admin`: "",
		"":           "",
	})
}

// In the query there are no segments to leave.
func TestHTTPValuesInTheQuery(t *testing.T) {
	asksFor(t, "/users?type={}", map[string]string{
		"text/html": "/users?type=text%2Fhtml",
		"..":        "/users?type=..",
		"a&b=c":     "/users?type=a%26b%3Dc",
	})
}

// asksFor looks values up, and compares what the service was asked for; "" is nothing.
func asksFor(t *testing.T, template string, asked map[string]string) {
	t.Helper()
	var last atomic.Value
	url, count := serve(t, func(w http.ResponseWriter, r *http.Request) {
		last.Store(r.RequestURI)
		io.WriteString(w, `{"country":"SE"}`)
	})
	l := httpLookup(url + template)
	l.Match = email
	x := open(t, enrich.Options{}, l)
	for value, want := range asked {
		before := count.Load()
		if err := x.Step(t.Context(), order(penstock.IntValue(1), penstock.TextValue(value))); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		switch {
		case want == "" && count.Load() != before:
			t.Errorf("%q was asked for: %v", value, last.Load())
		case want != "" && last.Load() != want:
			t.Errorf("%q gave %v, want %s", value, last.Load(), want)
		}
	}
}

// What is gone is no longer known, as what never was.
func TestHTTPGone(t *testing.T) {
	url, asked := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	x := open(t, enrich.Options{}, httpLookup(url+"/{}"))
	for range 2 {
		wantStep(t, x, penstock.IntValue(1), "unknown", "none")
	}
	if s := x.Stats()[0]; asked.Load() != 1 || s.Missing != 2 || s.Errors != 0 {
		t.Errorf("asked %d times, %+v", asked.Load(), s)
	}
}

func TestHTTPRedirects(t *testing.T) {
	elsewhere, stolen := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"country":"XX"}`) })
	url, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1":
			http.Redirect(w, r, "/found", http.StatusFound)
		case "/found":
			io.WriteString(w, `{"country":"SE","tier":"gold"}`)
		case "/2":
			http.Redirect(w, r, elsewhere+"/2", http.StatusFound)
		default:
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		}
	})
	for _, client := range []*http.Client{nil, {CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}} {
		l := httpLookup(url + "/{}")
		l.HTTP.Retries = 1
		x := open(t, enrich.Options{HTTPClient: client}, l)
		before := asked.Load()
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
		wantStep(t, x, penstock.IntValue(2), "error")
		wantStep(t, x, penstock.IntValue(3), "error")
		if times := asked.Load() - before; times != 2+1+4 { // a redirect that is not followed is not tried again
			t.Errorf("asked %d times, want 7", times)
		}
	}
	if stolen.Load() != 0 {
		t.Error("a redirect to another host was followed")
	}
}

func TestHTTPTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, _ := inside(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		l := httpLookup("http://inside/{}")
		l.Timeout = 20 * time.Millisecond
		x := open(t, enrich.Options{HTTPClient: client}, l)
		start := time.Now()
		wantStep(t, x, penstock.IntValue(1), "error")
		if took := time.Since(start); took != l.Timeout {
			t.Errorf("gave up after %v, want %v", took, l.Timeout)
		}
	})
}

func TestHTTPOneFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, asked := inside(func(w http.ResponseWriter, _ *http.Request) {
			<-release
			io.WriteString(w, `{"country":"SE","tier":"gold"}`)
		})
		x := open(t, enrich.Options{HTTPClient: client}, httpLookup("http://inside/{}"))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { wantStep(t, x, penstock.IntValue(1), "SE", "gold") })
		}
		synctest.Wait()
		if n := x.Stats()[0].Misses; n != 50 {
			t.Errorf("%d of 50 wait for the answer", n)
		}
		close(release)
		all.Wait()
		if n := asked.Load(); n != 1 {
			t.Errorf("50 events asked %d times", n)
		}
	})
}

// After five failures in a row a source is left alone, and it is found again.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		client, asked := inside(func(w http.ResponseWriter, r *http.Request) {
			if broken.Load() {
				w.WriteHeader(500)
				return
			}
			fmt.Fprintf(w, `{"country":"SE","tier":"%s"}`, r.URL.Path[1:])
		})
		x := open(t, enrich.Options{HTTPClient: client}, httpLookup("http://inside/{}"))
		for i := range int64(100) {
			wantStep(t, x, penstock.IntValue(i), "error")
		}
		if asked.Load() != 5 {
			t.Errorf("a failing source was asked %d times", asked.Load())
		}
		err := x.Step(t.Context(), order(penstock.IntValue(1)))
		if err == nil || !strings.Contains(err.Error(), "500 Internal") || !strings.Contains(err.Error(), "asked again in 1s") {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Second)
		wantStep(t, x, penstock.IntValue(7), "error") // the one that is let through
		broken.Store(false)
		time.Sleep(time.Second)
		wantStep(t, x, penstock.IntValue(7), "error") // the rest is twice as long
		time.Sleep(time.Second)
		wantStep(t, x, penstock.IntValue(7), "SE", "7")
		wantStep(t, x, penstock.IntValue(8), "SE", "8")
	})
}

// A value that the source will have none of says nothing of the source: no
// sender can have it left alone by asking nonsense.
func TestBreakerIgnoresValues(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/1":
			io.WriteString(w, `{"country":"SE","tier":"gold"}`)
		case "/2":
			io.WriteString(w, `{"country":{}}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	overflow := "select country, tier from customers where user_id = abs($1)"
	for _, l := range []stream.Lookup{httpLookup(url + "/{}"), sqlLookup("sqlite:"+sqliteFile(t), overflow, stream.PolicyRetry)} {
		x := open(t, enrich.Options{}, l)
		for range 10 {
			wantStep(t, x, penstock.IntValue(math.MinInt64), "error")
			if l.HTTP != nil {
				wantStep(t, x, penstock.IntValue(2), "error")
			}
		}
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
	}
}

func TestTTLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var present atomic.Bool
		client, asked := inside(func(w http.ResponseWriter, r *http.Request) {
			if !present.Load() {
				http.NotFound(w, r)
				return
			}
			io.WriteString(w, `{"country":"SE","tier":"gold"}`)
		})
		l := httpLookup("http://inside/{}")
		l.NegativeTTL = 20 * time.Second
		x := open(t, enrich.Options{HTTPClient: client}, l)
		wantStep(t, x, penstock.IntValue(1), "unknown", "none")
		present.Store(true)
		time.Sleep(10 * time.Second)
		wantStep(t, x, penstock.IntValue(1), "unknown", "none")
		time.Sleep(15 * time.Second) // times are spread by a tenth
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
		present.Store(false)
		time.Sleep(25 * time.Second)
		wantStep(t, x, penstock.IntValue(1), "SE", "gold")
		if asked.Load() != 2 {
			t.Errorf("asked %d times", asked.Load())
		}
	})
}

// negative_ttl: 0 means that a value unknown now is asked for again next time.
func TestNoTTLKeepsNothing(t *testing.T) {
	url, asked := serve(t, http.NotFound)
	l := httpLookup(url + "/{}")
	l.NegativeTTL = 0
	x := open(t, enrich.Options{}, l)
	for range 3 {
		wantStep(t, x, penstock.IntValue(1), "unknown", "none")
	}
	if asked.Load() != 3 || x.Stats()[0].Entries != 0 {
		t.Errorf("asked %d times, %+v", asked.Load(), x.Stats())
	}
}

func TestURLFromTheEnvironment(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"country":"SE","tier":"gold"}`) })
	t.Setenv("PENSTOCK_TEST_URL", url)
	x := open(t, enrich.Options{}, httpLookup("${PENSTOCK_TEST_URL}/{}"))
	wantStep(t, x, penstock.IntValue(1), "SE", "gold")
}

func BenchmarkRememberedAnswer(b *testing.B) {
	url, _ := serve(b, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"country":"SE","tier":"gold"}`) })
	x := open(b, enrich.Options{}, httpLookup(url+"/{}"))
	e, ctx := order(), b.Context()
	n := int64(0)
	b.ReportAllocs()
	for b.Loop() {
		e.Values[userID] = penstock.IntValue(n % 1000)
		if err := x.Step(ctx, e); err != nil {
			b.Fatal(err)
		}
		n++
	}
}
