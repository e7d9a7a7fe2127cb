package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/penstock-io/penstock"
)

// errThrottled is what items left over without an error mean.
var errThrottled = errors.New("the table is throttled: raise its capacity, or send fewer at once")

func orThrottled(err error) error {
	if err == nil {
		return errThrottled
	}
	return err
}

// once makes the SDK try a request one time: how often and when it is sent
// again is decided here, where it is known what is left of it.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// request sends a piece once, settles what DynamoDB took of it, and returns the
// rest.
func (t *Table) request(ctx context.Context, piece []chain) (rest []chain, err error) {
	if err := t.pace.enter(ctx); err != nil {
		return piece, err
	}
	out, err := t.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{t.o.Table: {}}, // the body has them
	}, once, withBody(t.body(piece)))
	if err != nil {
		t.leave(classify(err) == throttled)
		return piece, err
	}
	left, err := t.unprocessed(out.UnprocessedItems)
	t.leave(len(left) > 0)
	if err != nil {
		return piece, err
	}
	for _, c := range piece {
		if left[c.last().id] {
			rest = append(rest, c)
			continue
		}
		c.deliver(penstock.Place{})
	}
	return rest, nil
}

func (t *Table) leave(throttled bool) {
	if !throttled {
		t.pace.leave()
		return
	}
	if t.pace.leaveThrottled(time.Now()) {
		t.log.Warn("the table is throttled, fewer requests at once", "table", t.o.Table)
	}
}

// unprocessed are the ids of the items that were not written. DynamoDB names
// the table as it was asked for, or by its ARN.
func (t *Table) unprocessed(tables map[string][]types.WriteRequest) (map[string]bool, error) {
	left := map[string]bool{}
	for _, writes := range tables {
		for _, w := range writes {
			if w.PutRequest == nil {
				return nil, errors.New("DynamoDB returned an unprocessed request that is no put")
			}
			id, err := t.sdkKey(w.PutRequest.Item)
			if err != nil {
				return nil, err
			}
			left[id] = true
		}
	}
	return left, nil
}

// A fault is what kind of error the world or the event has made.
type fault uint8

const (
	passing   fault = iota // try again
	throttled              // try again, and more slowly
	refused                // some item of the request is at fault
	lasting                // trying again gives the same: no right, no table
)

// retryable are the errors that pass, as the SDK itself has them.
var retryable = retry.IsErrorRetryables(retry.DefaultRetryables)

func classify(err error) fault {
	if err == nil {
		return throttled // called for items that were left over
	}
	if _, is := throttleCodes[code(err)]; is {
		return throttled
	}
	switch code(err) {
	case "ValidationException", "ItemCollectionSizeLimitExceededException":
		return refused
	case "TransactionConflictException", "InternalServerError", "ReplicatedWriteConflictException":
		return passing
	}
	if ended(err) || code(err) != "" && retryable.IsErrorRetryable(err) != aws.TrueTernary {
		return lasting
	}
	return passing // the network's errors, half an answer among them, have no code
}

func ended(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

var throttleCodes = retry.DefaultThrottleErrorCodes

// code is DynamoDB's name of the error; "" when it is not DynamoDB's.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// explained says what is behind an error that the SDK says little of.
func explained(err error) error {
	if code(err) == "ResourceNotFoundException" {
		return fmt.Errorf("there is none of that name in this region and account: make it, or mend the name: %w", err)
	}
	return err
}

func refusal(err error) *penstock.Reject {
	var api smithy.APIError
	detail := err.Error()
	if errors.As(err, &api) {
		detail = api.ErrorMessage()
	}
	return penstock.NewReject(CodeItem, "", "DynamoDB refuses the item: %s", detail)
}
