package postgres_test

import (
	"crypto/rand"
	"strings"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/postgres"
)

// TestRightsAreSaidAtStart: a role that cannot write is told which right it
// lacks when it begins, and can write as soon as it has done what it was told.
func TestRightsAreSaidAtStart(t *testing.T) {
	dsn := realtest.Postgres(t)
	s := sinktest.Stream(t, sinktest.Orders)
	open(t, dsn, postgres.Options{Stream: s, Mode: penstock.Upsert})
	role := "writer_" + strings.ToLower(rand.Text()) // roles are of the whole server
	exec(t, dsn, "CREATE ROLE "+role+" LOGIN; REVOKE TEMPORARY ON DATABASE "+databaseOf(dsn)+" FROM PUBLIC; ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
	t.Cleanup(func() { exec(t, dsn, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
	as := strings.Replace(dsn, "postgres@", role+"@", 1)
	const ledger = "penstock_offsets, penstock_rejects, penstock_chunks, penstock_sources, penstock_deferred, penstock_replaced"
	for _, step := range []struct{ complaint, remedy string }{
		{"GRANT INSERT, SELECT, UPDATE, DELETE ON public.penstock_chunks, public.penstock_deferred, ", "GRANT SELECT ON penstock_deferred, penstock_sources TO " + role},
		{`GRANT INSERT, SELECT, UPDATE ON "orders" TO "` + role + `"`, "GRANT INSERT, SELECT ON orders TO " + role},
		{`GRANT UPDATE ON "orders" TO "` + role + `"`, "GRANT UPDATE ON orders TO " + role},
		{`may not write the ledger beside it: GRANT INSERT, SELECT, UPDATE, DELETE ON "penstock_offsets", "penstock_rejects"`, "GRANT INSERT, SELECT, UPDATE, DELETE ON " + ledger + " TO " + role},
		{"GRANT TEMPORARY ON DATABASE", "GRANT TEMPORARY ON DATABASE " + databaseOf(dsn) + " TO " + role},
		{"no policy that lets it INSERT, SELECT, UPDATE: ", "CREATE POLICY mine ON orders FOR INSERT TO " + role + " WITH CHECK (true)"},
		{"no policy that lets it SELECT, UPDATE: ", "CREATE POLICY all_of_it ON orders USING (true)"},
	} {
		_, err := postgres.Open(sinktest.Within(t), as, postgres.Options{Stream: s, Mode: penstock.Upsert})
		if err == nil || !strings.Contains(err.Error(), step.complaint) {
			t.Fatalf("error %v, want %s", err, step.complaint)
		}
		exec(t, dsn, step.remedy)
	}
	_, err := postgres.Open(sinktest.Within(t), as, postgres.Options{Stream: s})
	if err == nil || !strings.Contains(err.Error(), "can then not COPY into it") {
		t.Fatalf("append: error %v", err)
	}
	table := open(t, as, postgres.Options{Stream: s, Mode: penstock.Upsert})
	if err := table.Follow("c").Write(sinktest.Within(t), sinktest.Events(t, s, 0, `{"order_id":1}`)); err != nil {
		t.Fatal(err)
	}
	sinktest.Want(t, "rows", query(t, dsn, "SELECT order_id FROM orders"), "1")
}

// TestSchemaRightsAreSaidAtStart: who may not make the table and its ledger is
// told the statement that lets it, which does.
func TestSchemaRightsAreSaidAtStart(t *testing.T) {
	for _, name := range []string{"orders", "shop.orders"} {
		dsn := realtest.Postgres(t)
		s := sinktest.Stream(t, sinktest.Orders+"table: {name: "+name+"}\n")
		role := "maker_" + strings.ToLower(rand.Text())
		exec(t, dsn, "CREATE ROLE "+role+" LOGIN; CREATE SCHEMA shop; REVOKE ALL ON SCHEMA public FROM PUBLIC")
		t.Cleanup(func() { exec(t, dsn, "DROP OWNED BY "+role+"; DROP ROLE "+role) })
		as := strings.Replace(dsn, "postgres@", role+"@", 1)
		granted := 0
		for ; ; granted++ {
			table, err := postgres.Open(sinktest.Within(t), as, postgres.Options{Stream: s})
			if err == nil {
				table.Close()
				break
			}
			_, statement, said := strings.Cut(err.Error(), "gives it by: ")
			if !said || granted > 2 {
				t.Fatalf("%s: after %d grants: %v", name, granted, err)
			}
			exec(t, dsn, statement)
		}
		if granted == 0 {
			t.Errorf("%s: the role was let in without a right", name)
		}
	}
}

// databaseOf is the quoted name of the database in a connection string.
func databaseOf(dsn string) string {
	name, _, _ := strings.Cut(dsn[strings.LastIndexByte(dsn, '/')+1:], "?")
	return `"` + name + `"`
}
