package reads_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock/ingest"
)

const mine = "/v1/users/7/orders"

func TestPage(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		h.put(order(1, 7, 0, "new"), order(2, 7, 1, "paid"), order(3, 8, 2, "new"))
		const want = `{"data":[{"order_id":"2","created_at":"2026-03-01T09:01:00.123456Z","status":"paid","amount":"2.50","currency":"EUR"},` +
			`{"order_id":"1","created_at":"2026-03-01T09:00:00.123456Z","status":"new","amount":"1.50","currency":"EUR"}],"next_cursor":null}` + "\n"
		for _, path := range []string{mine, "/v1/me/orders"} {
			if r := h.get("seven", path); r.status != 200 || r.body != want {
				t.Errorf("%s: %d %s\nwant %s", path, r.status, r.body, want)
			}
		}
		h.get("desk", "/v1/users/8/orders").want(t, 200, `"order_id":"3"`)
		h.get("seven", mine+"?status=paid").want(t, 200, `{"data":[{"order_id":"2",`)
		h.get("seven", mine+"?created_before=0001-01-01T00:00:00Z").want(t, 200, `{"data":[],"next_cursor":null}`) // Go's zero time
		h.get("seven", mine+"?created_before=2026-03-01T09:01:00.123456Z").want(t, 200, `{"data":[{"order_id":"1",`)
		h.get("seven", mine+"?created_after=2026-03-01T09:01:00.123456Z").want(t, 200, `{"data":[{"order_id":"2","created_at":"2026-03-01T09:01:00.123456Z","status":"paid","amount":"2.50","currency":"EUR"}],"next_cursor":null}`)
		if r := h.do("HEAD", "seven", mine); r.status != 200 || r.body != "" {
			t.Errorf("HEAD: %d %q", r.status, r.body)
		}
		if h.dsn != "" { // a column more in the table is no column more in the answer
			h.exec("ALTER TABLE orders ADD secret text DEFAULT 'canary'")
			if r := h.get("seven", mine); r.body != want {
				t.Errorf("with a new column: %s", r.body)
			}
		}
	})
}

// A user who is not the asker's and one who does not exist get the same bytes.
func TestForeignIsAsAbsent(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		h.put(order(1, 7, 0, "new"), order(2, 8, 0, "new"))
		var first reply
		for i, path := range []string{"/v1/users/8/orders", "/v1/users/9/orders", "/v1/users/9223372036854775807/orders", "/v1/users/8/orders?cursor=x"} {
			r := h.get("seven", path, "X-Request-Id", "same")
			r.header.Del("Date")
			if i == 0 {
				first = r
				first.want(t, 404, "not_found")
				continue
			}
			if r.status != first.status || r.body != first.body || fmt.Sprint(r.header) != fmt.Sprint(first.header) {
				t.Errorf("%s: %v\nis not as %v", path, r, first)
			}
		}
		// users x ids: only his own answer 200
		for key, user := range map[string]int{"seven": 7, "eight": 8} {
			for id := 1; id < 20; id++ {
				want := 404
				if id == user {
					want = 200
				}
				if r := h.get(key, fmt.Sprintf("/v1/users/%d/orders", id)); r.status != want {
					t.Errorf("%s asks for %d: %d, want %d", key, id, r.status, want)
				}
			}
		}
		h.get("shop", mine).want(t, 404, "not_found") // a key that may only send
		h.get("shop", "/v1/me/orders").want(t, 404, "not_found")
		h.get("desk", "/v1/me/orders").want(t, 404, "not_found")
	})
}

