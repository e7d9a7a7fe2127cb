package realtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/penstock-io/penstock/internal/realtest"
)

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	ctx := context.Background()
	for range 2 {
		conn, err := pgx.Connect(ctx, realtest.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		// Fails the second time if the database is the same one.
		if _, err := conn.Exec(ctx, "CREATE TABLE a (b int)"); err != nil {
			t.Fatal(err)
		}
		conn.Close(ctx)
	}
}

func TestKafkaOutlivesKill9(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a broker of its own")
	}
	server := realtest.StartKafka(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(server.Addr()), kgo.DefaultProduceTopic("t"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.CreateTopic(ctx, 1, 1, nil, "t"); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(ctx, kgo.StringRecord("before")).FirstErr(); err != nil {
		t.Fatal(err)
	}
	server.Kill9(t)
	server.Restart(t)
	ends, err := admin.ListEndOffsets(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	if o, _ := ends.Lookup("t", 0); o.Offset != 1 {
		t.Fatalf("the topic ends at %d after the restart, not at 1: %v", o.Offset, o.Err)
	}
}
