package postgres_test

import (
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

func TestFollowKeepsRejectsWithRows(t *testing.T) {
	dsn := realtest.Postgres(t)
	exec(t, dsn, `CREATE TABLE orders (order_id int8 PRIMARY KEY, created_at timestamptz, amount numeric(12,2), ratio float8, paid bool, note varchar(5), tags json);
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END $$`)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
	sinktest.Follow(t, sinktest.Followed{
		Sink:   table.Follow("c"),
		Events: func(first uint64, texts ...string) *penstock.Batch { return sinktest.Events(t, s, first, texts...) },
		Break:  func() { exec(t, dsn, `CREATE TRIGGER fail BEFORE INSERT ON orders EXECUTE FUNCTION fail()`) },
		Mend:   func() { exec(t, dsn, `DROP TRIGGER fail ON orders`) },
		State: func() string {
			return query(t, dsn, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM penstock_rejects), (SELECT coalesce(max(next), 0) FROM penstock_offsets)")
		},
	})
	sinktest.Want(t, "rejects", query(t, dsn, "SELECT place, code FROM penstock_rejects ORDER BY 1"), "1 minimum\n2 data\n4 minimum")
}
