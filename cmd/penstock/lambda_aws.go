package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/secrets"
)

// awsSettings are the variables that Lambda sets in each function, and that
// every SDK of Amazon reads.
type awsSettings struct {
	getenv func(string) string
}

func (a awsSettings) region() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if region := a.getenv(name); region != "" {
			return region
		}
	}
	return "us-east-1"
}

func (a awsSettings) credentials() aws.CredentialsProvider {
	if a.getenv("AWS_ACCESS_KEY_ID") == "" || a.getenv("AWS_SECRET_ACCESS_KEY") == "" {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errNoCredentials })
	}
	return credentials.NewStaticCredentialsProvider(a.getenv("AWS_ACCESS_KEY_ID"), a.getenv("AWS_SECRET_ACCESS_KEY"), a.getenv("AWS_SESSION_TOKEN"))
}

var errNoCredentials = errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: `aws configure export-credentials --format env` prints them for any profile")

// endpoint is where a service is, when it is not Amazon's own.
func (a awsSettings) endpoint(service string) *string {
	for _, name := range []string{"AWS_ENDPOINT_URL_" + service, "AWS_ENDPOINT_URL"} {
		if url := a.getenv(name); url != "" {
			return &url
		}
	}
	return nil
}

// transport keeps as many connections as there are requests at once.
func (a awsSettings) transport() aws.HTTPClient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: t}
}

func (a awsSettings) dynamodb() *dynamodb.Client {
	client := a.transport()
	if part, err := share(a.getenv(throttleVariable)); err == nil && part > 0 {
		client = throttling{part, client}
	}
	return dynamodb.New(dynamodb.Options{
		Region: a.region(), Credentials: a.credentials(), BaseEndpoint: a.endpoint("DYNAMODB"), HTTPClient: client,
	})
}

func (a awsSettings) s3() *awss3.Client {
	endpoint := a.endpoint("S3")
	return awss3.New(awss3.Options{
		Region: a.region(), Credentials: a.credentials(), BaseEndpoint: endpoint, HTTPClient: a.transport(),
		UsePathStyle: endpoint != nil, // others than Amazon seldom have a host name for each bucket
	})
}

func (a awsSettings) secrets() *secrets.Store {
	o := secrets.Options{Region: a.region(), Credentials: a.credentials(), Endpoints: map[secrets.Service]string{}, HTTPClient: a.transport()}
	for service, name := range map[secrets.Service]string{secrets.SSM: "SSM", secrets.SecretsManager: "SECRETS_MANAGER"} {
		if url := a.endpoint(name); url != nil {
			o.Endpoints[service] = *url
		}
	}
	return secrets.New(o)
}

func (a awsSettings) lambda() *lambda.Client {
	return lambda.New(lambda.Options{
		Region: a.region(), Credentials: a.credentials(), BaseEndpoint: a.endpoint("LAMBDA"), HTTPClient: a.transport(),
	})
}
