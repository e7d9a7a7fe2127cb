package dynamo_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/internal/sinktest"
	"github.com/penstock-io/penstock/stream"
)

const ordersFile = `
stream: orders
schema:
  type: object
  required: [order_id]
  properties:
    order_id:   {type: integer}
    created_at: {type: string, format: date-time}
    amount:     {type: [number, string], format: "decimal(12,2)"}
    ratio:      {type: number}
    paid:       {type: boolean}
    note:       {type: [string, "null"]}
    tags:       {type: array}
id: order_id
time: created_at
`

const suiteFile = `
stream: suite
schema:
  type: object
  properties: {seq: {type: integer}, id: {type: string}, key: {type: string}, body: {type: object}}
  additionalProperties: false
id: id
`

func load(t testing.TB, text string) *stream.Stream {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stream.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func client(url string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "eu-central-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider("penstock", "secret", ""),
	})
}

// table makes a table with this key, as name:type, and returns its name.
func table(t testing.TB, keys ...string) string {
	t.Helper()
	name := realtest.Name(t)
	if _, err := client(realtest.DynamoDB(t)).CreateTable(within(t), createTable(name, keys...)); err != nil {
		t.Fatal(err)
	}
	return name
}

func createTable(name string, keys ...string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	for i, k := range keys {
		attribute, kind, _ := strings.Cut(k, ":")
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &attribute, AttributeType: types.ScalarAttributeType(kind)})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &attribute, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
	}
	return in
}

