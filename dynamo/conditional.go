package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/penstock-io/penstock"
)

// putChain puts the items of one key one after the other, each under the
// mode's condition.
func (t *Table) putChain(ctx context.Context, c chain) error {
	for _, it := range c {
		if err := t.put(ctx, it); err != nil {
			return err
		}
	}
	return nil
}

func (t *Table) put(ctx context.Context, it *item) error {
	since := time.Now()
	for attempt := 1; ; attempt++ {
		err := t.putOnce(ctx, it)
		if err == nil {
			it.event.Deliver(penstock.Place{})
			return nil
		}
		if code(err) == "ConditionalCheckFailedException" {
			t.settleOther(it.event)
			return nil
		}
		switch kind := classify(err); {
		case kind == refused:
			it.event.Reject(refusal(err))
			return nil
		case kind == lasting || ctx.Err() != nil:
			return err
		case time.Since(since) > t.o.Patience:
			return fmt.Errorf("an item did not get through in %v: %w", t.o.Patience, err)
		}
		if err := wait(ctx, jitter(attempt)); err != nil {
			return err
		}
	}
}

func (t *Table) putOnce(ctx context.Context, it *item) error {
	if err := t.pace.enter(ctx); err != nil {
		return err
	}
	put := &dynamodb.PutItemInput{
		TableName: &t.o.Table, Item: t.sdkItem(it),
		ExpressionAttributeNames: map[string]string{"#key": t.keys[0].name},
	}
	// An item that is there as this very event wrote it, before its answer was
	// lost or its door was killed, is no other.
	condition, name := "attribute_not_exists(#key) OR #mine = :mine", originName
	if t.o.Mode == NewerWins {
		condition, name = "attribute_not_exists(#key) OR attribute_not_exists(#mine) OR #mine <= :mine", timeName
	}
	put.ConditionExpression = aws.String(condition)
	put.ExpressionAttributeNames["#mine"] = name
	put.ExpressionAttributeValues = map[string]types.AttributeValue{":mine": put.Item[name]}
	_, err := t.client.PutItem(ctx, put, once)
	t.leave(err != nil && classify(err) == throttled)
	return err
}

// settleOther gives the verdict on an event whose key another one has.
func (t *Table) settleOther(e *penstock.Event) {
	if t.o.Mode == NewerWins {
		e.Drop(penstock.Place{})
		return
	}
	e.Reject(penstock.NewReject(CodeUnique, "", "an item of this key is in table %s", t.o.Table))
}
