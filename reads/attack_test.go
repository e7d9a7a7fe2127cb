package reads_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// A prey is something to attack: the endpoint, or its twin.
type prey struct {
	*house
	handler http.Handler
	url     string
	as      string // the database as the prey connects to it; "" for SQLite
	fail    func() // from now on it panics
}

// ask sends a request. Status 0 is no answer.
func (p *prey) ask(key, path string, headers ...string) reply {
	return p.send("GET", p.url, key, path, headers...)
}

// An attack is tried on the endpoint, where it must find nothing, and on the
// twin, where it must find something: else it proves nothing.
type attack struct {
	row      int // of the checklist in docs/get-user-orders.md
	name     string
	postgres bool // makes no sense on SQLite
	alone    bool // in a database of its own, which it leaves in pieces
	late     bool // on the twin that asks whose rows they are when it has read them
	settings settings
	try      func(t *testing.T, p *prey) (holes []string)
}

var attacks = []attack{
	{row: 1, name: "SQL in the id", try: injection(func(p string) string { return "/v1/users/" + url.PathEscape(p) + "/orders" })},
	{row: 1, name: "SQL in a filter", try: injection(func(p string) string { return mine + "?status=" + url.QueryEscape(p) })},
	{row: 1, name: "SQL in the cursor", try: injection(func(p string) string { return mine + "?cursor=" + url.QueryEscape(p) })},
	{row: 1, name: "SQL in the limit", try: injection(func(p string) string { return mine + "?limit=" + url.QueryEscape(p) })},
	{row: 1, name: "SQL in a parameter's name", try: injection(func(p string) string { return mine + "?" + url.QueryEscape(p) + "=1" })},
	{row: 2, name: "ids that are none", try: otherSpellings},
	{row: 3, name: "columns nobody declared", alone: true, try: undeclaredColumns},
	{row: 4, name: "neighbours' ids", try: neighbours},
	{row: 4, name: "who is told by the bytes", late: true, try: toldApart},
	{row: 4, name: "who is told by the time", late: true, try: toldByTime},
	{row: 5, name: "a query without WHERE", postgres: true, try: noWhere},
	{row: 6, name: "whatever the role may", postgres: true, try: powers},
	{row: 7, name: "a locked table", alone: true, postgres: true, settings: settings{connections: 2, timeout: locked}, try: lockedTable},
	{row: 8, name: "pages while orders come in", try: movingPages},
	{row: 8, name: "cursors of one's own", try: madeCursors},
	{row: 9, name: "more than the rate", alone: true, settings: settings{rate: 0.25}, try: flood},
	{row: 10, name: "keys in the wrong place", try: misplacedKeys},
	{row: 11, name: "the inside in errors", alone: true, postgres: true, settings: settings{connections: 2, timeout: locked}, try: inside},
	{row: 12, name: "the log", try: forgedLog},
	{row: 14, name: "headers and methods", try: headers},
	{row: 15, name: "parameters twice or unknown", try: looseParameters},
}

func TestAttacks(t *testing.T) {
	shared, sharedTwin := openPostgres(t, settings{}), openPostgres(t, settings{})
	for _, a := range attacks {
		t.Run(fmt.Sprintf("%d %s", a.row, a.name), func(t *testing.T) {
			endpoint, twins := shared, sharedTwin
			if a.alone {
				endpoint, twins = openPostgres(t, a.settings), openPostgres(t, a.settings)
			}
			houses := []*house{endpoint}
			if !a.postgres {
				houses = append(houses, openSQLite(t, a.settings))
			}
			for _, h := range houses {
				p := &prey{house: h, handler: h.door, url: h.server.URL, fail: func() { h.panics.Store(true) }}
				if h.dsn != "" {
					p.as = h.asRole()
				}
				if holes := a.try(t, p); len(holes) > 0 {
					t.Errorf("the endpoint gives in to %q", holes)
				}
			}
			twins.patience = 2 * locked // it never gives up by itself
			tw := openTwin(t, twins)
			tw.late = a.late
			p := &prey{house: twins, handler: tw, url: tw.serve(t).URL, as: twins.dsn, fail: func() { tw.fails.Store(true) }}
			if holes := a.try(t, p); len(holes) == 0 {
				t.Error("the same attack finds nothing in the twin: it proves nothing")
			}
			if !a.alone {
				endpoint.clear()
				twins.clear()
			}
		})
	}
}

