//go:build bench

package main

import (
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
	o := options{to: server.Database(t), rows: 2_000_000, rounds: 5, python: os.Getenv("PYTHON")}
	if n, err := strconv.Atoi(os.Getenv("ROUNDS")); err == nil {
		o.rounds = n
	}
	if o.python == "" {
		o.python = "python3"
	}
	if err := run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}
