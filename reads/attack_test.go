package reads_test

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// payloads are what injection tools begin with. In a twin that builds its SQL
// from them they show foreign rows, errors of the database, or its structure.
var payloads = []string{
	"'", "''", `"`, "`", ";", "--", "' --", "7 OR 1=1", "7' OR '1'='1", "7) OR (1=1", "paid' OR '1'='1", "paid' OR 1=1 --", "paid'/**/OR/**/1=1--",
	"paid' UNION SELECT 1,now(),note,4,'x',now(),1 FROM orders --", "paid'; DROP TABLE orders; --", "paid' AND 1=CAST((SELECT note FROM orders LIMIT 1) AS int) --",
	"paid' AND (SELECT 1 FROM pg_sleep(0.01)) IS NOT NULL --", `paid\' OR 1=1 --`, "paid%27%20OR%201=1--", "paid’ OR 1=1 --", "$1", "$$", "{{7*7}}", "%s", "\x00", "\xff'",
	"7; SELECT pg_sleep(0)", "7 UNION ALL SELECT NULL", "(SELECT user_id FROM orders LIMIT 1)", "7-0", "7/1", "7::int", "0x7", "1e0",
}

// A target is something to attack: it answers with whatever came of a payload.
type target func(payload string) (status int, body string)

// attack counts the payloads that got anywhere: a server error, a word of the
// database, or a row that is not user 7's.
func attack(t *testing.T, to target) (hits []string) {
	t.Helper()
	for _, p := range payloads {
		status, body := to(p)
		for _, sign := range []string{"SQLSTATE", "syntax error", "canary-note", `"user":8`, "order_8"} {
			if status >= 500 || strings.Contains(body, sign) {
				hits = append(hits, p)
				break
			}
		}
	}
	return hits
}

// twin is the mission's get_user_orders as it was: it builds SQL from what it is
// given. It exists in this test alone, to prove that the attack finds such a hole.
func twin(t *testing.T, dsn string) http.Handler {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := "SELECT user_id, note FROM orders WHERE user_id = " + r.PathValue("id")
		if status := r.URL.Query().Get("status"); status != "" {
			query += " AND status = '" + status + "'"
		}
		rows, err := db.Query(query)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var user int64
			var note string
			if err := rows.Scan(&user, &note); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprintf(w, `{"user":%d}`, user)
		}
	})
}

func TestAttack(t *testing.T) {
	h := openPostgres(t, settings{})
	h.put(order(1, 7, 0, "paid"), order(2, 8, 0, "paid"))
	mux := http.NewServeMux()
	mux.Handle("/v1/users/{id}/orders", twin(t, h.dsn))
	vulnerable := httptest.NewServer(mux)
	t.Cleanup(vulnerable.Close)

	// By the id in the path, by a parameter, and by the cursor.
	places := map[string]func(base, payload string) string{
		"id":     func(base, p string) string { return base + "/v1/users/" + url.PathEscape(p) + "/orders" },
		"status": func(base, p string) string { return base + "/v1/users/7/orders?status=" + url.QueryEscape(p) },
		"cursor": func(base, p string) string { return base + "/v1/users/7/orders?cursor=" + url.QueryEscape(p) },
		"limit":  func(base, p string) string { return base + "/v1/users/7/orders?limit=" + url.QueryEscape(p) },
		"name":   func(base, p string) string { return base + "/v1/users/7/orders?" + url.QueryEscape(p) + "=1" },
	}
	for name, place := range places {
		t.Run(name, func(t *testing.T) {
			real := func(p string) (int, string) {
				r := h.get("seven", place("", p))
				return r.status, r.body
			}
			open := func(p string) (int, string) {
				res, err := http.Get(place(vulnerable.URL, p))
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				body, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return res.StatusCode, string(body)
			}
			if hits := attack(t, real); len(hits) > 0 {
				t.Errorf("the endpoint gives in to %q", hits)
			}
			if name != "id" && name != "status" {
				return // the twin does not have it
			}
			if hits := attack(t, open); len(hits) == 0 {
				t.Error("the same attack does not find the hole in the twin: it proves nothing")
			}
		})
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
