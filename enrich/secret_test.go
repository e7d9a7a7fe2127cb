package enrich_test

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/stream"
)

// A rotating secret is an old one until somebody says that it was refused.
func rotating(old, renewed string) (secret enrich.Secret, forgotten *atomic.Int64) {
	forgotten = new(atomic.Int64)
	return enrich.Secret{
		Value: func(context.Context) (string, error) {
			if forgotten.Load() > 0 {
				return renewed, nil
			}
			return old, nil
		},
		Forget: func() { forgotten.Add(1) },
	}, forgotten
}

func TestSecretOfADatabaseIsRotated(t *testing.T) {
	dsn := realtest.Postgres(t)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(customersTable); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	good := u.User.String()
	secret, forgotten := rotating("nobody-at-all:old", good)
	address := strings.Replace(dsn, good+"@", "${WHO}@", 1)
	if address == dsn {
		t.Fatalf("no user in %s", dsn)
	}
	l := sqlLookup(address, "select tier, country from customers where user_id = $1", stream.PolicyRetry)
	x := open(t, enrich.Options{Secrets: map[string]enrich.Secret{"WHO": secret}}, l)
	wantStep(t, x, penstock.IntValue(1), "SE", "gold")
	if n := forgotten.Load(); n != 1 {
		t.Errorf("the secret was looked up anew %d times, want 1", n)
	}
}

func TestSecretOfAServiceIsRotated(t *testing.T) {
	address, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("token") != "new" {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(`{"country":"SE","tier":"gold"}`))
	})
	secret, forgotten := rotating("old", "new")
	x := open(t, enrich.Options{Secrets: map[string]enrich.Secret{"TOKEN": secret}}, httpLookup(address+"/{}?token=${TOKEN}"))
	wantStep(t, x, penstock.IntValue(1), "SE", "gold")
	wantStep(t, x, penstock.IntValue(2), "SE", "gold")
	if asked.Load() != 3 || forgotten.Load() != 1 {
		t.Errorf("asked %d times, looked up anew %d times; want 3 and 1", asked.Load(), forgotten.Load())
	}
}

func TestWrongSecretsAreNotShown(t *testing.T) {
	for _, c := range []struct{ dsn, secret string }{
		{"${DSN}", "hunter2"},
		{"${DSN}", "postgres://u:hunter2@[::1"},
		{"postgres://u:${DSN}@127.0.0.1:1/x", "hun/ter2%zz"},
	} {
		secret, _ := rotating(c.secret, c.secret)
		x := open(t, enrich.Options{Secrets: map[string]enrich.Secret{"DSN": secret}},
			sqlLookup(c.dsn, "select tier, country from customers where user_id = $1", stream.PolicyRetry))
		e := order(penstock.IntValue(1))
		if err := x.Step(t.Context(), e); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2") {
			t.Errorf("%s with %s: error %v", c.dsn, c.secret, err)
		}
	}
}
