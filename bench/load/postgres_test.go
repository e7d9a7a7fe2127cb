//go:build bench

package main

import (
	"cmp"
	"os"
	"strconv"
	"testing"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestRealPostgres prints the ratios with a PostgreSQL of its own: `make
// bench-load`. It is a test only to get at that.
func TestRealPostgres(t *testing.T) {
	server := realtest.StartPostgres(t, "shared_buffers=1GB", "max_wal_size=8GB", "max_connections=20")
	t.Chdir("../..")
	o := options{to: server.Database(t), python: cmp.Or(os.Getenv("PYTHON"), "python3"), piece: os.Getenv("PIECE"), files: os.Getenv("FILES")}
	o.rows, _ = strconv.Atoi(os.Getenv("ROWS"))
	o.rounds, _ = strconv.Atoi(os.Getenv("ROUNDS"))
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
