package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	runtime "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/deploy"
	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/enrich"
	"github.com/penstock-io/penstock/s3"
	"github.com/penstock-io/penstock/secrets"
	"github.com/penstock-io/penstock/stream"
)

// A function is all that one execution environment keeps open: it serves one
// invocation after the other, or several at once.
type function struct {
	config *deploy.Config
	door   *s3.Door
	ways   routes
	log    *slog.Logger
}

// runFunction serves Lambda's Runtime API: the program is the bootstrap.
func runFunction(ctx context.Context, sh shell) error {
	limitMemory(sh.getenv)
	streams := sh.getenv("PENSTOCK_STREAMS")
	if dir := filepath.Join(sh.getenv("LAMBDA_TASK_ROOT"), "streams"); streams == "" && isDir(dir) {
		streams = dir
	}
	f, err := openFunction(ctx, sh.getenv("PENSTOCK_ENV"), streams, sh)
	if err != nil {
		return err
	}
	runtime.StartWithOptions(f, runtime.WithContext(ctx))
	return nil
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// limitMemory tells Go's collector what the function has, with room for what
// is not on its heap.
func limitMemory(getenv func(string) string) {
	mb, err := strconv.Atoi(getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	if err == nil && mb > 0 && getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(mb) << 20 * 8 / 10)
	}
}

// openFunction wires an environment. The caller closes the function.
func openFunction(ctx context.Context, environment, streams string, sh shell) (f *function, err error) {
	if environment == "" {
		return nil, usagef("which environment? Set PENSTOCK_ENV (--env) to dev, staging, prod or a configuration file")
	}
	f = &function{log: slog.New(lambdacontext.NewLogHandler())}
	if f.config, err = deploy.Load(environment); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	settings := awsSettings{sh.getenv}
	if err := f.openRoutes(ctx, streams, settings); err != nil {
		return f, err
	}
	c := f.config
	f.door, err = s3.New(s3.Options{
		Store:  s3.Client{S3: settings.s3()},
		Ledger: dynamo.Register{Client: settings.dynamodb(), Table: c.Ledger.Table, Keep: time.Duration(c.Ledger.KeepDays) * 24 * time.Hour},
		Routes: f.ways.all, Rejects: s3.Place(c.Rejects),
		Formats:  map[string]s3.Format{"csv": newCSVCutter},
		Continue: f.continueBy(settings),
		Margin:   c.Function.Margin(), Lease: c.Function.Lease(), BatchBytes: c.Function.BatchKB << 10, RejectRatioMax: c.Function.RejectRatioMax,
		Report: f.report, Log: f.log,
	})
	return f, err
}

func (f *function) openRoutes(ctx context.Context, path string, settings awsSettings) error {
	rules, err := f.ways.load(path)
	if err != nil {
		return err
	}
	known, err := f.secrets(settings)
	if err != nil {
		return err
	}
	client := settings.dynamodb()
	for _, c := range f.config.Streams {
		i := slices.IndexFunc(rules, func(s *stream.Stream) bool { return s.Name == c.Name })
		if i < 0 {
			return fmt.Errorf("configuration names stream %s, but there is no stream file of it", c.Name)
		}
		mode, err := dynamo.ParseMode(c.Mode)
		if err != nil {
			return err
		}
		table, err := dynamo.Open(ctx, client, dynamo.Options{
			Stream: rules[i], Table: c.Table, Mode: mode, Concurrency: f.config.Function.WritesAtOnce,
			Patience: time.Hour, // the invocation's own time ends it
			Log:      f.log,
		})
		if err != nil {
			return err
		}
		from := s3.Place{Bucket: f.config.Bucket, Prefix: c.Prefix}
		if err := f.ways.add(ctx, from, rules[i], enrich.Options{Log: f.log, Secrets: known}, dynamoTable(table)); err != nil {
			return err
		}
	}
	return nil
}

func dynamoTable(t *dynamo.Table) routeTable {
	return routeTable{func(penstock.Chunk) penstock.Sink { return t }, t.ID}
}

// secrets are the names in stream files that the environment has references for.
// Nothing is looked up before it is needed.
func (f *function) secrets(settings awsSettings) (map[string]enrich.Secret, error) {
	if len(f.config.Secrets) == 0 {
		return nil, nil
	}
	store := settings.secrets()
	f.ways.close = append(f.ways.close, store.Close)
	known := map[string]enrich.Secret{}
	for name, text := range f.config.Secrets {
		r, err := secrets.Parse(text)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", name, err)
		}
		known[name] = enrich.Secret{
			Value:  func(ctx context.Context) (string, error) { text, err := store.Get(ctx, r); return string(text), err },
			Forget: func() { store.Forget(r) },
		}
	}
	return known, nil
}

// continueBy starts the next invocation of the same alias, or of the function
// where the invocation names none.
func (f *function) continueBy(settings awsSettings) func(context.Context, []byte) error {
	client := settings.lambda()
	return func(ctx context.Context, payload []byte) error {
		name := f.config.Function.Name
		if lc, ok := lambdacontext.FromContext(ctx); ok && lc.InvokedFunctionArn != "" {
			name = lc.InvokedFunctionArn
		}
		_, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload})
		return err
	}
}

// Invoke serves one invocation.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := f.door.Handle(ctx, payload)
	return answer, advised(err)
}

// report prints the metrics of an object, one line of the log.
func (f *function) report(r s3.Report) {
	line, err := metricsLine(f.config.Environment, r)
	if err != nil {
		f.log.Error("metrics", "err", err)
		return
	}
	fmt.Fprintln(os.Stdout, string(line))
}

// metricsLine is what an invocation did for one object, in the embedded format of
// which CloudWatch makes metrics.
func metricsLine(environment string, r s3.Report) ([]byte, error) {
	type metric struct{ Name, Unit string }
	return json.Marshal(map[string]any{
		"_aws": map[string]any{
			"Timestamp": time.Now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": "Penstock", "Dimensions": [][]string{{"environment"}},
				"Metrics": []metric{
					{"rows_in", "Count"}, {"rows_written", "Count"}, {"rows_dropped", "Count"}, {"rows_rejected", "Count"}, {"rows_unaccounted", "Count"},
					{"objects_failed", "Count"}, {"notices_poison", "Count"}, {"object_ms", "Milliseconds"},
				},
			}},
		},
		"environment": environment, "object": r.Notice.Object.String(), "outcome": r.Outcome, "hop": r.Notice.Hop,
		"rows_in": r.Tally.Read, "rows_written": r.Tally.Delivered, "rows_dropped": r.Tally.Dropped, "rows_rejected": r.Tally.Rejected,
		"rows_unaccounted": r.Progress.Unaccounted(), "objects_failed": count(r.Err != nil), "notices_poison": count(r.Outcome == s3.Poison),
		"object_ms": r.Took.Milliseconds(),
	})
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (f *function) close() error { return f.ways.shut() }
