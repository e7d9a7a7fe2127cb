package sqlite_test

import (
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/sqlite"
)

func TestFollowKeepsRejectsWithRows(t *testing.T) {
	file := newFile(t)
	exec(t, file, `CREATE TABLE orders (order_id INTEGER PRIMARY KEY, created_at INTEGER, amount INTEGER, ratio TEXT, paid INTEGER, note TEXT CHECK (length(note) < 6), tags TEXT)`)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, file, sqlite.Options{Stream: s, Mode: penstock.Upsert})
	sinktest.Follow(t, sinktest.Followed{
		Sink:   table.Follow("c"),
		Events: func(first uint64, texts ...string) *penstock.Batch { return sinktest.Events(t, s, first, texts...) },
		Break:  func() { exec(t, file, `ALTER TABLE orders RENAME TO away`) },
		Mend:   func() { exec(t, file, `ALTER TABLE away RENAME TO orders`) },
		State: func() string {
			return query(t, file, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM penstock_rejects), (SELECT coalesce(max(next), 0) FROM penstock_offsets)")
		},
	})
	sinktest.Want(t, "rejects", query(t, file, "SELECT place, code FROM penstock_rejects ORDER BY 1"), "1 minimum\n2 check\n4 minimum")
}