func open(t testing.TB, url string, o dynamo.Options) *dynamo.Table {
	t.Helper()
	sink, err := dynamo.Open(within(t), client(url), o)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// scan returns all items of a table.
func scan(t testing.TB, name string) []map[string]types.AttributeValue {
	t.Helper()
	var all []map[string]types.AttributeValue
	pages := dynamodb.NewScanPaginator(client(realtest.DynamoDB(t)), &dynamodb.ScanInput{TableName: &name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(within(t))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// show is an item as sorted name=value.
func show(item map[string]types.AttributeValue) string {
	var list []string
	for name, v := range item {
		text := fmt.Sprint(v)
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			text = strconv.Quote(v.Value)
		case *types.AttributeValueMemberN:
			text = v.Value
		case *types.AttributeValueMemberBOOL:
			text = fmt.Sprint(v.Value)
		case *types.AttributeValueMemberNULL:
			text = "null"
		}
		list = append(list, name+"="+text)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func shown(t testing.TB, name string) string {
	var lines []string
	for _, item := range scan(t, name) {
		lines = append(lines, show(item))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// events decodes JSON texts by the stream's rules; positions count from first.
func events(t testing.TB, s *stream.Stream, first uint64, texts ...string) *penstock.Batch {
	t.Helper()
	d := s.NewDecoder()
	b := &penstock.Batch{}
	for i, text := range texts {
		e := &penstock.Event{Origin: penstock.Origin{Door: "door", Position: first + uint64(i)}}
		if _, err := d.Decode([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		for _, step := range []penstock.Step{s.Check, s.Derive, s.Identify} {
			if err := step(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		b.Events = append(b.Events, e)
	}
	return b
}

func want(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func verdicts(b *penstock.Batch) string {
	var list []string
	for _, e := range b.Events {
		text := e.Verdict().String()
		if e.Reason() != nil {
			text += ":" + e.Reason().Code
		}
		list = append(list, text)
	}
	return strings.Join(list, " ")
}

// TestConformance runs the suite of all sinks, in each mode, with the service
// as it should be and as it is on a bad day.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name string
		mode dynamo.Mode
		bad  faults.DynamoDBShares
	}{
		{"put", dynamo.Put, faults.DynamoDBShares{}},
		{"insert", dynamo.Insert, faults.DynamoDBShares{}},
		{"put with faults", dynamo.Put, faults.DynamoDBShares{Unprocessed: .3, Throttle: .05, Broken: .05, Reset: .02, Lost: .03, Half: .02}},
		{"insert with faults", dynamo.Insert, faults.DynamoDBShares{Throttle: .03, Broken: .02, Lost: .02}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if testing.Short() && c.mode != dynamo.Put {
				t.Skip("a request for each item takes its time")
			}
			sinktest.Run(t, func(t *testing.T, _ string) (penstock.Sink, func() []sinktest.Record) {
				name := table(t, "id:S")
				proxy := &faults.DynamoDB{
					To: realtest.DynamoDB(t), Seed: uint64(len(t.Name())), Shares: c.bad}
				server := httptest.NewServer(proxy)
				t.Cleanup(server.Close)
				sink := open(t, server.URL, dynamo.Options{Stream: load(t, suiteFile), Table: name, Mode: c.mode})
				return values(sink), func() []sinktest.Record { return readSuite(t, name) }
			})
		})
	}
}

// values fills in the values of the suite's events.
func values(to penstock.Sink) penstock.Sink {
	return penstock.SinkFunc(func(ctx context.Context, b *penstock.Batch) error {
		for _, e := range b.Pending().Events {
			e.Values = []penstock.Value{
				penstock.IntValue(int64(e.Origin.Position)), {Kind: penstock.Text, Bytes: e.ID},
				{Kind: penstock.Text, Bytes: e.Key}, {Kind: penstock.JSON, Bytes: e.Body},
			}
		}
		return to.Write(ctx, b)
	})
}

func readSuite(t *testing.T, name string) []sinktest.Record {
	type numbered struct {
		seq int
		sinktest.Record
	}
	var all []numbered
	for _, item := range scan(t, name) {
		text := func(name string) string { return item[name].(*types.AttributeValueMemberS).Value }
		seq, err := strconv.Atoi(item["seq"].(*types.AttributeValueMemberN).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, numbered{seq, sinktest.Record{Key: text("key"), Body: text("body")}})
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	var records []sinktest.Record
	for _, n := range all {
		records = append(records, n.Record)
	}
	return records
}

func TestItemHoldsEachValueExactly(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	b := events(t, s, 1, `{"order_id":9223372036854775807,"created_at":"2026-01-02T03:04:05.5+01:00","amount":"12.50","ratio":0.1,
		"paid":true,"note":"ä\u0000\n","tags":[1, "b"],"more":{"a":null}}`, `{"order_id":2,"note":null}`)
	if err := sink.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "items", shown(t, name), `amount=12.5 created_at="2026-01-02T02:04:05.5Z" extra="{\"more\":{\"a\":null}}" note="ä\x00\n" order_id=9223372036854775807 paid=true ratio=0.1 tags="[1, \"b\"]"
note=null order_id=2`)
}

func TestLastOfAKeyInABatchIsWritten(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	proxy := &faults.DynamoDB{To: realtest.DynamoDB(t), Shares: faults.DynamoDBShares{Unprocessed: .5}}
	server := httptest.NewServer(proxy)
	defer server.Close()
	sink := open(t, server.URL, dynamo.Options{Stream: s, Table: name})
	var texts []string
	for n := range 300 {
		texts = append(texts, fmt.Sprintf(`{"order_id":%d,"note":"%d"}`, n%60, n))
	}
	b := events(t, s, 1, texts...)
	if err := sink.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "tally", b.Tally().String(), "read 300 = delivered 300 + dropped 0 + rejected 0")
	items := scan(t, name)
	if len(items) != 60 {
		t.Errorf("%d items, want 60", len(items))
	}
	for _, item := range items {
		id, _ := strconv.Atoi(item["order_id"].(*types.AttributeValueMemberN).Value)
		want(t, fmt.Sprint("note of order ", id), item["note"].(*types.AttributeValueMemberS).Value, fmt.Sprint(240+id))
	}
	if proxy.Faults()["unprocessed"] == 0 {
		t.Error("no item was left over, so nothing was tried")
	}
}

func TestWhatDynamoDBCannotHoldIsRejected(t *testing.T) {
	s := load(t, strings.ReplaceAll(ordersFile, "id: order_id\n", "table: {name: orders, primary_key: note}\n"))
	name := table(t, "note:S")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	b := events(t, s, 1,
		`{"order_id":1,"note":"good"}`,
		`{"order_id":2,"note":""}`,
		`{"order_id":3}`,
		`{"order_id":4,"note":"`+strings.Repeat("k", 2049)+`"}`,
		`{"order_id":5,"note":"big","tags":["`+strings.Repeat("x", 400<<10)+`"]}`,
		`{"order_id":6,"note":"digits","ratio":1.234567890123456789012345678901234567890}`,
		`{"order_id":7,"note":"range","ratio":1e130}`,
		`{"order_id":8,"note":"good too"}`)
	if err := sink.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "verdicts", verdicts(b), "delivered rejected:item_key rejected:item_key rejected:item_key rejected:item_size rejected:number rejected:item delivered")
	want(t, "items", shown(t, name), "note=\"good too\" order_id=8\nnote=\"good\" order_id=1")
}

func TestItemAtTheSizeLimit(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	// 8 + 2 for the key, 4 for the note's name.
	fits := strings.Repeat("x", 400<<10-14)
	b := events(t, s, 1, `{"order_id":1,"note":"`+fits+`"}`, `{"order_id":2,"note":"`+fits+`xx"}`)
	if err := sink.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "verdicts", verdicts(b), "delivered rejected:item_size")
}

func TestModes(t *testing.T) {
	s := load(t, ordersFile)
	first := []string{`{"order_id":1,"created_at":"2026-01-01T00:00:02Z","note":"a"}`}
	second := []string{`{"order_id":1,"created_at":"2026-01-01T00:00:01.5Z","note":"b"}`}
	for _, c := range []struct {
		mode           dynamo.Mode
		verdict, again string
		note           string
	}{
		{dynamo.Put, "delivered", "delivered", "a"},
		{dynamo.Insert, "rejected:unique", "delivered", "a"},
		{dynamo.NewerWins, "dropped", "delivered", "a"},
	} {
		t.Run(c.mode.String(), func(t *testing.T) {
			name := table(t, "order_id:N")
			sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name, Mode: c.mode})
			for _, step := range []struct {
				at    uint64
				texts []string
				want  string
			}{{1, first, "delivered"}, {2, second, c.verdict}, {1, first, c.again}} {
				b := events(t, s, step.at, step.texts...)
				if err := sink.Write(within(t), b); err != nil {
					t.Fatal(err)
				}
				want(t, "verdict", verdicts(b), step.want)
			}
			want(t, "note", scan(t, name)[0]["note"].(*types.AttributeValueMemberS).Value, c.note)
		})
	}
}

// A row without an identity has the key of its place, so that it lands once,
// however often it is read.
func TestRowIDIsOfThePlace(t *testing.T) {
	s := load(t, strings.ReplaceAll(ordersFile, "id: order_id\n", ""))
	name := table(t, dynamo.RowID+":S")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	for range 2 {
		if err := sink.Write(within(t), events(t, s, 7, `{"order_id":1}`, `{"order_id":1}`)); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(scan(t, name)); n != 2 {
		t.Errorf("%d items, want 2: one for each place", n)
	}
}

func TestSortKey(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "note:S", "order_id:N")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	b := events(t, s, 1, `{"order_id":1,"note":"a"}`, `{"order_id":2,"note":"a"}`, `{"order_id":1,"note":"a"}`)
	if err := sink.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	if n := len(scan(t, name)); n != 2 {
		t.Errorf("%d items, want 2", n)
	}
}

func TestOpenSaysWhatDoesNotFit(t *testing.T) {
	s := load(t, ordersFile)
	for _, c := range []struct{ keys, want string }{
		{"nothing:S", "key attribute nothing is no field of stream orders"},
		{"paid:S", "key attribute paid is S, but the field is a boolean"},
		{"note:N", "key attribute note is N, but the field is"},
		{dynamo.RowID + ":N", "must be a string (S), but is N"},
		{"order_id:S", "key attribute order_id is S, but the field is an integer"},
		{"note:S", "its key has no order_id, by which stream orders tells its rows apart"},
	} {
		_, err := dynamo.Open(within(t), client(realtest.DynamoDB(t)), dynamo.Options{Stream: s, Table: table(t, c.keys)})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("key %s: error %v, want one that says %q", c.keys, err, c.want)
		}
	}
	var missing *types.ResourceNotFoundException
	if _, err := dynamo.Open(within(t), client(realtest.DynamoDB(t)), dynamo.Options{Stream: s, Table: "no-such-table"}); !errors.As(err, &missing) {
		t.Errorf("error %v, want that there is no such table", err)
	}
}

// A look at a table that is throttled, or fails now and then, is taken again.
func TestOpenOnABadDay(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	for fault, shares := range map[string]faults.DynamoDBShares{"throttle": {Throttle: .65}, "broken": {Broken: .5}, "half": {Half: .5}} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel() // it mostly waits
			proxy := &faults.DynamoDB{To: realtest.DynamoDB(t), Seed: 1, Shares: shares}
			server := httptest.NewServer(proxy)
			defer server.Close()
			for range 4 {
				open(t, server.URL, dynamo.Options{Stream: s, Table: name})
			}
			if proxy.Faults()[fault] == 0 {
				t.Errorf("nothing went wrong: %v", proxy.Faults())
			}
		})
	}
	t.Run("no end", func(t *testing.T) {
		server := httptest.NewServer(&faults.DynamoDB{To: realtest.DynamoDB(t), Shares: faults.DynamoDBShares{Throttle: 1}})
		defer server.Close()
		_, err := dynamo.Open(within(t), client(server.URL), dynamo.Options{Stream: s, Table: name, Patience: 100 * time.Millisecond})
		var throttled *types.ProvisionedThroughputExceededException
		if !errors.As(err, &throttled) {
			t.Errorf("error %v, want that the table is throttled", err)
		}
	})
}

