// Smallest is a Lambda function that does nothing: what any function written in
// Go takes to start.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) error { return nil })
}
