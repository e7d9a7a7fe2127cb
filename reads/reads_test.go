package reads_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

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

func TestTenants(t *testing.T) {
	tenants := strings.NewReplacer("required: [order_id,", "required: [tenant, order_id,", "    order_id:   {type", "    tenant: {type: string}\n    order_id:   {type",
		"    by: user_id\n", "    by: user_id\n    tenant: tenant\n").Replace(rules)
	both(t, settings{rules: tenants}, func(t *testing.T, h *house) {
		with := func(tenant, text string) string { return strings.Replace(text, "{", `{"tenant":"`+tenant+`",`, 1) }
		h.put(with("a", order(1, 7, 0, "new")), with("b", order(2, 7, 0, "new")))
		h.get("seven", mine).want(t, 404, "not_found") // he has no tenant
		secret, hash := ingest.NewKey()
		keys, err := ingest.ParseKeys([]byte(fmt.Sprintf("keys:\n  - {name: a7, hash: %q, user: \"7\", tenant: a}\n", hash)))
		if err != nil {
			t.Fatal(err)
		}
		if err := h.door.Replace(nil, keys); err != nil {
			t.Fatal(err)
		}
		h.keys["a7"] = secret
		h.get("a7", mine).want(t, 200, `{"data":[{"order_id":"1"`)
		if r := h.get("a7", mine); strings.Contains(r.body, `"order_id":"2"`) {
			t.Error("another tenant's order")
		}
	})
}

func TestBadInput(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		for _, id := range []string{"0x7", "+7", "07", "-7", "7.0", "7e0", "%37", "%207", "7%00", "٧", "9223372036854775808", strings.Repeat("7", 10_000), "7'", "a", "0", "1_0"} {
			h.get("seven", "/v1/users/"+id+"/orders").want(t, 400, `"code":"invalid_parameter"`)
		}
		for _, query := range []string{"limit=0", "limit=201", "limit=-1", "limit=1&limit=2", "limit=1.5", "limit=", "limit=+1", "limit=01", "x=1", "status=stolen",
			"status=", "status=new&status=paid", "created_after=yesterday", "created_before=2026", "order_id=1", "limit=%ff", "limit=%zz", "api_key=1", ";"} {
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

// Pages put together are the whole list in its order, with many orders of one
// time and while newer ones come in.
func TestPagesAreTheList(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		var texts, want []string
		for i := range 60 {
			texts = append(texts, order(i+1, 7, i/9, "new"), order(i+1001, 8, i/9, "new"))
			want = append([]string{fmt.Sprint(i + 1)}, want...)
		}
		h.put(texts...)
		for limit := 1; limit <= 61; limit += 12 {
			var got []string
			cursor := ""
			for page := 0; ; page++ {
				path := fmt.Sprintf("%s?limit=%d", mine, limit)
				if cursor != "" {
					path += "&cursor=" + cursor
				}
				r := h.get("seven", path)
				got = append(got, ids(t, r)...)
				if cursor = nextCursor(t, r); cursor == "" {
					break
				}
				h.put(order(10_000+limit*100+page, 7, 1000+page, "new"))
			}
			// What came in while we read is newer than the first page.
			got = slices.DeleteFunc(got, func(id string) bool { return len(id) > 2 })
			if !slices.Equal(got, want) {
				t.Fatalf("limit %d:\n got %v\nwant %v", limit, got, want)
			}
		}
	})
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
}

// The second line: even a query without any WHERE sees the asker's rows only.
func TestRowLevelSecurity(t *testing.T) {
	h := openPostgres(t, settings{})
	h.put(order(1, 7, 0, "new"), order(2, 8, 0, "new"))
	conn, err := pgx.Connect(t.Context(), h.asRole())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	count := func(user string) (n int) {
		t.Helper()
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(t.Context())
		if user != "" {
			if _, err := tx.Exec(t.Context(), "SELECT set_config('penstock.user', $1, true)", user); err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.QueryRow(t.Context(), "SELECT count(order_id) FROM orders").Scan(&n); err != nil {
			t.Fatal(err)
		}
		tx.Commit(t.Context())
		return n
	}
	// Nobody, one, nobody again on the same connection, a stranger.
	if got := []int{count(""), count("7"), count(""), count("9")}; !slices.Equal(got, []int{0, 1, 0, 0}) {
		t.Errorf("rows seen: %v", got)
	}
	for _, statement := range []string{"SELECT * FROM orders", "SELECT note FROM orders", "INSERT INTO orders (order_id) VALUES (9)", "UPDATE orders SET status = 'new'",
		"DELETE FROM orders", "TRUNCATE orders", "SELECT * FROM penstock_offsets", "CREATE TABLE x (i int)", "DROP TABLE orders", "ALTER TABLE orders DISABLE ROW LEVEL SECURITY"} {
		for _, begin := range []string{"BEGIN", "BEGIN; SET TRANSACTION READ WRITE"} {
			if _, err := conn.Exec(t.Context(), begin+"; "+statement); err == nil {
				t.Errorf("%s; %s is allowed", begin, statement)
			}
			conn.Exec(t.Context(), "ROLLBACK")
		}
	}
	var powers string
	if err := conn.QueryRow(t.Context(), "SELECT concat(rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolreplication, rolinherit) FROM pg_roles WHERE rolname = current_user").Scan(&powers); err != nil || powers != "ffffff" {
		t.Errorf("the role's powers: %s %v", powers, err)
	}
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

func TestLockedTable(t *testing.T) {
	h := openPostgres(t, settings{connections: 2})
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
	var got []string
	for line := range strings.Lines(h.log.String()) {
		var r struct {
			Msg, Principal, User string
			Status, Rows         int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.Msg == "read" {
			got = append(got, fmt.Sprint(r.Principal, " ", r.User, " ", r.Status, " ", r.Rows))
		}
	}
	want := []string{"key:seven 7 200 1", "key:seven  404 0", "  401 0", "key:seven 7 400 0", "key:seven  400 0"}
	if !slices.Equal(got, want) {
		t.Errorf("audited:\n%q\nwant\n%q", got, want)
	}
	for _, secret := range []string{h.keys["seven"], "canary-note", "\nforged"} {
		if strings.Contains(h.log.String(), secret) {
			t.Errorf("the log has %q in it", secret)
		}
	}
}
