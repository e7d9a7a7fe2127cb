package ingest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/ingest"
)

func parseKeys(t *testing.T, format string, args ...any) *ingest.Keys {
	t.Helper()
	keys, err := ingest.ParseKeys(fmt.Appendf(nil, format, args...))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestKeys(t *testing.T) {
	secret, hash := ingest.NewKey()
	other, otherHash := ingest.NewKey()
	if secret == other || ingest.HashKey(secret) != hash {
		t.Fatal(secret, hash)
	}
	keys := parseKeys(t, "keys:\n  - {name: shop, hash: %q, streams: [orders]}\n  - {name: bank, hash: %q, streams: [payments]}\n", hash, otherHash)
	h := open(t, settings{keys: keys})

	a := h.post(order("1"))
	a.refused(t, 401, "unauthenticated")
	if a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("%v", a.header)
	}
	h.post(order("1"), "Authorization", "Bearer "+secret).want(t, 202, "ok")
	h.post(order("1"), "authorization", "bearer  "+secret).want(t, 202, "duplicate")
	h.post(order("1"), "X-API-Key", secret).want(t, 202, "duplicate")
	for _, wrong := range []string{"Bearer " + secret[:len(secret)-1], "Bearer " + secret + "x", "Bearer", "Bearer ", "Basic " + secret, "Bearer " + strings.Repeat("x", 1000)} {
		h.post(order("1"), "Authorization", wrong).refused(t, 401, "unauthenticated")
	}
	h.post(order("1"), "Authorization", "Bearer "+secret, "X-API-Key", secret).refused(t, 401, "unauthenticated")

	// Who may not use a stream is not told whether there is one.
	h.post(order("1"), "X-API-Key", other).refused(t, 403, "forbidden")
	h.do("POST", "/v1/streams/nonesuch/events", nil, "X-API-Key", other).refused(t, 403, "forbidden")
	h.do("POST", "/v1/streams/payments/events", nil, "X-API-Key", other).refused(t, 404, "not_found")
	h.do("GET", "/v1/streams/orders/events/1", nil, "X-API-Key", other).refused(t, 403, "forbidden")
	h.do("GET", "/v1/streams/orders/events/1", nil).refused(t, 401, "unauthenticated")
	h.do("GET", "/v1/streams", nil).refused(t, 401, "unauthenticated")
	if a := h.do("GET", "/v1/streams", nil, "X-API-Key", secret); !strings.Contains(a.text, `"orders"`) {
		t.Errorf("%s", a.text)
	}
	if a := h.do("GET", "/v1/streams", nil, "X-API-Key", other); a.text != `{"streams":[]}`+"\n" {
		t.Errorf("%s", a.text)
	}

	// A reload takes one away without a restart; it cannot take all away.
	in := []ingest.Stream{served(loadStream(t, nil), h.shelf)}
	if err := h.handler.Replace(in, parseKeys(t, "keys:\n  - {name: bank, hash: %q, streams: [\"*\"]}\n", otherHash)); err != nil {
		t.Fatal(err)
	}
	h.post(order("1"), "X-API-Key", secret).refused(t, 401, "unauthenticated")
	h.post(order("1"), "X-API-Key", other).want(t, 202, "duplicate")
	if err := h.handler.Replace(in, nil); err == nil {
		t.Error("a running server was opened to everybody")
	}
}

func TestKeysFile(t *testing.T) {
	hash := "sha256:" + strings.Repeat("ab", 32)
	good := "  - name: a\n    hash: " + hash + "\n    streams: [orders]\n"
	tests := []struct{ file, want string }{
		{"", "1: the file is empty"},
		{"keys: [", "1: not YAML"},
		{"- a", "1: want `keys:`"},
		{"keys:\n" + good + "more: 1\n", `5: unknown word "more"`},
		{"keys: []", "1: no keys"},
		{"keys:\n  - a\n", "2: a key is written as"},
		{"keys:\n" + good + good, `5: key "a" is there twice`},
		{"keys:\n" + good + strings.Replace(good, "name: a", "name: b", 1), `5: keys "a" and "b" have the same hash`},
		{"keys:\n  - hash: " + hash + "\n    streams: [x]\n", "2: the key has no name"},
		{"keys:\n  - name: a\n    streams: [x]\n", `2: key "a" has no hash`},
		{"keys:\n  - name: a\n    hash: " + hash + "\n", `2: key "a" may use no stream`},
		{"keys:\n  - name: a b\n", `2: name "a b"`},
		{"keys:\n  - name: a\n    hash: md5:00\n", "3: want sha256:"},
		{"keys:\n  - name: a\n    hash: sha256:" + strings.Repeat("x", 64) + "\n", "3: want sha256:"},
		{"keys:\n" + good + "    rate: 5/x\n", `5: rate "5/x"`},
		{"keys:\n" + good + "    rate: 0/s\n", `5: rate "0/s"`},
		{"keys:\n" + good + "    rate: NaN/s\n", `5: rate "NaN/s"`},
		{"keys:\n" + good + "    burst: 5\n", `2: key "a" has a burst without a rate`},
		{"keys:\n" + good + "    burst: 0\n", `5: burst "0"`},
		{"keys:\n" + good + "    burts: 5\n", `5: unknown word "burts"`},
		{"keys:\n" + good + "    name: c\n", "5: name is there twice"},
	}
	for _, test := range tests {
		path := filepath.Join(t.TempDir(), "keys.yaml")
		if err := os.WriteFile(path, []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ingest.LoadKeys(path)
		if err == nil || !strings.HasPrefix(err.Error(), path+":"+test.want) {
			t.Errorf("%q\n got %v\nwant FILE:%s", test.file, err, test.want)
		}
	}
	if _, err := ingest.LoadKeys(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("want an error for a file that is not there")
	}
	for _, rate := range []string{"5/s", "60/m", "0.5/h"} {
		parseKeys(t, "keys:\n%s    rate: %s\n", good, rate)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte("keys:\n  - {name: a, hash: \"sha256:00\", streams: [\"*\"], rate: 1/s, burst: 2}\n"))
	f.Add([]byte("keys: &a [*a]"))
	f.Add([]byte("keys:\n  - name: a\n    certificate: sha256:" + strings.Repeat("0f", 32) + "\n    streams: [x]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ingest.ParseKeys(text)
		if (keys == nil) != (err != nil) {
			t.Fatal(keys, err)
		}
	})
}
