package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A vault speaks as much of both services' protocols as asking takes.
type vault struct {
	asked  atomic.Int32
	broken atomic.Int32 // answers 500 so many times
	mu     sync.Mutex
	values map[string]string
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.asked.Add(1)
	service, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "Amazon"), ".")
	if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/"+strings.ToLower(service)+"/aws4_request") {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	var in struct {
		Name, SecretId string
		WithDecryption bool
	}
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.broken.Add(-1) >= 0 || json.Unmarshal(body, &in) != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch value, there := v.values[in.Name+in.SecretId]; {
	case !there:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ResourceNotFoundException","message":"no such secret"}`)
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetParameter") && in.WithDecryption:
		_ = json.NewEncoder(w).Encode(map[string]any{"Parameter": map[string]string{"Name": in.Name, "Value": value}})
	case strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetSecretValue"):
		_ = json.NewEncoder(w).Encode(map[string]string{"Name": in.SecretId, "SecretString": value})
	}
}

func open(t *testing.T, v *vault) *Store {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	s := New(Options{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
		Endpoints: map[Service]string{SSM: server.URL, SecretsManager: server.URL},
	})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func get(t *testing.T, s *Store, reference string) string {
	t.Helper()
	r, err := Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Get(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSecretsAreAskedForOnceAndAgainWhenRotated(t *testing.T) {
	v := &vault{values: map[string]string{"/prod/dsn": "old", "db": `{"user":"u","password":"p","port":5432}`}}
	s := open(t, v)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if text, err := s.Get(t.Context(), Reference{Service: SSM, Name: "/prod/dsn"}); err != nil || string(text) != "old" {
				t.Errorf("%q, %v", string(text), err)
			}
		})
	}
	all.Wait()
	if n := v.asked.Load(); n != 1 {
		t.Errorf("asked %d times for one secret", n)
	}
	if get(t, s, "secretsmanager:db#user") != "u" || get(t, s, "secretsmanager:db#password") != "p" || v.asked.Load() != 2 {
		t.Errorf("fields are not taken out of one answer; asked %d times", v.asked.Load())
	}

	v.mu.Lock()
	v.values["/prod/dsn"] = "new"
	v.mu.Unlock()
	if get(t, s, "ssm:/prod/dsn") != "old" {
		t.Error("a secret was asked for again while it is fresh")
	}
	s.Forget(Reference{Service: SSM, Name: "/prod/dsn"})
	if got := get(t, s, "ssm:/prod/dsn"); got != "new" {
		t.Errorf("after Forget it is still %q", got)
	}
}

func TestAnAnswerThatFailsIsAskedForAgain(t *testing.T) {
	v := &vault{values: map[string]string{"a": "x"}}
	s := open(t, v)
	v.broken.Store(2)
	if got := get(t, s, "ssm:a"); got != "x" || v.asked.Load() != 3 {
		t.Errorf("%q after %d questions, want x after 3", got, v.asked.Load())
	}
}

func TestErrorsNameTheReferenceAndNoSecret(t *testing.T) {
	v := &vault{values: map[string]string{"db": `{"port":5432,"password":"hunter2"`, "list": `["hunter2"]`, "odd": `{"port":5432}`}}
	s := open(t, v)
	for _, c := range []struct{ reference, want string }{
		{"ssm:/none", "look up the secret ssm:/none: "},
		{"secretsmanager:db#password", "the secret secretsmanager:db#password is no JSON object"},
		{"secretsmanager:list#password", "is no JSON object"},
		{"secretsmanager:odd#port", "with a text of that name"},
		{"secretsmanager:odd#none", "with a text of that name"},
	} {
		r, err := Parse(c.reference)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Get(t.Context(), r)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want one that says %q", c.reference, err, c.want)
		}
	}
	for _, text := range []string{"", "ssm:", "secretsmanager:", "secretsmanager:#f", "secretsmanager:db#", "hunter2", "vault:x", "SSM:x"} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q): error %v", text, err)
		}
	}
}

func TestTextNeverShows(t *testing.T) {
	const secret = Text("hunter2")
	theirs := secret
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "in", struct{ S Text }{secret})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "in", struct{ S Text }{secret})
	text, err := json.Marshal(map[string]any{"a": secret, "b": []Text{secret}})
	if err != nil {
		t.Fatal(err)
	}
	log.Write(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%10.3s"} {
		fmt.Fprintf(&log, verb, secret)
		fmt.Fprintf(&log, verb, struct{ S Text }{secret})
		fmt.Fprintf(&log, verb, &theirs)
	}
	if s := log.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e") || strings.Contains(s, "68756E") || strings.Contains(s, "hun") {
		t.Errorf("it shows: %s", s)
	}
}