// payloads are what injection tools begin with. In a twin that builds its SQL
// from them they show foreign rows, errors of the database, or its structure.
var payloads = []string{
	"'", "''", `"`, "`", ";", "--", "' --", "7 OR 1=1", "7' OR '1'='1", "7) OR (1=1", "paid' OR '1'='1", "paid' OR 1=1 --", "paid'/**/OR/**/1=1--",
	"paid' UNION SELECT 1,now(),note,4,'x',now(),1 FROM orders --", "paid'; DROP TABLE orders; --", "paid' AND 1=CAST((SELECT note FROM orders LIMIT 1) AS int) --",
	"paid' AND (SELECT 1 FROM pg_sleep(0.01)) IS NOT NULL --", `paid\' OR 1=1 --`, "paid%27%20OR%201=1--", "paid’ OR 1=1 --", "$1", "$$", "{{7*7}}", "%s", "\x00", "\xff'",
	"7; SELECT pg_sleep(0)", "7 UNION ALL SELECT NULL", "(SELECT user_id FROM orders LIMIT 1)", "7-0", "7/1", "7::int", "0x7", "1e0",
}

// injection counts the payloads that got anywhere: a server error, a word of the
// database, a row that is not user 7's, or an error of the database in the log.
func injection(place func(payload string) string) func(*testing.T, *prey) []string {
	return func(t *testing.T, p *prey) (holes []string) {
		p.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
		for _, payload := range payloads {
			r := p.ask("seven", place(payload))
			said := r.body + p.log.String()
			for _, sign := range []string{"SQLSTATE", "syntax error", "canary-note", `"order_id":"2"`, "read a page"} {
				if r.status == 0 || r.status >= 500 || strings.Contains(said, sign) {
					holes = append(holes, payload)
					break
				}
			}
		}
		return holes
	}
}

// With every check of the request switched off, the statements still only bind.
func TestAttackTheRows(t *testing.T) {
	both(t, settings{}, func(t *testing.T, h *house) {
		h.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
		read := h.stream.Reads[0]
		for _, p := range payloads {
			rows, err := h.rows(t.Context(), read, stream.Page{User: penstock.IntValue(7), Filter: penstock.TextValue(strings.ToValidUTF8(p, "")), FilterSlot: read.Filter[0], Limit: 10})
			if strings.Contains(p, "\x00") && h.dsn != "" {
				continue // PostgreSQL has no such text
			}
			if err != nil || len(rows) != 0 {
				t.Errorf("%q: %d rows, %v", p, len(rows), err)
			}
		}
	})
}

// badIDs are no user's id, or another spelling of 7.
var badIDs = []string{"0x7", "+7", "07", "-7", "7.0", "7e0", "%37", "%207", "7%00", "٧", "9223372036854775808", strings.Repeat("7", 10_000), "7'", "a", "0", "1_0"}

// otherSpellings: one user has one spelling.
func otherSpellings(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	for _, id := range badIDs {
		if r := p.ask("seven", "/v1/users/"+id+"/orders"); r.status != 400 {
			holes = append(holes, fmt.Sprintf("%.20s: %d", id, r.status))
		}
	}
	return holes
}

func undeclaredColumns(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	before := p.ask("seven", mine)
	if p.dsn != "" {
		p.exec("ALTER TABLE orders ADD secret text DEFAULT 'canary'")
	}
	after := p.ask("seven", mine)
	if before.body != after.body {
		holes = append(holes, "a new column changes the answer")
	}
	if strings.Contains(after.body, "canary") {
		holes = append(holes, "a column that is not declared is shown")
	}
	return holes
}

// neighbours asks for everybody with one user's key.
func neighbours(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	for id := 1; id < 20; id++ {
		if r := p.ask("seven", fmt.Sprintf("/v1/users/%d/orders", id)); r.status == 200 && id != 7 {
			holes = append(holes, fmt.Sprint(id))
		}
	}
	return holes
}

