package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/s3"
)

func server(t testing.TB) (s3.Client, string) {
	t.Helper()
	url, bucket := realtest.S3(t), realtest.Name(t)
	client := awss3.New(awss3.Options{
		Region: "us-east-1", BaseEndpoint: &url, UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider(realtest.S3AccessKey, realtest.S3SecretKey, ""),
	})
	if _, err := client.CreateBucket(within(t), &awss3.CreateBucketInput{Bucket: &bucket}); err != nil {
		t.Fatal(err)
	}
	return s3.Client{S3: client}, bucket
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// A real server keeps what the Store promises: any key, ranges, and an object
// that was overwritten is gone, never half old and half new.
func TestStoreOnARealServer(t *testing.T) {
	store, bucket := server(t)
	for _, key := range []string{"a", "dir/a b+c%2F=ä.csv", "x/y/z"} {
		o := s3.Object{Bucket: bucket, Key: key}
		if _, _, err := store.Stat(within(t), o); !errors.Is(err, s3.ErrGone) {
			t.Errorf("%s before it is there: %v, want that it is gone", key, err)
		}
		body := bytes.Repeat([]byte("0123456789"), 1000)
		if err := store.Put(within(t), bucket, key, body); err != nil {
			t.Fatal(err)
		}
		pinned, size, err := store.Stat(within(t), o)
		if err != nil || size != int64(len(body)) || pinned.ETag == "" {
			t.Fatalf("%s: %v, %d bytes, %v", key, pinned, size, err)
		}
		part, err := store.Read(within(t), pinned, 25, 7)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(part)
		if part.Close(); err != nil || string(got) != "5678901" {
			t.Errorf("%s: range %q, %v", key, got, err)
		}
		if err := store.Put(within(t), bucket, key, []byte(fmt.Sprint("other", key))); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Read(within(t), pinned, 0, 5); !errors.Is(err, s3.ErrGone) {
			t.Errorf("%s overwritten: %v, want that it is gone", key, err)
		}
		if _, _, err := store.Stat(within(t), pinned); !errors.Is(err, s3.ErrGone) {
			t.Errorf("%s overwritten: %v, want that it is gone", key, err)
		}
	}
}

func TestBucketThatIsNotThereIsNoObjectThatIsGone(t *testing.T) {
	store, _ := server(t)
	if err := store.Put(within(t), "no-such-bucket", "a", nil); err == nil || errors.Is(err, s3.ErrGone) {
		t.Errorf("put into a bucket that is not there: %v", err)
	}
}
