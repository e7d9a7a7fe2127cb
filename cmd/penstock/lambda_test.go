package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/s3"
)

// A cloud is a real S3 server and a DynamoDB, on a bad day, with the tables and
// buckets of one environment.
type cloud struct {
	t                             testing.TB
	proxy                         *faults.DynamoDB
	settings                      awsSettings
	in, bad, table, ledger, files string
	env                           []string
}

func newCloud(t testing.TB, shares faults.DynamoDBShares, seed uint64) *cloud {
	c := &cloud{t: t, in: realtest.Name(t), bad: realtest.Name(t), table: realtest.Name(t), ledger: realtest.Name(t)}
	c.proxy = &faults.DynamoDB{To: realtest.DynamoDB(t), Seed: seed, Shares: shares}
	server := httptest.NewServer(c.proxy)
	t.Cleanup(server.Close)
	vars := map[string]string{
		"AWS_ACCESS_KEY_ID": realtest.S3AccessKey, "AWS_SECRET_ACCESS_KEY": realtest.S3SecretKey, "AWS_REGION": "us-east-1",
		"AWS_ENDPOINT_URL_S3": realtest.S3(t), "AWS_ENDPOINT_URL_DYNAMODB": server.URL,
	}
	direct := map[string]string{"AWS_ENDPOINT_URL_DYNAMODB": c.proxy.To} // the test itself has good days only
	for name, value := range vars {
		c.env = append(c.env, name+"="+value)
		if direct[name] == "" {
			direct[name] = value
		}
	}
	c.settings = awsSettings{func(name string) string { return direct[name] }}
	for _, bucket := range []string{c.in, c.bad} {
		if _, err := c.settings.s3().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	c.createTable(c.table, "order_id", ddb.ScalarAttributeTypeN)
	c.createTable(c.ledger, "name", ddb.ScalarAttributeTypeS)
	c.files = filepath.Join(t.TempDir(), "test.yaml")
	c.configure("margin_seconds: 2, timeout_seconds: 60, lease_seconds: 1")
	c.env = append(c.env, "PENSTOCK_ENV="+c.files, "PENSTOCK_STREAMS=../../examples/orders", asPenstock+"=1")
	return c
}

// configure writes the environment's configuration.
func (c *cloud) configure(function string) {
	c.t.Helper()
	text := fmt.Sprintf(`environment: test
bucket: %s
streams: [{name: orders, prefix: orders/, table: %s, key: {name: order_id, type: N}, mode: put}]
rejects: {bucket: %s, prefix: rejects/}
ledger: {table: %s}
function: {name: penstock, %s}
`, c.in, c.table, c.bad, c.ledger, function)
	if err := os.WriteFile(c.files, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cloud) createTable(name, key string, kind ddb.ScalarAttributeType) {
	c.t.Helper()
	_, err := c.settings.dynamodb().CreateTable(c.t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: &key, AttributeType: kind}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: &key, KeyType: ddb.KeyTypeHash}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// put stores orders and returns the event that tells of them.
func (c *cloud) put(key string, g orders.Generator, form orders.Form, from, count uint64) []byte {
	c.t.Helper()
	var body strings.Builder
	if err := g.Write(&body, form, from, count); err != nil {
		c.t.Fatal(err)
	}
	if err := (s3.Client{S3: c.settings.s3()}).Put(c.t.Context(), c.in, key, []byte(body.String())); err != nil {
		c.t.Fatal(err)
	}
	return c.event(key)
}

// event is what S3 sends of an object.
func (c *cloud) event(key string) []byte {
	return fmt.Appendf(nil, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"sequencer":"0A"}}}]}`, c.in, url.QueryEscape(key))
}

// progress is what the ledger has of an object.
func (c *cloud) progress(key string) s3.Progress {
	c.t.Helper()
	text, _, err := dynamo.Register{Client: c.settings.dynamodb(), Table: c.ledger}.Load(c.t.Context(), "s3://"+c.in+"/"+key)
	var p s3.Progress
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		c.t.Fatalf("the ledger's entry of %s: %v", key, err)
	}
	return p
}