// Users of the same id in two tenants, each with orders: who asks for whom gets
// his own of his own tenant, and in all other cases the same bytes.
func TestTenants(t *testing.T) {
	tenants := strings.NewReplacer("required: [order_id,", "required: [tenant, order_id,", "    order_id:   {type", "    tenant: {type: string}\n    order_id:   {type",
		"    by: user_id\n", "    by: user_id\n    tenant: tenant\n").Replace(rules)
	both(t, settings{rules: tenants}, func(t *testing.T, h *house) {
		file := "keys:\n"
		id := 0
		want := map[string]string{} // the order that a key may see
		for _, tenant := range []string{"a", "b", ""} {
			for _, user := range []int{7, 8} {
				name := fmt.Sprint("k", tenant, user)
				secret, hash := ingest.NewKey()
				h.keys[name] = secret
				file += fmt.Sprintf("  - {name: %s, hash: %q, user: \"%d\"", name, hash, user)
				if tenant != "" {
					id++
					h.put(strings.Replace(order(id, user, 0, "new"), "{", `{"tenant":"`+tenant+`",`, 1))
					want[name] = fmt.Sprint(id)
					file += ", tenant: " + tenant
				}
				file += "}\n"
			}
		}
		keys, err := ingest.ParseKeys([]byte(file))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.door.Replace(nil, keys); err != nil {
			t.Fatal(err)
		}
		foreign := ""
		for _, tenant := range []string{"a", "b", ""} {
			for _, user := range []int{7, 8} {
				name := fmt.Sprint("k", tenant, user)
				for asked := 6; asked < 10; asked++ {
					r := h.get(name, fmt.Sprintf("/v1/users/%d/orders", asked), "X-Request-Id", "same")
					if asked == user && tenant != "" { // who has no tenant has no rows in it
						if got := ids(t, r); len(got) != 1 || got[0] != want[name] {
							t.Errorf("%s sees %v, want %s", name, got, want[name])
						}
						continue
					}
					r.header.Del("Date")
					if r.want(t, 404, "not_found"); foreign == "" {
						foreign = fmt.Sprint(r)
					}
					if fmt.Sprint(r) != foreign {
						t.Errorf("%s asks for %d: %v\nis not as %s", name, asked, r, foreign)
					}
				}
			}
		}
	})
}

// FuzzRequest: whatever is asked with user 7's key, the answer is his own orders
// or a refusal, and his id has one spelling.
func FuzzRequest(f *testing.F) {
	h := openSQLite(f, settings{})
	h.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	for _, id := range badIDs {
		f.Add(id, "")
	}
	for _, query := range append(badQueries, "", "limit=7", "status=paid", "created_after=2026-01-01T00:00:00Z", "cursor=AAAA") {
		f.Add("7", query)
	}
	f.Fuzz(func(t *testing.T, id, query string) {
		w := httptest.NewRecorder()
		h.door.ServeHTTP(w, &http.Request{Method: "GET", URL: &url.URL{Path: "/v1/users/" + id + "/orders", RawQuery: query},
			Header: http.Header{"Authorization": {"Bearer " + h.keys["seven"]}}, RemoteAddr: "127.0.0.1:1"})
		r := reply{w.Code, w.Header(), w.Body.String()}
		r.hygiene(t)
		if r.status != 200 && r.status != 400 && r.status != 404 || r.status == 200 && id != "7" || strings.Contains(r.body, `"order_id":"2"`) {
			t.Errorf("%q?%q: %d %s", id, query, r.status, r.body)
		}
	})
}

func TestBadInput(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		for _, id := range badIDs {
			h.get("seven", "/v1/users/"+id+"/orders").want(t, 400, `"code":"invalid_parameter"`)
		}
		for _, query := range badQueries {
			h.get("seven", mine+"?"+query).want(t, 400, `"code":"invalid_parameter"`)
		}
		for _, path := range []string{"/v1/users//orders", "/v1/users/7/orders/", "/v1/users/7/Orders", "/v1/users/7/orders/1", "/v1/users/7", "/v1/me/", "/v1/me/orders/", "/v1/users/7%2forders", "/v1/users/8/%2e%2e/7/orders"} {
			h.get("seven", path).want(t, 404, "not_found")
		}
		for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
			r := h.do(method, "seven", mine)
			r.want(t, 405, "method_not_allowed")
			if r.header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s: Allow is %q", method, r.header.Get("Allow"))
			}
		}
	})
}