// toldApart compares the answers for a user who is there and for one who is not.
func toldApart(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	answer := func(path string) string {
		r := p.ask("seven", path, "X-Request-Id", "same")
		r.header.Del("Date")
		return fmt.Sprint(r)
	}
	for _, query := range []string{"", "?limit=1", "?cursor=x", "?status=none", "?nonsense=1"} {
		if foreign, absent := answer("/v1/users/8/orders"+query), answer("/v1/users/9223372036854775807/orders"+query); foreign != absent {
			holes = append(holes, foreign+" / "+absent)
		}
	}
	// What a foreigner says must not depend on what he asks, either.
	if answer("/v1/users/8/orders") != answer("/v1/users/8/orders?nonsense=1") {
		holes = append(holes, "the parameters are looked at before whose rows they are")
	}
	return holes
}

// flood asks more often than the rate allows, each time as from elsewhere.
func flood(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	limited := func(key string) bool {
		for i := range 60 {
			r := p.ask(key, mine, "X-Forwarded-For", fmt.Sprintf("10.0.0.%d", i))
			if r.status == 429 && r.header.Get("Retry-After") != "" {
				return true
			}
		}
		return false
	}
	for _, key := range []string{"seven", ""} {
		if !limited(key) {
			holes = append(holes, "key "+key)
		}
	}
	return holes
}

func misplacedKeys(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	secret := p.keys["seven"]
	for what, r := range map[string]reply{
		"in the URL": p.ask("", mine+"?api_key="+secret), "longer": p.ask("", mine, "Authorization", "Bearer "+secret+"x"),
		"as Basic": p.ask("", mine, "Authorization", "Basic "+secret), "in a cookie": p.ask("", mine, "Cookie", "api_key="+secret),
	} {
		if r.status != 401 {
			holes = append(holes, what)
		}
	}
	return holes
}

// forgedLog wants one line for each request, those refused too, each one JSON,
// without a secret or a line that the sender made.
func forgedLog(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	before := len(audited(p.house))
	p.ask("seven", mine)
	p.ask("seven", "/v1/users/8/orders")
	p.ask("", mine)
	p.ask("seven", mine+"?x=%0d%0aforged")
	p.ask("seven", "/v1/users/7%0d%0aforged/orders")
	if n := len(audited(p.house)) - before; n != 5 {
		holes = append(holes, fmt.Sprintf("%d of 5 requests are in the log", n))
	}
	for _, secret := range []string{p.keys["seven"], "canary-note", "\nforged"} {
		if strings.Contains(p.log.String(), secret) {
			holes = append(holes, fmt.Sprintf("the log has %q in it", secret))
		}
	}
	return holes
}

func headers(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	check := func(r reply) {
		if r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("Cache-Control") != "no-store" || !strings.Contains(r.header.Get("Content-Type"), "json; charset=utf-8") {
			holes = append(holes, fmt.Sprint(r.status, r.header))
		}
	}
	check(p.ask("seven", mine))
	check(p.ask("seven", mine+"?limit=x"))
	check(p.ask("seven", "/v1/users/8/orders"))
	check(p.ask("", mine))
	check(p.ask("seven", "/v1/users/7"))
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
		r := p.send(method, p.url, "seven", mine)
		check(r)
		if r.status != 405 || r.header.Get("Allow") != "GET, HEAD" {
			holes = append(holes, method)
		}
	}
	return holes
}

// badQueries are refused, each for one reason.
var badQueries = []string{"limit=0", "limit=201", "limit=-1", "limit=1&limit=2", "limit=1.5", "limit=", "limit=+1", "limit=01", "x=1", "status=stolen",
	"status=", "status=new&status=paid", "created_after=yesterday", "created_before=2026", "order_id=1", "limit=%ff", "limit=%zz", "api_key=1", ";"}

func looseParameters(t *testing.T, p *prey) (holes []string) {
	p.put(order(1, 7, 0, "paid"))
	for _, query := range badQueries {
		if r := p.ask("seven", mine+"?"+query); r.status != 400 {
			holes = append(holes, query)
		}
	}
	return holes
}

// connect opens the database as the prey does.
func (p *prey) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), p.as)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// send sends a request; status 0 is no answer in the house's patience.
func (h *house) send(method, base, key, path string, headers ...string) reply {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), h.patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+h.keys[key])
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := h.server.Client().Do(req)
	if ctx.Err() != nil {
		return reply{header: http.Header{}}
	}
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body)}
}
