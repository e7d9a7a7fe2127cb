package dynamo_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/realtest"
)

// TestRegisterOnABadDay: what passes is tried until it has passed, in a time
// that an invocation has. An answer that is lost or ends in its middle says
// nothing, and a write whose answer it was is not taken for somebody else's.
func TestRegisterOnABadDay(t *testing.T) {
	for name, shares := range map[string]faults.DynamoDBShares{
		"half": {Half: .2}, "lost": {Lost: .3}, "throttle": {Throttle: .5}, "broken": {Broken: .5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it mostly waits
			proxy := &faults.DynamoDB{To: realtest.DynamoDB(t), Seed: 1, Shares: shares}
			server := httptest.NewServer(proxy)
			defer server.Close()
			register := dynamo.Register{Client: client(server.URL), Table: table(t, "name:S")}
			for version := range int64(8) {
				text := fmt.Sprintf("text %d", version)
				if ok, err := register.Store(within(t), "a", []byte(text), version); err != nil || !ok {
					t.Fatalf("store version %d: %v, %v", version, ok, err)
				}
				got, at, err := register.Load(within(t), "a")
				if err != nil || string(got) != text || at != version+1 {
					t.Fatalf("load version %d: %q, %d, %v", version, got, at, err)
				}
			}
			if proxy.Faults()[name] == 0 {
				t.Errorf("nothing went wrong: %v", proxy.Faults())
			}
		})
	}
}
