package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/internal/faults"
)

const smokeLines = `, smoke: {good: '{"order_id":9,"user_id":1,"created_at":"$NOW","amount":"0.00","currency":"XXX","status":"new"}', bad: '{"order_id":0}'}}]`

// TestSmoke runs the smoke test against the real bootstrap, which is told of
// the object as by S3; and against none, and one that does what it should not.
func TestSmoke(t *testing.T) {
	c := newCloud(t, faults.DynamoDBShares{}, 1)
	rewrite(t, c.files, "mode: put}]", "mode: put"+smokeLines)
	service := &lambdaService{program: os.Args[0], env: c.env, timeout: time.Minute, stderr: io.Discard}
	if err := startLambdaService(service); err != nil {
		t.Fatal(err)
	}
	defer service.close()
	for _, round := range []struct {
		name, wait, says string
		function         bool
		good             string // instead of its good currency
		code             int
	}{
		{"deployed", "60s", "was written and rejected as it should be", true, "", exitDone},
		{"not there", "1s", "was not done with object", false, "", exitFailed},
		{"too strict", "60s", "but it is to be", true, `"currency":"xxx"`, exitFailed},
	} {
		t.Run(round.name, func(t *testing.T) {
			if round.good != "" {
				rewrite(t, c.files, `"currency":"XXX"`, round.good)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				if round.function {
					c.serveSmoke(ctx, service)
				}
			}()
			var out bytes.Buffer
			code := run(t.Context(), []string{"lambda", "smoke", "--env", c.files, "--wait", round.wait},
				shell{stdin: strings.NewReader(""), stdout: &out, stderr: &out, getenv: c.settings.getenv})
			cancel()
			<-done
			if code != round.code || !strings.Contains(out.String(), round.says) {
				t.Errorf("exit code %d, want %d; it said %s", code, round.code, &out)
			}
		})
	}
}

// serveSmoke tells the function of each object that comes into the bucket, as
// S3 would.
func (c *cloud) serveSmoke(ctx context.Context, service *lambdaService) {
	seen := map[string]bool{}
	for ctx.Err() == nil {
		list, err := c.settings.s3().ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: &c.in})
		if err != nil {
			return
		}
		for _, o := range list.Contents {
			if key := *o.Key; !seen[key] {
				seen[key] = true
				service.add([]byte(`{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"` + c.in + `"},"object":{"key":"` + key + `","sequencer":"0A"}}}]}`))
			}
		}
		if _, err := service.drain(ctx); err != nil {
			return
		}
	}
}
