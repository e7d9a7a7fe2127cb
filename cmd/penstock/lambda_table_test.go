package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// The function does not go on with an object on a table that was made anew since
// it was begun: it gives the object up and says so, and begins it anew when it
// is told of it again.
func TestFunctionOnATableMadeAnew(t *testing.T) {
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	c.configure("margin_seconds: 2, timeout_seconds: 60, lease_seconds: 1, batch_kb: 4")
	var batches atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".BatchWriteItem") && batches.Add(1) == 8 {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)
			return
		}
		c.proxy.ServeHTTP(w, r)
	}))
	defer server.Close()
	f, err := openFunction(t.Context(), c.files, "../../examples/orders", shell{stdout: io.Discard, stderr: io.Discard, getenv: func(name string) string {
		if name == "AWS_ENDPOINT_URL_DYNAMODB" {
			return server.URL
		}
		return c.settings.getenv(name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	const key = "orders/a.jsonl"
	g := orders.Generator{Seed: 1, Bad: .1}
	want := newReference(c)
	want.add(key, g, orders.NDJSON, 0, 200)
	event := c.put(key, g, orders.NDJSON, 0, 200)
	if _, err := f.Invoke(t.Context(), event); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
		t.Fatalf("the eighth batch: %v", err)
	}
	if p := c.progress(key); p.State != s3.Running || p.Tally.Delivered == 0 || p.Table == "" {
		t.Fatalf("it is not in mid-object: %s %v on table %q", p.State, p.Tally, p.Table)
	}
	if _, err := c.settings.dynamodb().DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: &c.table}); err != nil {
		t.Fatal(err)
	}
	c.createTable(c.table, "order_id", ddb.ScalarAttributeTypeN)

	if _, err := f.Invoke(t.Context(), event); err == nil || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("on the new table: %v", err)
	}
	if p := c.progress(key); p.State != s3.Failed {
		t.Errorf("on the new table: %s %v", p.State, p.Tally)
	}
	if answer, err := f.Invoke(t.Context(), event); err != nil || !bytes.Equal(answer, []byte("null")) {
		t.Errorf("told again: %s, %v", answer, err)
	}
	want.compare(c)
}
