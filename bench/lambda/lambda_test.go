//go:build bench

// Package lambda_test measures the Lambda function beside one that is written as
// usual: make bench-lambda.
package lambda_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/internal/realtest"
)

const (
	starts    = 30
	rounds    = 5
	rows      = 10_000  // for DynamoDB Local
	rowsWarm  = 120_000 // before: Java compiles what runs often
	rowsNull  = 200_000 // for the sink that takes everything at once
	testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"in"}`
)

// A bench is the services and the two functions.
type bench struct {
	t      *testing.T
	s3     *s3.Client
	dynamo *dynamodb.Client
	bucket string
	table  string
	local  string // URL of DynamoDB Local
	null   *faults.NullDynamoDB

	ours, python         function // into DynamoDB Local
	oursNull, pythonNull function // into the null sink
	smallest             function // a function that does nothing
}

// A function is a program that speaks Lambda's Runtime API.
type function struct {
	args, env []string
}

// Each test stands for itself, so that each can have the machine for a short
// while: make bench-lambda runs all.
func TestBenchColdStart(t *testing.T) { newBench(t).coldStart() }

func TestBenchDynamoDBLocal(t *testing.T) {
	b := newBench(t)
	b.limit(rowsWarm)
	b.throughput(nil, rows, b.ours, b.python)
}

func TestBenchNullSink(t *testing.T) {
	b := newBench(t)
	b.throughput(b.null, rowsNull, b.oursNull, b.pythonNull)
}

func newBench(t *testing.T) *bench {
	local := realtest.DynamoDB(t)
	b := &bench{t: t, bucket: realtest.Name(t), table: realtest.Name(t), local: local}
	who := credentials.NewStaticCredentialsProvider(realtest.S3AccessKey, realtest.S3SecretKey, "")
	b.s3 = s3.New(s3.Options{Region: "us-east-1", Credentials: who, BaseEndpoint: aws.String(realtest.S3(t)), UsePathStyle: true})
	b.dynamo = dynamodb.New(dynamodb.Options{Region: "us-east-1", Credentials: who, BaseEndpoint: &local})
	b.null = &faults.NullDynamoDB{To: local, Table: b.table, Key: "order_id"}
	null := httptest.NewServer(b.null)
	t.Cleanup(null.Close)

	dir := t.TempDir()
	bootstrap, smallest := b.build(dir, "./cmd/penstock"), b.build(dir, "./bench/lambda/smallest")
	for _, bucket := range []string{b.bucket, b.bucket + "-bad"} {
		_, err := b.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
		b.must(err)
	}
	b.create(b.table, "order_id", ddb.ScalarAttributeTypeN)
	b.create(b.table+"-ledger", "name", ddb.ScalarAttributeTypeS)
	config := filepath.Join(dir, "bench.yaml")
	b.must(os.WriteFile(config, fmt.Appendf(nil, `environment: bench
bucket: %s
streams: [{name: orders, prefix: orders/, table: %s, key: {name: order_id, type: N}, mode: put}]
rejects: {bucket: %s-bad, prefix: rejects/}
ledger: {table: %s-ledger}
function: {name: penstock}
`, b.bucket, b.table, b.bucket, b.table), 0o600))
	env := []string{
		"AWS_ACCESS_KEY_ID=" + realtest.S3AccessKey, "AWS_SECRET_ACCESS_KEY=" + realtest.S3SecretKey, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ENDPOINT_URL_S3=" + realtest.S3(t), "PENSTOCK_ENV=" + config, "PENSTOCK_STREAMS=../../examples/orders", "TABLE=" + b.table,
		"AWS_LAMBDA_FUNCTION_NAME=penstock", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=512", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR",
	}
	into := func(url string, args ...string) function {
		return function{args, append(slices.Clone(env), "AWS_ENDPOINT_URL_DYNAMODB="+url)}
	}
	b.ours, b.oursNull = into(local, bootstrap), into(null.URL, bootstrap)
	b.smallest = into(local, smallest)
	python := cmp.Or(os.Getenv("PYTHON"), "python3")
	if exec.Command(python, "-c", "import boto3").Run() != nil {
		t.Logf("SKIP: %s has no boto3: set PYTHON to one that has", python)
		return b
	}
	b.python, b.pythonNull = into(local, python, "handler.py"), into(null.URL, python, "handler.py")
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// build makes a program as it is deployed.
func (b *bench) build(dir, what string) string {
	program := filepath.Join(dir, filepath.Base(what))
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w -buildid=", "-o", program, what)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		b.t.Fatalf("%v: %s", err, out)
	}
	return program
}

func (b *bench) create(name, key string, kind ddb.ScalarAttributeType) {
	_, err := b.dynamo.CreateTable(b.t.Context(), &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: &key, AttributeType: kind}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: &key, KeyType: ddb.KeyTypeHash}},
	})
	b.must(err)
}

// empty makes the table anew: an object of orders brings new ones as a rule, and
// DynamoDB Local takes longer to write over an item than to make one.
func (b *bench) empty() {
	_, err := b.dynamo.DeleteTable(b.t.Context(), &dynamodb.DeleteTableInput{TableName: &b.table})
	b.must(err)
	b.create(b.table, "order_id", ddb.ScalarAttributeTypeN)
}

// put stores orders under a key of their own and returns the event of them.
func (b *bench) put(key string, count uint64) string {
	var body strings.Builder
	b.must(orders.Generator{Seed: 1}.Write(&body, orders.NDJSON, 0, count))
	_, err := b.s3.PutObject(b.t.Context(), &s3.PutObjectInput{Bucket: &b.bucket, Key: &key, Body: strings.NewReader(body.String())})
	b.must(err)
	return fmt.Sprintf(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":%q},"object":{"key":%q,"sequencer":"0A"}}}]}`, b.bucket, key)
}

