package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock"
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
	text := fmt.Sprintf(`environment: test
bucket: %s
streams: [{name: orders, prefix: orders/, table: %s, key: {name: order_id, type: N}, mode: put}]
rejects: {bucket: %s, prefix: rejects/}
ledger: {table: %s}
function: {name: penstock, margin_seconds: 2, timeout_seconds: 60, lease_seconds: 1}
`, c.in, c.table, c.bad, c.ledger)
	if err := os.WriteFile(c.files, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c.env = append(c.env, "PENSTOCK_ENV="+c.files, asPenstock+"=1")
	return c
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
func (c *cloud) put(key string, g orders.Generator, form string, from, count uint64) []byte {
	c.t.Helper()
	f, err := orders.ParseForm(form)
	if err != nil {
		c.t.Fatal(err)
	}
	var body strings.Builder
	if err := g.Write(&body, f, from, count); err != nil {
		c.t.Fatal(err)
	}
	if err := (s3.Client{S3: c.settings.s3()}).Put(c.t.Context(), c.in, key, []byte(body.String())); err != nil {
		c.t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"sequencer":"0A"}}}]}`, c.in, key)
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

func (c *cloud) items() int64 {
	c.t.Helper()
	var n int64
	pages := dynamodb.NewScanPaginator(c.settings.dynamodb(), &dynamodb.ScanInput{TableName: &c.table, Select: ddb.SelectCount, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		n += int64(page.Count)
	}
	return n
}

// rejected counts the lines of rejects, each record of each object once.
func (c *cloud) rejected() int64 {
	c.t.Helper()
	seen := map[string]bool{}
	var n int64
	pages := awss3.NewListObjectsV2Paginator(c.settings.s3(), &awss3.ListObjectsV2Input{Bucket: &c.bad})
	for pages.HasMorePages() {
		page, err := pages.NextPage(c.t.Context())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range page.Contents {
			out, err := c.settings.s3().GetObject(c.t.Context(), &awss3.GetObjectInput{Bucket: &c.bad, Key: o.Key})
			if err != nil {
				c.t.Fatal(err)
			}
			text, err := io.ReadAll(out.Body)
			if out.Body.Close(); err != nil {
				c.t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				var l s3.RejectLine
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					c.t.Fatal(err)
				}
				id := fmt.Sprint(l.Object.Key, l.Record)
				if seen[id] {
					c.t.Errorf("reject %s is kept twice", id)
				}
				seen[id] = true
				n++
			}
		}
	}
	return n
}

// TestFunctionKilledAnywhere has the real bootstrap work on objects in each
// form while it is killed at any moment, its events come twice and in any
// order, and DynamoDB leaves items over, throttles and loses answers. In the
// end each row is in the table or among the rejects, once.
func TestFunctionKilledAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("kills many processes")
	}
	rounds := 1
	if text := os.Getenv("PENSTOCK_LAMBDA_ROUNDS"); text != "" {
		if _, err := fmt.Sscan(text, &rounds); err != nil {
			t.Fatal(err)
		}
	}
	for round := range rounds {
		t.Run(fmt.Sprint(round), func(t *testing.T) { killFunction(t, uint64(round)) })
	}
}

func killFunction(t *testing.T, seed uint64) {
	each := uint64(1500) // of a batch or less; PENSTOCK_LAMBDA_ROUNDS makes them larger, too
	if os.Getenv("PENSTOCK_LAMBDA_ROUNDS") != "" {
		each = 6000
	}
	c := newCloud(t, faults.DynamoDBShares{Unprocessed: .3, Throttle: .03, Broken: .02, Lost: .02}, seed)
	random := rand.New(rand.NewPCG(seed, 7))
	service := &lambdaService{
		program: os.Args[0], env: c.env, timeout: time.Minute, stderr: io.Discard,
		strike: func(int) time.Duration { // an event is given up after three attempts, so some are let through
			if random.IntN(3) == 0 {
				return 0
			}
			return time.Duration(50+random.IntN(900)) * time.Millisecond
		},
	}
	if err := startLambdaService(service); err != nil {
		t.Fatal(err)
	}
	defer service.close()
	var events [][]byte
	keys := []string{"orders/a.jsonl", "orders/b.csv", "orders/c.json"}
	for i, form := range []string{"ndjson", "csv", "array"} {
		g := orders.Generator{Seed: seed, Users: 100}
		if form != "csv" {
			g.Bad = .02
		}
		events = append(events, c.put(keys[i], g, form, uint64(i)*each, each))
	}
	events = append(events, events...)
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	for _, e := range events {
		service.add(e)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	_, err := service.drain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// What failed for good went to the on-failure destination: all is replayed.
	service.strike = nil
	for _, e := range events {
		service.add(e)
	}
	if failed, err := service.drain(ctx); err != nil || len(failed) > 0 {
		t.Fatalf("replayed without kills: %v, failed %v", err, failed)
	}
	var total penstock.Tally
	for _, key := range keys {
		p := c.progress(key)
		if p.State != s3.Done || uint64(p.Tally.Read) < each || !p.Tally.Conserved() || p.Tally.Pending > 0 {
			t.Errorf("%s: %s %v", key, p.State, p.Tally)
		}
		total = total.Add(p.Tally)
	}
	if n := c.items(); n != total.Delivered {
		t.Errorf("%d rows in the table, %d were written by the ledger", n, total.Delivered)
	}
	if n := c.rejected(); n != total.Rejected {
		t.Errorf("%d rejects are kept, %d were counted by the ledger", n, total.Rejected)
	}
	if c.proxy.Faults()["unprocessed"] == 0 {
		t.Error("no item was left over, so nothing was tried")
	}
}
