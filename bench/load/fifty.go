package main

import (
	"context"
	"fmt"
)

// fifty loads 50 million rows once and compares what is in the table with what
// was written, row for row by a sum of hashes.
func (b *bench) fifty(ctx context.Context) error {
	if err := b.raw(); err != nil {
		return err
	}
	ours := b.loading(fmt.Sprintf("penstock load of %d rows", b.rows), b.penstock, "keyed.yaml")
	if err := b.interleave(ctx, ours); err != nil {
		return err
	}
	fmt.Printf("\nPostgreSQL with a primary key, once:\n")
	ours.print("(the aim: less than 200 MB)")
	var size string
	if err := b.conn.QueryRow(ctx, "SELECT pg_size_pretty(pg_total_relation_size('bench_orders'))").Scan(&size); err != nil {
		return err
	}
	fmt.Printf("  in the table: %s\n", size)
	want, got := writer{rows: b.rows}.sums(), sums{}
	if err := b.conn.QueryRow(ctx, sumsSQL).Scan(&got.rows, &got.keys, &got.minor, &got.hash); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("the table has %+v, and the file %+v", got, want)
	}
	fmt.Printf("  table and file agree: %d rows, %d keys, sum of the amounts %d.%02d, sum of the rows' hashes %d\n", got.rows, got.keys, got.minor/100, got.minor%100, got.hash)
	return nil
}

// sums are what is compared of a table and a file.
type sums struct{ rows, keys, minor, hash int64 }

// sumsSQL takes of each row's md5 the first 32 bits. order_id is the primary key.
const sumsSQL = `SELECT count(*), max(order_id) - min(order_id) + 1, (sum(amount) * 100)::bigint, sum(('x' || left(md5(concat_ws('|', order_id, user_id,
  extract(epoch FROM created_at)::bigint, amount, currency, status, email, note, amount_minor, contact)), 8))::bit(32)::bigint)::bigint FROM bench_orders`