// coldStart measures from the start of the process to its answer to an event
// that asks nothing of it.
func (b *bench) coldStart() {
	took := map[string][]time.Duration{}
	for range starts {
		for name, f := range map[string]function{"penstock": b.ours, "empty Go": b.smallest, "boto3": b.python} {
			if f.args == nil {
				continue
			}
			start := time.Now()
			r := b.start(f)
			r.invoke(testEvent)
			took[name] = append(took[name], time.Since(start))
			r.stop()
		}
	}
	for _, name := range []string{"empty Go", "penstock", "boto3"} {
		all := took[name]
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		b.t.Logf("cold start to first answer, %s: median %.1f ms, 90 %% within %.1f ms, worst %.1f ms",
			name, ms(all[len(all)/2]), ms(all[len(all)*9/10]), ms(all[len(all)-1]))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// throughput has both functions work on the same rows by turns; each one's first
// turn does not count, for Java compiles in it what this client's requests take.
// What the table itself can take is measured beside them, where there is one: no
// null is DynamoDB Local.
func (b *bench) throughput(null *faults.NullDynamoDB, count uint64, ours, python function) {
	into := "DynamoDB Local"
	if null != nil {
		into = "a null sink"
	}
	took, wrote := map[string][]float64{}, map[string]map[string]map[string]string{}
	for round := range 1 + rounds {
		for _, name := range []string{"penstock", "boto3"} {
			f, count := ours, count
			if name == "boto3" {
				f, count = python, rows // as many as ours would take most of the time
			}
			if f.args == nil {
				continue
			}
			event := b.put(fmt.Sprintf("orders/%s-%d.jsonl", name, round), count)
			if null != nil {
				null.Reset()
			} else {
				b.empty()
			}
			r := b.start(f)
			r.invoke(testEvent) // warm
			start := time.Now()
			r.invoke(event)
			if round > 0 {
				took[name] = append(took[name], float64(count)/time.Since(start).Seconds())
			}
			r.stop()
			if null == nil {
				wrote[name] = b.items()
				continue
			}
			if items, _ := null.Written(); uint64(items) != count {
				b.t.Errorf("%s wrote %d items of %d", name, items, count)
			}
		}
		if null == nil {
			b.empty()
			if rate := b.limit(count); round > 0 {
				took["limit"] = append(took["limit"], rate)
			}
		}
	}
	if wrote["boto3"] != nil {
		for id, item := range wrote["penstock"] {
			if other := wrote["boto3"][id]; !maps.Equal(item, other) {
				b.t.Fatalf("penstock writes %v\nboto3 writes %v", item, other)
			}
		}
	}
	b.t.Logf("%d rows into %s: penstock %.0f rows/s %.0f", count, into, median(took["penstock"]), took["penstock"])
	if took["boto3"] != nil {
		b.t.Logf("%d rows into %s: boto3 %.0f rows/s %.0f: penstock is %.1f times as fast",
			rows, into, median(took["boto3"]), took["boto3"], median(took["penstock"])/median(took["boto3"]))
	}
	if took["limit"] != nil {
		b.t.Logf("%d rows into %s: requests that were made before, 8 at once: %.0f rows/s %.0f", count, into, median(took["limit"]), took["limit"])
	}
}

// items are a hundred of those that a function has written, with their types.
func (b *bench) items() map[string]map[string]string {
	var keys []map[string]ddb.AttributeValue
	for id := range 100 {
		keys = append(keys, map[string]ddb.AttributeValue{"order_id": &ddb.AttributeValueMemberN{Value: fmt.Sprint(id + 1)}})
	}
	out, err := b.dynamo.BatchGetItem(b.t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]ddb.KeysAndAttributes{
		b.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
	}})
	b.must(err)
	items := map[string]map[string]string{}
	for _, item := range out.Responses[b.table] {
		attributes := map[string]string{}
		for name, v := range item {
			attributes[name] = fmt.Sprintf("%T %v", v, v)
		}
		items[attributes["order_id"]] = attributes
	}
	if len(items) != len(keys) {
		b.t.Fatalf("%d items of %d were written", len(items), len(keys))
	}
	return items
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// A running function with Lambda's side of the Runtime API.
type running struct {
	b      *bench
	cmd    *exec.Cmd
	server *httptest.Server
	api    *runtimeAPI
}

func (b *bench) start(f function) *running {
	r := &running{b: b, api: &runtimeAPI{events: make(chan string), answers: make(chan string)}}
	r.server = httptest.NewServer(r.api)
	r.cmd = exec.CommandContext(context.WithoutCancel(b.t.Context()), f.args[0], f.args[1:]...)
	r.cmd.Env = append(append(os.Environ(), f.env...), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(r.server.URL, "http://"))
	r.cmd.Stdout, r.cmd.Stderr = io.Discard, os.Stderr
	b.must(r.cmd.Start())
	return r
}

// invoke returns when the function has answered.
func (r *running) invoke(event string) {
	r.b.t.Helper()
	patience := time.After(3 * time.Minute)
	select {
	case r.api.events <- event:
	case <-patience:
		r.b.t.Fatal("the function does not ask for an event")
	}
	select {
	case answer := <-r.api.answers:
		if answer != "null" {
			r.b.t.Fatalf("the function answers %.1000s", answer)
		}
	case <-patience:
		r.b.t.Fatal("the function does not answer")
	}
}

func (r *running) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
	r.server.CloseClientConnections()
	r.server.Close()
}
