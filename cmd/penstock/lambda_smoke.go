package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/deploy"
	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/s3"
)

// smoke puts a small object into the environment's bucket for each stream that
// has a smoke test, and waits until the deployed function has written its good
// record and rejected its bad one. It works from outside: nothing but the
// object tells the function.
func (c *lambdaConfig) smoke(ctx context.Context, sh shell, args []string) error {
	if c.env == "" || len(args) > 0 || c.wait <= 0 {
		return usagef("lambda smoke needs --env ENVIRONMENT, a --wait above 0, and no arguments")
	}
	config, err := deploy.Load(c.env)
	if err != nil {
		return err
	}
	smoked := config.Smoked()
	if len(smoked) == 0 {
		return fmt.Errorf("no stream of %s has a smoke test: write smoke: {good: …, bad: …} in its configuration", config.Environment)
	}
	settings := awsSettings{sh.getenv}
	ctx, cancel := context.WithTimeout(ctx, c.wait)
	defer cancel()
	for _, s := range smoked {
		test := smokeTest{config: config, stream: s, key: s.Prefix + "smoke/" + strings.ToLower(rand.Text()) + ".jsonl",
			now: time.Now().UTC().Format(time.RFC3339Nano)}
		if err := test.run(ctx, settings); err != nil {
			return fmt.Errorf("smoke test of %s in %s: %w", s.Name, config.Environment, err)
		}
		fmt.Fprintf(sh.stdout, "%s in %s: %s was written and rejected as it should be\n", s.Name, config.Environment, test.key)
	}
	return nil
}

// A smokeTest is one object on its way through the function.
type smokeTest struct {
	config   *deploy.Config
	stream   deploy.Stream
	key, now string
}

// smokePause is between two looks at the ledger.
const smokePause = 500 * time.Millisecond

func (t smokeTest) run(ctx context.Context, settings awsSettings) error {
	text, want := t.object()
	if err := (s3.Client{S3: settings.s3()}).Put(ctx, t.config.Bucket, t.key, []byte(text)); err != nil {
		return err
	}
	ledger := dynamo.Register{Client: settings.dynamodb(), Table: t.config.Ledger.Table}
	p, err := t.await(ctx, ledger)
	switch {
	case err != nil:
		return err
	case p.State != s3.Done:
		return fmt.Errorf("object %s is %s: %s", t.key, p.State, p.Why)
	case p.Tally != want:
		return fmt.Errorf("object %s: the function counted %v, but it is to be %v", t.key, p.Tally, want)
	}
	return t.readBack(ctx, settings.dynamodb())
}

// object is the text, and what the function is to make of it.
func (t smokeTest) object() (string, penstock.Tally) {
	text, want := t.line(t.stream.Smoke.Good), penstock.Tally{Read: 1, Delivered: 1}
	if t.stream.Smoke.Bad != "" {
		text += t.line(t.stream.Smoke.Bad)
		want.Read, want.Rejected = 2, 1
	}
	return text, want
}

func (t smokeTest) line(record string) string {
	return strings.ReplaceAll(record, "$NOW", t.now) + "\n"
}

// await looks into the ledger until the function is done with the object.
func (t smokeTest) await(ctx context.Context, ledger dynamo.Register) (p s3.Progress, err error) {
	tick := time.NewTicker(smokePause)
	defer tick.Stop()
	for {
		text, version, err := ledger.Load(ctx, "s3://"+t.config.Bucket+"/"+t.key)
		if err == nil && version > 0 {
			err = json.Unmarshal(text, &p)
		}
		if ctx.Err() != nil {
			return p, fmt.Errorf("the function was not done with object %s in time (the ledger says %q): look at its log and its alarms", t.key, p.State)
		}
		if err != nil || p.State != "" && p.State != s3.Running {
			return p, err
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// readBack finds the good record in the table, as it was written just now.
func (t smokeTest) readBack(ctx context.Context, client *dynamodb.Client) error {
	var record map[string]any
	d := json.NewDecoder(strings.NewReader(t.line(t.stream.Smoke.Good)))
	d.UseNumber()
	if err := d.Decode(&record); err != nil {
		return fmt.Errorf("smoke.good: %w", err)
	}
	var key types.AttributeValue = &types.AttributeValueMemberS{Value: fmt.Sprint(record[t.stream.Key.Name])}
	if t.stream.Key.Type == "N" {
		key = &types.AttributeValueMemberN{Value: fmt.Sprint(record[t.stream.Key.Name])}
	}
	out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &t.stream.Table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{t.stream.Key.Name: key}})
	if err != nil {
		return fmt.Errorf("read row %v of table %s: %w", record[t.stream.Key.Name], t.stream.Table, err)
	}
	if !strings.Contains(t.stream.Smoke.Good, "$NOW") && len(out.Item) > 0 {
		return nil
	}
	for _, v := range out.Item {
		if s, ok := v.(*types.AttributeValueMemberS); ok && s.Value == t.now {
			return nil
		}
	}
	return fmt.Errorf("row %v of table %s is not the one of %s: it has %d attributes, none of which is that time", record[t.stream.Key.Name], t.stream.Table, t.now, len(out.Item))
}
