package secrets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// The two calls are made here, and not by the SDK's clients, which have
// hundreds: that of SSM alone takes 5 ms of each start of the program.

// How often, and after which pause, a call is made again that failed.
const (
	attempts    = 3
	pauseMax    = 200 * time.Millisecond
	answerBytes = 1 << 20
)

// An answer is of both calls: one has one member, one the other.
type answer struct {
	Parameter    struct{ Value *string }
	SecretString *string

	// Of an error.
	Type    string `json:"__type"`
	Message string `json:"message"`
}

func (s *Store) load(ctx context.Context, r Reference) (Text, time.Duration, error) {
	target, in := "AmazonSSM.GetParameter", map[string]any{"Name": r.Name, "WithDecryption": true}
	if r.Service == SecretsManager {
		target, in = "secretsmanager.GetSecretValue", map[string]any{"SecretId": r.Name}
	}
	body, err := json.Marshal(in)
	if err != nil {
		return "", 0, err
	}
	for attempt := 1; ; attempt++ {
		out, err := s.call(ctx, r.Service, target, body)
		switch text := out.Parameter.Value; {
		case err == nil && text == nil && out.SecretString == nil:
			return "", 0, errors.New("it is binary; a text is needed")
		case err == nil && text == nil:
			return Text(*out.SecretString), 0, nil
		case err == nil:
			return Text(*text), 0, nil
		case out.Type != "" && out.Type != "ThrottlingException" && out.Type != "InternalServiceError" || attempt == attempts:
			return "", 0, err // trying again gives the same
		}
		select {
		case <-ctx.Done():
			return "", 0, ctx.Err()
		case <-time.After(rand.N(pauseMax)):
		}
	}
}

// call makes a call once. With an error the answer's Type is the service's name
// for it, if it has one.
func (s *Store) call(ctx context.Context, service Service, target string, body []byte) (out answer, err error) {
	request, err := s.request(ctx, service, target, body)
	if err != nil {
		return out, err
	}
	response, err := s.o.HTTPClient.Do(request)
	if err != nil {
		return out, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(text, &out); err != nil && response.StatusCode == http.StatusOK {
		return out, errors.New("the service's answer is no JSON object") // and may be the secret: it is not shown
	}
	if response.StatusCode != http.StatusOK {
		return out, fmt.Errorf("the service answers %s, %s %s", response.Status, out.Type, out.Message)
	}
	return out, nil
}

func (s *Store) request(ctx context.Context, service Service, target string, body []byte) (*http.Request, error) {
	url := s.o.Endpoints[service]
	if url == "" {
		url = fmt.Sprintf("https://%s.%s.amazonaws.com/", service, s.o.Region)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", target)
	who, err := s.o.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	return request, v4.NewSigner().SignHTTP(ctx, who, request, hex.EncodeToString(sum[:]), string(service), s.o.Region, time.Now())
}
