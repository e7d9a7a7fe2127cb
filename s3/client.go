package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// A Client is the Store of a server that speaks S3.
type Client struct {
	S3 *s3.Client
}

// Stat asks for the object's head.
func (c Client) Stat(ctx context.Context, o Object) (Object, int64, error) {
	in := &s3.HeadObjectInput{Bucket: &o.Bucket, Key: &o.Key}
	if o.Version != "" {
		in.VersionId = &o.Version
	} else if o.ETag != "" {
		in.IfMatch = aws.String(`"` + o.ETag + `"`)
	}
	head, err := c.S3.HeadObject(ctx, in)
	if err != nil {
		return o, 0, explain("look at "+o.String(), err)
	}
	o.ETag = strings.Trim(aws.ToString(head.ETag), `"`)
	if o.Version == "" {
		o.Version = version(aws.ToString(head.VersionId))
	}
	return o, aws.ToInt64(head.ContentLength), nil
}

// Read asks for a range.
func (c Client) Read(ctx context.Context, o Object, offset, length int64) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{
		Bucket: &o.Bucket, Key: &o.Key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", offset, offset+length-1)),
		IfMatch: aws.String(`"` + o.ETag + `"`),
	}
	if o.Version != "" {
		in.VersionId = &o.Version
	}
	out, err := c.S3.GetObject(ctx, in)
	if err != nil {
		return nil, explain("read "+o.String(), err)
	}
	return out.Body, nil
}

// Put writes an object.
func (c Client) Put(ctx context.Context, bucket, key string, body []byte) error {
	_, err := c.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		return explain("write s3://"+bucket+"/"+key, err)
	}
	return nil
}

// explain tells an object that is gone from a bucket that cannot be read.
func explain(doing string, err error) error {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) {
		switch answer.HTTPStatusCode() {
		case http.StatusNotFound, http.StatusPreconditionFailed:
			if !strings.Contains(err.Error(), "NoSuchBucket") {
				return fmt.Errorf("%s: %w", doing, ErrGone)
			}
		case http.StatusForbidden:
			return fmt.Errorf("%s: no right to: give the role s3:GetObject and s3:ListBucket on the bucket, "+
				"without which an object that is gone cannot be told either: %w", doing, err)
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}
