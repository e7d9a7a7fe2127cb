package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
			fmt.Fprintf(sh.stdout, "%s: it is done; --again has its rows written once more\n", key)
			continue
		}
		events = append(events, payload)
	}
	client := awsSettings{sh.getenv}.lambda()
	name := f.config.Function.Name + ":" + f.config.Function.Alias
	for _, payload := range events {
		if _, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload}); err != nil {
			return fmt.Errorf("invoke %s: %w", name, err)
		}
		fmt.Fprintf(sh.stdout, "sent to %s: %.200s\n", name, payload)
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
// to an on-failure destination.
func failedEvents(file string) ([][]byte, error) {
	if file == "" {
		return nil, nil
	}
	events, err := readEvents(file)
	if err != nil {
		return nil, err
	}
	for i, event := range events {
		var failed struct {
			RequestPayload json.RawMessage `json:"requestPayload"`
		}
		if err := json.Unmarshal(event, &failed); err != nil {
			return nil, fmt.Errorf("%s: event %d is no JSON: %w", file, i+1, err)
		}
		if failed.RequestPayload != nil {
			events[i] = failed.RequestPayload
		}
		if events[i], err = begunAnew(events[i]); err != nil {
			return nil, err
		}
	}
	return events, nil
}
