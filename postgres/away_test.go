package postgres_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// TestAway: a database that is killed, and one that nobody has started, are
// away; one that refuses is not.
func TestAway(t *testing.T) {
	server := realtest.StartPostgres(t)
	dsn := server.Database(t)
	s := sinktest.Stream(t, sinktest.Orders)
	table := open(t, dsn, postgres.Options{Stream: s})
	for what, c := range map[string]struct {
		dsn  string
		away bool
	}{
		"nobody listens":   {"postgres://postgres@" + realtest.Addr(t) + "/x", true},
		"no such host":     {"postgres://postgres@no-such-host.invalid/x", true},
		"no such database": {dsn + "x", false},
		"no such role":     {strings.Replace(dsn, "postgres@", "nobody@", 1), false},
		"no TLS":           {dsn + "?sslmode=require", false},
		"no DSN":           {"postgres://%", false},
	} {
		_, err := postgres.Open(sinktest.Within(t), c.dsn, postgres.Options{Stream: s})
		if err == nil || postgres.Away(err) != c.away {
			t.Errorf("%s: away is %v, want %v: %v", what, !c.away, c.away, err)
		}
	}
	server.Kill9(t)
	var err error
	for err == nil { // a session outlives its server for a moment
		_, err = table.Positions(sinktest.Within(t), "c")
	}
	if !postgres.Away(err) {
		t.Errorf("the session has ended, but its database is not away: %v", err)
	}
	if _, err := table.Positions(sinktest.Within(t), "c"); err == nil || !postgres.Away(err) {
		t.Errorf("nobody takes a new session, but the database is not away: %v", err)
	}
	server.Restart(t)
	if _, err := table.Positions(sinktest.Within(t), "c"); err != nil {
		t.Error(err)
	}
}
