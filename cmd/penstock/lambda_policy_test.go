package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/deploy"
	"github.com/penstock-io/penstock/internal/faults"
	"github.com/penstock-io/penstock/internal/orders"
	"github.com/penstock-io/penstock/s3"
)

// A recorder is a proxy that writes down what a function asks of AWS, as the
// action that its role needs and the resource it needs it for.
type recorder struct {
	mu    sync.Mutex // guards what follows
	calls map[call]int
}

type call struct{ action, resource string }

func (r *recorder) note(action, resource string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[call{action, resource}]++
}

// front starts a proxy to a server that notes each request and its answer's status.
func (r *recorder) front(t testing.TB, to string, note func(in *http.Request, body []byte, status int)) string {
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host // it is signed
		},
		ErrorLog: log.New(io.Discard, "", 0), // of requests that the function gave up
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(in.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		in.Body = io.NopCloser(bytes.NewReader(body))
		seen := &statusWriter{ResponseWriter: w}
		proxy.ServeHTTP(seen, in)
		note(in, body, seen.status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers the status.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (r *recorder) noteS3(in *http.Request, _ []byte, status int) {
	bucket, _, _ := strings.Cut(strings.TrimPrefix(in.URL.Path, "/"), "/")
	object := "arn:aws:s3:::" + strings.TrimPrefix(in.URL.Path, "/")
	switch {
	case in.Method == http.MethodPut:
		r.note("s3:PutObject", object)
	case in.URL.Query().Get("versionId") != "":
		r.note("s3:GetObjectVersion", object)
	case in.Method == http.MethodGet || in.Method == http.MethodHead:
		r.note("s3:GetObject", object)
	default:
		r.note("s3:"+in.Method, object)
	}
	if status == http.StatusNotFound {
		r.note("s3:ListBucket", "arn:aws:s3:::"+bucket)
	}
}

func (r *recorder) noteDynamoDB(in *http.Request, body []byte, _ int) {
	_, operation, _ := strings.Cut(in.Header.Get("X-Amz-Target"), ".")
	var asked struct {
		TableName    string
		RequestItems map[string]any
	}
	_ = json.Unmarshal(body, &asked) // what is no JSON names no table, and is found below
	tables := []string{asked.TableName}
	for name := range asked.RequestItems {
		tables = append(tables, name)
	}
	for _, table := range tables {
		if table != "" {
			r.note("dynamodb:"+operation, "arn:aws:dynamodb:us-east-1:0:table/"+table)
		}
	}
}

// TestRoleGrantsWhatTheFunctionCalls has the real bootstrap do all it does for
// its environment, on real services, and holds the role's statements against
// the calls it made: each call is granted, and each grant is called for.
func TestRoleGrantsWhatTheFunctionCalls(t *testing.T) {
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	r := &recorder{calls: map[call]int{}}
	var env []string
	for _, v := range c.env {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "AWS_ENDPOINT_URL_S3":
			value = r.front(t, value, r.noteS3)
		case "AWS_ENDPOINT_URL_DYNAMODB":
			value = r.front(t, value, r.noteDynamoDB)
		}
		env = append(env, name+"="+value)
	}
	// It hands over long before its time is up, and its small batches, each with
	// an entry in the ledger, take several times as long on any machine.
	c.proxy.Takes = 2 * time.Millisecond
	c.configure("margin_seconds: 8.5, timeout_seconds: 60, lease_seconds: 1, batch_kb: 1")
	service := &lambdaService{program: os.Args[0], env: env, timeout: 10 * time.Second, stderr: io.Discard}
	if err := startLambdaService(service); err != nil {
		t.Fatal(err)
	}
	defer service.close()
	service.add(c.put("orders/large.jsonl", orders.Generator{Seed: 1, Users: 100, Bad: .01}, orders.NDJSON, 0, 3000))
	service.add([]byte(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"` + c.in + `"},"object":{"key":"orders/gone.jsonl","sequencer":"0A"}}}]}`))
	if failed, err := service.drain(t.Context()); err != nil || len(failed) > 0 {
		t.Fatal(err, failed)
	}
	// This server keeps no versions, so it refuses the version; that it was asked is what counts.
	service.add([]byte(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"` + c.in + `"},"object":{"key":"orders/v.jsonl","versionId":"v1","sequencer":"0A"}}}]}`))
	if _, err := service.drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := c.progress("orders/large.jsonl"); p.State != s3.Done || p.Hop == 0 {
		t.Fatalf("the large object is %s after %d continuations, and was to need one", p.State, p.Hop)
	}
	r.note("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:0:function:penstock:live") // the continuation: see Hop
	config, err := deploy.Load(c.files)
	if err != nil {
		t.Fatal(err)
	}
	compare(t, config.Grants(), r.calls)
}

func compare(t *testing.T, grants []deploy.Grant, calls map[call]int) {
	used := map[string]bool{}
	for made := range calls {
		granted := slices.ContainsFunc(grants, func(g deploy.Grant) bool {
			return slices.Contains(g.Actions, made.action) && slices.ContainsFunc(g.Resources, func(pattern string) bool { return covers(t, pattern, made.resource) })
		})
		if used[made.action] = true; !granted {
			t.Errorf("the function calls %s on %s, and its role grants it not", made.action, made.resource)
		}
	}
	for _, g := range grants {
		for _, action := range g.Actions {
			if !g.ByService && !used[action] {
				t.Errorf("the role grants %s (%s), and the function never calls it", action, g.Sid)
			}
		}
	}
}

// covers reports whether a resource in a policy covers another.
func covers(t *testing.T, pattern, resource string) bool {
	pattern = strings.NewReplacer("${AWS::Partition}", "aws", "${AWS::Region}", "us-east-1", "${AWS::AccountId}", "0").Replace(pattern)
	if prefix, any := strings.CutSuffix(pattern, "*"); any {
		return strings.HasPrefix(resource, prefix)
	}
	ok, err := path.Match(pattern, resource)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

// rewrite replaces a text that is in a file.
func rewrite(t *testing.T, name, from, to string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(text), from, to, 1)
	if changed == string(text) {
		t.Fatalf("%q is not in %s", from, text)
	}
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}
