package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/penstock-io/penstock/s3"
)

// replay has the environment's function work on objects again: those named by
// their keys, and those of events that failed for good.
func (c *lambdaConfig) replay(ctx context.Context, sh shell, keys []string) error {
	if len(keys) == 0 && c.invoke.event == "" {
		return usagef("lambda replay needs the KEY of an object, or --event FILE of what the on-failure destination has")
	}
	events, err := failedEvents(c.invoke.event)
	if err != nil {
		return err
	}
	f, err := openFunction(ctx, c.env, c.streams, sh)
	if err != nil {
		return err
	}
	defer f.close()
	done := 0
	for _, key := range keys {
		payload, err := c.replayed(ctx, f, f.key(key))
		if err != nil {
			return err
		}
		if payload == nil {
			done++
			fmt.Fprintf(sh.stdout, "%s: it is done; --again has its rows written once more\n", printable(key))
			continue
		}
		events = append(events, payload)
	}
	client := awsSettings{sh.getenv}.lambda()
	name := f.config.Function.Name + ":" + f.config.Function.Alias
	for _, payload := range events {
		out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload})
		if err != nil {
			return fmt.Errorf("invoke %s: %w", name, err)
		}
		if out.StatusCode != http.StatusAccepted {
			return fmt.Errorf("invoke %s: the answer is %d, where Lambda queues an event with %d; look at lambda status KEY, and replay it again", name, out.StatusCode, http.StatusAccepted)
		}
		fmt.Fprintf(sh.stdout, "queued for %s, which has not answered yet (see lambda status KEY): %.200q\n", name, payload)
	}
	if done > 0 {
		return errFindings
	}
	return nil
}

// replayed is the event of an object as it is now; nil when it is done, unless
// it is to be written again.
func (c *lambdaConfig) replayed(ctx context.Context, f *function, key string) ([]byte, error) {
	notice, err := f.door.Notice(ctx, f.config.Bucket, key)
	if err != nil {
		return nil, err
	}
	p, there, err := f.door.Status(ctx, f.config.Bucket, key)
	damaged := errors.Is(err, s3.ErrDamaged)
	switch {
	case damaged && !c.again:
		return nil, advised(err)
	case err != nil && !damaged:
		return nil, err
	case err == nil && (!there || p.Object != notice.Object):
		return notice.Payload()
	case p.State == s3.Done && !c.again:
		return nil, nil
	}
	notice.Sequencer = p.Sequencer
	if err := f.door.Reopen(ctx, f.config.Bucket, key); err != nil {
		return nil, err
	}
	return notice.Payload()
}

// advised adds to an error of the ledger what ends it.
func advised(err error) error {
	if errors.Is(err, s3.ErrDamaged) {
		return fmt.Errorf("%w: lambda replay KEY --again has the object read anew", err)
	}
	return err
}

// begunAnew is an event of which the object is begun anew, if it was given up: a
// hand-over only goes on.
func begunAnew(event []byte) ([]byte, error) {
	delivery := s3.Decode(event)
	if delivery.Wrapping != s3.Continuation {
		return event, nil
	}
	notice := delivery.Notices[0]
	notice.Hop = 0
	return notice.Payload()
}

// failedEvents are the payloads in a file: events, or what Lambda sends of them
// to an on-failure destination, also as aws sqs receive-message prints it. The
// function would bury what it does not understand, so that is refused here.
func failedEvents(file string) ([][]byte, error) {
	if file == "" {
		return nil, nil
	}
	texts, err := readEvents(file)
	if err != nil {
		return nil, fmt.Errorf("%w; %s", err, replayTakes)
	}
	var events [][]byte
	for i, text := range texts {
		unwrapped, err := unwrapped(text)
		if err != nil {
			return nil, fmt.Errorf("%s: value %d: %w; %s", file, i+1, err, replayTakes)
		}
		events = append(events, unwrapped...)
	}
	return events, nil
}

const replayTakes = "nothing was sent: replay takes what the on-failure destination has, as a record with its requestPayload or as aws sqs receive-message prints it, " +
	"and events of S3, also as SQS, SNS or EventBridge bring them"

// unwrapped are the events within one value.
func unwrapped(text []byte) ([][]byte, error) {
	var v struct {
		RequestPayload json.RawMessage   `json:"requestPayload"`
		Messages       []json.RawMessage // of aws sqs receive-message
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return nil, fmt.Errorf("it is no event: %w", err)
	}
	if v.Messages == nil {
		event, err := replayable(cmp.Or(string(v.RequestPayload), string(text)))
		return [][]byte{event}, err
	}
	if len(v.Messages) == 0 {
		return nil, errors.New("it has no messages")
	}
	var events [][]byte
	for i, text := range v.Messages {
		var message struct{ Body string }
		if err := json.Unmarshal(text, &message); err != nil {
			return nil, fmt.Errorf("message %d is none of SQS: %w", i+1, err)
		}
		var body struct {
			RequestPayload json.RawMessage `json:"requestPayload"`
		}
		if err := json.Unmarshal([]byte(message.Body), &body); err != nil {
			return nil, fmt.Errorf("the Body of message %d is no event: %w", i+1, err)
		}
		event, err := replayable(cmp.Or(string(body.RequestPayload), message.Body))
		if err != nil {
			return nil, fmt.Errorf("the Body of message %d: %w", i+1, err)
		}
		events = append(events, event)
	}
	return events, nil
}

// replayable is an event that the function understands, and begins its object
// anew. A bad key keeps no notice beside it from being replayed.
func replayable(event string) ([]byte, error) {
	notices := s3.Decode([]byte(event)).Notices
	good := 0
	for _, n := range notices {
		switch {
		case n.Fault == nil:
			good++
		case n.Fault.Code == s3.CodePayload || len(notices) == 1:
			return nil, fmt.Errorf("the function would not understand it: %w", n.Fault)
		}
	}
	if good == 0 {
		return nil, fmt.Errorf("it has no notice of an object that the function could read: %.200q", event)
	}
	return begunAnew([]byte(event))
}
