package dynamo

import (
	"bytes"
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/penstock-io/penstock/stream"
)

// body is the JSON of a BatchWriteItem that puts the last item of each chain. It
// is what the SDK would write, from the events' bytes at once: the SDK takes a
// map of boxed values for each item, which costs more than all else that is done
// for a row.
func (t *Table) body(piece []chain) []byte {
	size := 256
	for _, c := range piece {
		size += c.last().bytes + 32*(len(t.fields)+len(c.last().added)) + 64
	}
	dst := append(make([]byte, 0, size), `{"RequestItems":{`...)
	dst = append(strconv.AppendQuote(dst, t.o.Table), `:[`...) // a table's name has nothing to escape
	for i, c := range piece {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(t.appendItem(append(dst, `{"PutRequest":{"Item":`...), c.last()), `}}`...)
	}
	return append(dst, `]}}`...)
}

// appendItem appends an item as DynamoDB's JSON has it.
func (t *Table) appendItem(dst []byte, it *item) []byte {
	dst = append(dst, '{')
	first := true
	for name, v := range t.attributes(it) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = stream.AppendQuoted(dst, []byte(name))
		dst = append(append(append(dst, `:{"`...), v.kind...), `":`...)
		if v.kind == kindText || v.kind == kindNumber {
			dst = stream.AppendQuoted(dst, v.text)
		} else {
			dst = append(dst, v.text...)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// withBody makes the SDK send this body in the place of what it has written.
func withBody(body []byte) func(*dynamodb.Options) {
	swap := middleware.SerializeMiddlewareFunc("PenstockBody", func(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (middleware.SerializeOutput, middleware.Metadata, error) {
		request, ok := in.Request.(*smithyhttp.Request)
		if !ok {
			return middleware.SerializeOutput{}, middleware.Metadata{}, fmt.Errorf("the SDK sends a %T, no HTTP request", in.Request)
		}
		request, err := request.SetStream(bytes.NewReader(body))
		if err != nil {
			return middleware.SerializeOutput{}, middleware.Metadata{}, err
		}
		in.Request = request
		return next.HandleSerialize(ctx, in)
	})
	return func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Serialize.Insert(swap, "OperationSerializer", middleware.After)
		})
	}
}

// sdkItem is an item as the SDK takes it.
func (t *Table) sdkItem(it *item) map[string]types.AttributeValue {
	all := map[string]types.AttributeValue{}
	for name, v := range t.attributes(it) {
		all[name] = v.sdk()
	}
	return all
}

func (v value) sdk() types.AttributeValue {
	switch v.kind {
	case kindNumber:
		return &types.AttributeValueMemberN{Value: string(v.text)}
	case kindBool:
		return &types.AttributeValueMemberBOOL{Value: string(v.text) == "true"}
	case kindNull:
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return &types.AttributeValueMemberS{Value: string(v.text)}
}

// sdkKey is the id of an item that the SDK returns, by its keys.
func (t *Table) sdkKey(item map[string]types.AttributeValue) (string, error) {
	var id []byte
	for _, k := range t.keys {
		var text string
		ok := false
		switch v := item[k.name].(type) {
		case *types.AttributeValueMemberS:
			text, ok = keyText(kindText, v.Value, k)
		case *types.AttributeValueMemberN:
			text, ok = keyText(kindNumber, v.Value, k)
		}
		if !ok {
			return "", fmt.Errorf("DynamoDB returned an unprocessed item without its key %s", k.name)
		}
		id = appendKey(id, text)
	}
	return string(id), nil
}
