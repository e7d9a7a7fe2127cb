package dynamo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A Register keeps small texts by name, each with a version that counts up, in
// a table whose only key is the string attribute name. A text is written only
// over the version that its writer has read, so of all who write at once one
// succeeds, and who was overtaken finds out.
//
// It needs GetItem and PutItem, no transactions, and nothing that only some of
// DynamoDB's emulators have.
type Register struct {
	Client *dynamodb.Client
	Table  string

	// Keep is how long DynamoDB keeps a text that nobody writes any more, by
	// the attribute expires, which the table must be told of; 0 is for ever.
	Keep time.Duration
}

// The attributes of a text.
const (
	registerName    = "name"
	registerText    = "text"
	registerVersion = "version"
	registerExpires = "expires" // Unix seconds
)

// Load reads a text and its version, as last written; version 0 is that there
// is none. An item that somebody has damaged has what is left of its text, and
// version 1 if that is gone: who knows what the text should be will find it
// wrong, and can write over it.
func (r Register) Load(ctx context.Context, name string) ([]byte, int64, error) {
	out, err := r.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &r.Table, ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{registerName: &types.AttributeValueMemberS{Value: name}},
	}, patiently)
	if err != nil {
		return nil, 0, fmt.Errorf("dynamo: read %s from table %s: %w", name, r.Table, explained(err))
	}
	if len(out.Item) == 0 {
		return nil, 0, nil
	}
	var text []byte
	if s, is := out.Item[registerText].(*types.AttributeValueMemberS); is {
		text = []byte(s.Value)
	}
	number, is := out.Item[registerVersion].(*types.AttributeValueMemberN)
	if !is {
		return text, 1, nil
	}
	version, err := strconv.ParseInt(number.Value, 10, 64)
	return text, version, err
}

// Store writes text as version+1 if version is the one that is there, and else
// returns false. A write whose answer was lost, and which the SDK therefore
// repeated, is known by its text: make texts of different writers different.
func (r Register) Store(ctx context.Context, name string, text []byte, version int64) (bool, error) {
	in := &dynamodb.PutItemInput{
		TableName: &r.Table,
		Item: map[string]types.AttributeValue{
			registerName:    &types.AttributeValueMemberS{Value: name},
			registerText:    &types.AttributeValueMemberS{Value: string(text)},
			registerVersion: &types.AttributeValueMemberN{Value: strconv.FormatInt(version+1, 10)},
		},
		ExpressionAttributeNames: map[string]string{"#v": registerVersion},
		ConditionExpression:      aws.String("attribute_not_exists(#v)"),
	}
	if version > 0 {
		in.ConditionExpression = aws.String("#v = :v")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: strconv.FormatInt(version, 10)}}
	}
	if version == 1 { // or the item is damaged, and has none
		in.ConditionExpression = aws.String("#v = :v OR attribute_exists(#n) AND NOT attribute_type(#v, :number)")
		in.ExpressionAttributeNames["#n"] = registerName
		in.ExpressionAttributeValues[":number"] = &types.AttributeValueMemberS{Value: kindNumber}
	}
	if r.Keep > 0 {
		in.Item[registerExpires] = &types.AttributeValueMemberN{Value: strconv.FormatInt(time.Now().Add(r.Keep).Unix(), 10)}
	}
	_, err := r.Client.PutItem(ctx, in, patiently)
	var other *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return true, nil
	case !errors.As(err, &other):
		return false, fmt.Errorf("dynamo: write %s to table %s: %w", name, r.Table, explained(err))
	}
	there, at, err := r.Load(ctx, name)
	return err == nil && at == version+1 && bytes.Equal(there, text), err
}

// registerAttempts ends the trying after about half a minute, unless ctx does
// before.
const registerAttempts = 16

// patiently makes the SDK send a request again for as long as what hinders it
// passes, after pauses as short as a Table's: the SDK's own give up at the third
// fault, after up to three seconds, and take an answer that ended in its middle
// for a defect of their own.
func patiently(o *dynamodb.Options) { o.Retryer = patient }

var patient = retry.NewStandard(func(o *retry.StandardOptions) {
	o.MaxAttempts, o.RateLimiter = registerAttempts, ratelimit.None
	o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) { return jitter(attempt), nil })
	o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return aws.TrueTernary
		}
		return aws.UnknownTernary
	}))
})