func TestKeys(t *testing.T) {
	h := openSQLite(t, settings{})
	r := h.get("", mine)
	r.want(t, 401, "unauthenticated")
	if r.header.Get("WWW-Authenticate") == "" {
		t.Error("401 without WWW-Authenticate")
	}
	h.get("", mine+"?api_key="+h.keys["seven"]).want(t, 401, "unauthenticated")
	h.get("", mine, "Authorization", "Bearer "+h.keys["seven"]+"x").want(t, 401, "unauthenticated")
	h.get("", mine, "Authorization", "Basic "+h.keys["seven"]).want(t, 401, "unauthenticated")
	h.get("seven", mine, "X-API-Key", h.keys["eight"]).want(t, 401, "unauthenticated")
	h.get("", mine, "X-API-Key", h.keys["seven"]).want(t, 200, "data")
	keys, err := ingest.ParseKeys([]byte("keys:\n  - {name: x, hash: \"" + ingest.HashKey("other") + "\", users: \"*\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.door.Replace(nil, keys); err != nil {
		t.Fatal(err)
	}
	h.get("seven", mine).want(t, 401, "unauthenticated") // revoked from the next request on
}

func TestCursor(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		for i := range 5 {
			h.put(order(i+1, 7, i, "new"), order(i+11, 8, i, "new"))
		}
		next := nextCursor(t, h.get("seven", mine+"?limit=2"))
		h.get("seven", mine+"?limit=3&cursor="+next).want(t, 200, `{"data":[{"order_id":"3",`) // another limit is the same question
		bad := map[string]string{
			"empty": "", "garbage": "garbage", "truncated": next[:len(next)-2], "padded": next + "=", "longer": next + "AA", "huge": strings.Repeat("A", 5000),
			"line break": next[:10] + "%0A" + next[10:], "space": next + "%20",
		}
		for i := range next { // any character another
			other := byte('A')
			if next[i] == 'A' {
				other = 'B'
			}
			bad[fmt.Sprint("character ", i)] = next[:i] + string(other) + next[i+1:]
		}
		for name, cursor := range bad {
			if r := h.get("seven", mine+"?limit=2&cursor="+cursor); r.status != 400 || !strings.Contains(r.body, "invalid_cursor") {
				t.Errorf("%s: %d %s", name, r.status, r.body)
			}
		}
		h.get("eight", "/v1/users/8/orders?cursor="+next).want(t, 400, "invalid_cursor")
		h.get("desk", "/v1/users/8/orders?cursor="+next).want(t, 400, "invalid_cursor")
		h.get("seven", mine+"?status=new&cursor="+next).want(t, 400, "invalid_cursor")
		h.get("seven", mine+"?created_after=2020-01-01T00:00:00Z&cursor="+next).want(t, 400, "invalid_cursor")
		h.get("seven", mine+"?cursor="+next+"&cursor="+next).want(t, 400, "invalid_parameter")
	})
}

func nextCursor(t testing.TB, r reply) string {
	t.Helper()
	var page struct {
		Next *string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(r.body), &page); err != nil || r.status != 200 {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	if page.Next == nil {
		return ""
	}
	if link := r.header.Get("Link"); !strings.Contains(link, *page.Next) || !strings.HasSuffix(link, `rel="next"`) {
		t.Errorf("Link is %q", link)
	}
	return *page.Next
}

func ids(t testing.TB, r reply) []string {
	t.Helper()
	var page struct {
		Data []struct {
			ID string `json:"order_id"`
		}
	}
	if err := json.Unmarshal([]byte(r.body), &page); err != nil {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	var all []string
	for _, row := range page.Data {
		all = append(all, row.ID)
	}
	return all
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time goes by
		h := openSQLite(t, settings{rate: 0.25}) // bursts of 1 for a principal, of 2 for the address
		h.get("seven", mine).want(t, 200, "data")
		r := h.get("seven", mine)
		r.want(t, 429, "rate_limited")
		if r.header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		// The address is used up now, whoever asks, and whatever he says of it.
		h.get("eight", "/v1/users/8/orders", "X-Forwarded-For", "10.0.0.1").want(t, 429, "rate_limited")
		h.get("", mine, "X-Forwarded-For", "10.0.0.2").want(t, 429, "rate_limited")
	})
}

// Behind a proxy of ours the rate is that of whom it names; what stands further
// left anybody may have written.
func TestTrustedProxies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time goes by
		h := openSQLite(t, settings{rate: 0.25, proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}})
		from := func(header string) int { return h.get("", mine, "X-Forwarded-For", header).status }
		for _, test := range []struct {
			header string
			want   int
		}{
			{"203.0.113.1", 401}, {"203.0.113.1", 401}, {"203.0.113.1", 429}, // bursts of 2
			{"203.0.113.2", 401},                       // another one
			{"203.0.113.9, 203.0.113.1", 429},          // what he writes himself does not help
			{"203.0.113.1, 10.1.2.3", 429},             // two proxies
			{"203.0.113.1:4711", 429},                  // with a port
			{"2001:db8::1", 401}, {"2001:db8::2", 401}, // one network of IPv6 is one
			{"2001:db8::3", 429}, {"2001:db8:0:1::1", 401},
			{"nonsense", 401}, {"nonsense", 401}, {"", 429}, // the proxy itself
		} {
			if got := from(test.header); got != test.want {
				t.Errorf("%q: %d, want %d", test.header, got, test.want)
			}
		}
		if !strings.Contains(h.log.String(), `"address":"203.0.113.2"`) {
			t.Error("the audit log does not name the address")
		}
	})
}

