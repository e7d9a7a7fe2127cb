package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/penstock-io/penstock/internal/realtest"
)

// TestLookUpsOfABatchAreAskedTogether posts a batch to a stream whose look-up
// is a service that answers only once four questions wait at the same time.
func TestLookUpsOfABatchAreAskedTogether(t *testing.T) {
	t.Parallel()
	var waiting atomic.Int32
	four := make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if waiting.Add(1) == 4 {
			close(four)
		}
		select {
		case <-four:
			fmt.Fprint(w, `{"tier":"gold"}`)
		case <-r.Context().Done():
		}
	}))
	defer service.Close()
	file := filepath.Join(t.TempDir(), "visits.yaml")
	err := os.WriteFile(file, []byte(`
stream: visits
schema: {type: object, required: [user], properties: {user: {type: integer}}}
id: user
key: user
enrich:
  tier: {http: {url: "`+service.URL+`/{}"}, match: user, add: [tier], timeout: 1m}
`), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	kafka := realtest.Addr(t)
	p := startPenstock(t, "--dev-kafka", kafka, "--streams", file)
	body := strings.NewReader("{\"user\":1}\n{\"user\":2}\n{\"user\":3}\n{\"user\":4}\n")
	req, err := http.NewRequest("POST", p.door+"/v1/streams/visits/events", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Penstock-Ack", "kafka")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d, want 200", res.StatusCode)
	}
	for _, r := range readTopic(t, kafka, "visits") {
		if want := fmt.Sprintf(`{"user":%s,"tier":"gold"}`, r.Key); string(r.Value) != want {
			t.Errorf("record %s, want %s", r.Value, want)
		}
	}
}
