package dynamo_test

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// TestRegisterOfADamagedItem: an item that somebody has changed by hand is read
// as what is left of it, and can be written over.
func TestRegisterOfADamagedItem(t *testing.T) {
	db := client(realtest.DynamoDB(t))
	register := dynamo.Register{Client: db, Table: table(t, "name:S")}
	for name, item := range map[string]map[string]types.AttributeValue{
		"nothing":     {},
		"no version":  {"text": &types.AttributeValueMemberS{Value: "left"}},
		"odd version": {"text": &types.AttributeValueMemberS{Value: "left"}, "version": &types.AttributeValueMemberS{Value: "5"}},
		"no text":     {"version": &types.AttributeValueMemberN{Value: "5"}},
	} {
		item["name"] = &types.AttributeValueMemberS{Value: name}
		if _, err := db.PutItem(within(t), &dynamodb.PutItemInput{TableName: &register.Table, Item: item}); err != nil {
			t.Fatal(err)
		}
		_, version, err := register.Load(within(t), name)
		if err != nil || version < 1 {
			t.Errorf("%s: version %d, %v", name, version, err)
		}
		for _, want := range []bool{true, false} { // the second comes too late
			if ok, err := register.Store(within(t), name, fmt.Append(nil, "new ", want), version); ok != want || err != nil {
				t.Errorf("%s: store %v, %v, want %v", name, ok, err, want)
			}
		}
		if text, at, err := register.Load(within(t), name); string(text) != "new true" || at != version+1 || err != nil {
			t.Errorf("%s: then %q of version %d, %v", name, text, at, err)
		}
	}
	if ok, err := register.Store(within(t), "none", []byte("x"), 1); ok || err != nil {
		t.Errorf("over an item that is not there: %v, %v", ok, err)
	}
}
