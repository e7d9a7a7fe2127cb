package dynamo

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

const wireFile = `
stream: wire
schema:
  type: object
  properties:
    n:      {type: integer}
    at:     {type: string, format: date-time}
    amount: {type: string, format: "decimal(12,2)"}
    ratio:  {type: number}
    paid:   {type: boolean}
    note:   {type: [string, "null"]}
    tags:   {type: array}
    extra:  {type: string}
`

// A sent keeps the bodies of requests and answers as a table that takes all.
type sent struct{ bodies [][]byte }

func (s *sent) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.bodies = append(s.bodies, body)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(`{"UnprocessedItems":{}}`)),
	}, nil
}

func wire(t testing.TB) (*Table, *sent) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wire.yaml")
	if err := os.WriteFile(file, []byte(wireFile), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := stream.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &sent{}
	client := dynamodb.New(dynamodb.Options{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""), HTTPClient: s})
	table := &Table{o: Options{Stream: all[0], Table: "wire", Concurrency: 1}, client: client, pace: newPace(1)}
	for _, c := range all[0].Columns() {
		table.fields = append(table.fields, attribute{c.Name, c.Slot})
	}
	table.keys = []key{{name: RowID, slot: -1, kind: types.ScalarAttributeTypeS}}
	return table, s
}

// Whatever the events hold, our body says the same as the one that the SDK makes
// of the same items.
func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		`{"n":-9223372036854775808,"at":"2026-01-02T03:04:05.5+01:00","amount":"-0.50","ratio":1e-7,"paid":false,"note":null,"tags":[1,"\u00e4"]}`,
		`{"note":"\"\\\u0000\b\f\n\r\t\u001f\u007f\u2028\ud83d\ude00</script>","more":{"a":[null]},"extra":"e"}`,
		`{"extra":"stays"}`, `{"paid":true,"ratio":12345678901234567890.5}`, `{}`, `{"x":1}`,
	} {
		f.Add(seed)
	}
	table, requests := wire(f)
	f.Fuzz(func(t *testing.T, text string) {
		e := &penstock.Event{Origin: penstock.Origin{Door: "door", Position: 7}}
		if _, err := table.o.Stream.NewDecoder().Decode([]byte(text), e); err != nil {
			return
		}
		it, why := table.item(e)
		if why != nil {
			return
		}
		requests.bodies = nil
		piece := []chain{{it}, {it}}
		if _, err := table.request(t.Context(), piece[:1]); err != nil {
			t.Fatal(err)
		}
		put := types.WriteRequest{PutRequest: &types.PutRequest{Item: table.sdkItem(it)}}
		for _, count := range []int{1, 2} {
			writes := []types.WriteRequest{put, put}[:count]
			_, err := table.client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"wire": writes}})
			if err != nil {
				t.Fatal(err)
			}
			ours, theirs := table.body(piece[:count]), requests.bodies[len(requests.bodies)-1]
			got, tokens := parsed(t, ours)
			if want, wantTokens := parsed(t, theirs); !reflect.DeepEqual(got, want) || tokens != wantTokens {
				t.Errorf("ours   %s\nthe SDK's %s", ours, theirs)
			}
		}
		if !bytes.Equal(requests.bodies[0], table.body(piece[:1])) {
			t.Errorf("sent %s", requests.bodies[0])
		}
	})
}

// parsed is JSON as values, and how many tokens it has: a member that stood twice
// would show in nothing else.
func parsed(t *testing.T, text []byte) (all any, tokens int) {
	t.Helper()
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	for _, err := d.Token(); err == nil; _, err = d.Token() {
		tokens++
	}
	return all, tokens
}
