package postgres_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// TestPageIndexes: a page is found by an index alone, with a filter and without:
// no row is looked at only to be left out.
func TestPageIndexes(t *testing.T) {
	dsn := realtest.Postgres(t)
	table := strings.Repeat("long_", 11) + "orders" // of which PostgreSQL keeps 63 bytes, the index's number with them
	s := sinktest.Stream(t, `
stream: orders
schema:
  required: [order_id, user_id, created_at]
  properties:
    order_id:   {type: integer}
    user_id:    {type: integer}
    created_at: {type: string, format: date-time}
    status:     {enum: [new, paid]}
    way:        {enum: [post, pick-up]}
id: order_id
time: created_at
table: `+table+`
reads:
  - {path: "/v1/users/{user_id}/orders", by: user_id, newest_first: created_at, columns: [order_id], filter: [status, way]}
`)
	open(t, dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
	exec(t, dsn, `INSERT INTO `+table+` SELECT n, n % 2, now(), CASE WHEN n % 500 = 0 THEN 'new' ELSE 'paid' END, 'post' FROM generate_series(1, 5000) n; ANALYZE `+table)
	for _, filter := range []string{"", "AND status = 'new'", "AND way = 'pick-up'"} {
		plan := query(t, dsn, "EXPLAIN SELECT order_id FROM "+table+" WHERE user_id = 0 "+filter+" AND created_at < now() ORDER BY created_at DESC, order_id DESC LIMIT 50")
		if !strings.Contains(plan, "Index Cond") || strings.Contains(plan, "Filter:") || filter == "" && strings.Contains(plan, "Sort") {
			t.Errorf("%s:\n%s", filter, plan)
		}
	}
	sinktest.Want(t, "indexes", query(t, dsn, "SELECT count(*) FROM pg_indexes WHERE indexname ~ '_page_1(_[12])?$'"), "3")
}