// A table that is deleted and made anew is another; with another key it is none
// that events can be put into as before.
func TestIDTellsTables(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	db := client(realtest.DynamoDB(t))
	anew := func(key string) {
		if _, err := db.DeleteTable(within(t), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Fatal(err)
		}
		if _, err := db.CreateTable(within(t), createTable(name, key)); err != nil {
			t.Fatal(err)
		}
	}
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	id := func() string {
		id, err := sink.ID(within(t))
		if err != nil || id == "" {
			t.Fatalf("id %q, %v", id, err)
		}
		return id
	}
	before := id()
	want(t, "the same table's id", id(), before)
	if anew("order_id:N"); id() == before {
		t.Errorf("both tables are %s", before)
	}
	anew("note:S")
	if id, err := sink.ID(within(t)); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("a table with another key: id %q, %v", id, err)
	}
}

// A table that takes nothing leaves the batch pending, and says so.
func TestPatienceEnds(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	good := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	proxy := &faults.DynamoDB{To: realtest.DynamoDB(t), Shares: faults.DynamoDBShares{Unprocessed: 1}}
	server := httptest.NewServer(proxy)
	defer server.Close()
	sink := open(t, server.URL, dynamo.Options{Stream: s, Table: name, Patience: 200 * time.Millisecond})
	b := events(t, s, 1, `{"order_id":1}`)
	err := sink.Write(within(t), b)
	if err == nil || !strings.Contains(err.Error(), "the table is throttled") {
		t.Fatalf("error %v, want that the table is throttled", err)
	}
	want(t, "verdict", verdicts(b), "pending")
	if err := good.Write(within(t), b); err != nil {
		t.Fatal(err)
	}
	want(t, "verdict", verdicts(b), "delivered")
}

// What no patience mends is said at once, and nothing is rejected for it.
func TestMissingTableIsNoEventsFault(t *testing.T) {
	s := load(t, ordersFile)
	name := table(t, "order_id:N")
	sink := open(t, realtest.DynamoDB(t), dynamo.Options{Stream: s, Table: name})
	if _, err := client(realtest.DynamoDB(t)).DeleteTable(within(t), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
		t.Fatal(err)
	}
	b := events(t, s, 1, `{"order_id":1}`, `{"order_id":2}`)
	var missing *types.ResourceNotFoundException
	if err := sink.Write(within(t), b); !errors.As(err, &missing) {
		t.Errorf("error %v, want that there is no such table", err)
	}
	want(t, "verdicts", verdicts(b), "pending pending")
}