// Many users over two connections, half of them hanging up: nobody ever sees
// another's order, and the connections stay good.
func TestConnectionsLeakNothing(t *testing.T) {
	h := openPostgres(t, settings{connections: 2})
	const users = 50
	file := "keys:\n"
	var texts []string
	for u := 1; u <= users; u++ {
		secret, hash := ingest.NewKey()
		h.keys[fmt.Sprint("u", u)] = secret
		file += fmt.Sprintf("  - {name: u%d, hash: %q, user: \"%d\"}\n", u, hash, u)
		texts = append(texts, order(u, u, 0, "new"))
	}
	h.put(texts...)
	keys, err := ingest.ParseKeys([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.door.Replace(nil, keys); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	answered := 0
	for worker := range 10 {
		wg.Go(func() {
			for i := range 100 {
				u := 1 + (worker*37+i*11)%users
				req, _ := http.NewRequest("GET", h.server.URL+"/v1/me/orders", nil)
				req.Header.Set("Authorization", "Bearer "+h.keys[fmt.Sprint("u", u)])
				if i%2 == 1 {
					cancelled(req, i)
					continue
				}
				r := h.get(fmt.Sprint("u", u), "/v1/me/orders")
				if r.status == 503 {
					continue // the connections were busy
				}
				if got := ids(t, r); len(got) != 1 || got[0] != fmt.Sprint(u) {
					t.Errorf("user %d sees %v", u, got)
				}
				mu.Lock()
				answered++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if answered < 100 {
		t.Errorf("only %d requests were answered", answered)
	}
}

// PostgreSQL that was away for a moment leaves dead connections behind, which no
// request gets to see.
func TestDeadConnections(t *testing.T) {
	h := openPostgres(t, settings{})
	h.put(order(1, 7, 0, "paid"))
	var warm sync.WaitGroup
	for range 8 {
		warm.Go(func() { h.get("seven", "/v1/users/7/orders").want(t, 200, `"order_id":"1"`) })
	}
	warm.Wait()
	h.exec("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'penstock-reads'")
	for range 8 {
		h.get("seven", "/v1/users/7/orders").want(t, 200, `"order_id":"1"`)
	}
}

func TestLockedTable(t *testing.T) {
	h := openPostgres(t, settings{connections: 2, timeout: locked})
	h.put(order(1, 7, 0, "new"))
	conn, err := pgx.Connect(t.Context(), h.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK orders"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { h.get("seven", mine).want(t, 503, "unavailable") })
	}
	wg.Wait()
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	h.get("seven", mine).want(t, 200, `"order_id":"1"`)
	h.exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '" + role + "' AND datname = current_database()")
	if r := h.get("seven", mine); r.status == 503 && r.header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	h.get("seven", mine).want(t, 200, `"order_id":"1"`)
	h.exec("ALTER TABLE orders RENAME TO gone")
	h.get("seven", mine).want(t, 503, "unavailable")
}

func TestAudit(t *testing.T) {
	h := openSQLite(t, settings{})
	h.put(order(1, 7, 0, "new"))
	h.get("seven", mine)
	h.get("seven", "/v1/users/8/orders")
	h.get("", mine)
	h.get("seven", mine+"?x=%0d%0aforged")
	h.get("seven", "/v1/users/%0d%0aforged/orders")
	h.panics.Store(true)
	h.get("seven", mine)
	want := []string{"key:seven 7 200 1", "key:seven  404 0", "  401 0", "key:seven 7 400 0", "key:seven  400 0", "key:seven 7 500 0"}
	if got := audited(h); !slices.Equal(got, want) {
		t.Errorf("audited:\n%q\nwant\n%q", got, want)
	}
}

// audited are the lines of the audit log.
func audited(h *house) (got []string) {
	for line := range strings.Lines(h.log.String()) {
		var r struct {
			Msg, Principal, User string
			Status, Rows         int
		}
		if json.Unmarshal([]byte(line), &r) == nil && r.Msg == "read" {
			got = append(got, fmt.Sprint(r.Principal, " ", r.User, " ", r.Status, " ", r.Rows))
		}
	}
	return got
}
