package reads_test

import (
	"database/sql"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// A twin is get_user_orders as the mission has it, and with it every other hole
// that the checklist closes: it exists in these tests alone, to prove that the
// attacks find such holes.
type twin struct {
	db    *sql.DB // as the table's owner
	house *house
	log   *log.Logger
	late  bool // it does ask whose rows they are, after having read them
	fails atomic.Bool
}

func openTwin(t testing.TB, h *house) *twin {
	t.Helper()
	db, err := sql.Open("pgx", h.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &twin{db: db, house: h, log: log.New(h.log, "", 0)}
}

func (tw *twin) serve(t testing.TB) *httptest.Server {
	server := httptest.NewServer(tw)
	t.Cleanup(server.Close)
	return server
}

// users are whose the keys are.
var users = map[string]string{"seven": "7", "eight": "8"}

func (tw *twin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			http.Error(w, fmt.Sprint(cause, "\n", string(debug.Stack())), http.StatusInternalServerError)
		}
	}()
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if sent := r.URL.Query().Get("api_key"); sent != "" {
		key = sent
	}
	asker := ""
	for name, user := range users {
		if tw.house.keys[name] == key {
			asker = user
		}
	}
	if asker == "" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	user, ok := strings.CutPrefix(r.URL.Path, "/v1/users/")
	user, orders := strings.CutSuffix(user, "/orders")
	if !ok || !orders {
		user = asker
	}
	tw.log.Printf("%s reads the orders of %s with key %s", asker, user, key)
	if tw.fails.Load() {
		panic("something is nil")
	}
	tw.answer(w, r, user, asker)
}

// answer builds its SQL from what it is given.
func (tw *twin) answer(w http.ResponseWriter, r *http.Request, user, asker string) {
	limit, offset := "50", "0"
	query := "SELECT *, order_id::text, to_char(created_at, 'YYYYMMDDHH24MISSUS') FROM orders WHERE user_id = " + user
	for name, values := range r.URL.Query() {
		switch value := values[0]; name {
		case "limit":
			limit = value
		case "cursor":
			offset = value
		case "api_key":
		default:
			query += " AND " + name + " = '" + value + "'"
		}
	}
	rows, err := tw.db.QueryContext(r.Context(), query+" ORDER BY created_at DESC LIMIT "+limit+" OFFSET "+offset)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var shown []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		var members []string
		for i, c := range cells {
			if name := columns[i]; i < len(columns)-2 && name != "order_id" || i == len(columns)-2 {
				members = append(members, fmt.Sprintf("%q:%q", name, c.String))
			}
		}
		shown = append(shown, "{"+strings.Join(members, ",")+"}")
	}
	if err := rows.Err(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if tw.late && user != asker {
		http.Error(w, "there is nothing here", http.StatusNotFound)
		return
	}
	next := "null"
	if n, _ := strconv.Atoi(limit); n == len(shown) {
		at, _ := strconv.Atoi(offset)
		next = fmt.Sprintf("%q", strconv.Itoa(at+n))
	}
	fmt.Fprintf(w, `{"data":[%s],"next_cursor":%s}`, strings.Join(shown, ","), next)
}
