package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// A NullDynamoDB speaks DynamoDB's protocol, takes all items of one table and
// keeps none of them: what is in front of it is as fast as it can be. It counts
// what it takes. All else goes to the DynamoDB behind it.
type NullDynamoDB struct {
	To    string // URL of the DynamoDB behind
	Table string // has a number as its only key
	Key   string // its name

	// Takes is how long each batch takes at least; 0 is no time. It bounds the
	// speed of what is in front, on any machine.
	Takes time.Duration

	mu      sync.Mutex // guards what follows
	written int64
	seen    []uint64 // a bit for each key
}

// Written is how many items came, and how many of their keys differ.
func (n *NullDynamoDB) Written() (items, keys int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, word := range n.seen {
		for ; word != 0; word &= word - 1 {
			keys++
		}
	}
	return n.written, keys
}

// Reset forgets what came.
func (n *NullDynamoDB) Reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.written, n.seen = 0, nil
}

// ServeHTTP takes a batch for the table, or carries the request on.
func (n *NullDynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if batch := r.Header.Get("X-Amz-Target") == "DynamoDB_20120810.BatchWriteItem"; batch && bytes.Contains(body, []byte(strconv.Quote(n.Table))) {
		began := time.Now()
		n.take(body)
		time.Sleep(n.Takes - time.Since(began))
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"UnprocessedItems":{}}`)
		return
	}
	to, err := url.Parse(n.To)
	if err != nil {
		panic(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // who asked has gone, or will ask again
	proxy.ServeHTTP(w, r)
}

// take notes the keys of a batch. They are found in the text: decoding it would
// cost more than all else here.
func (n *NullDynamoDB) take(body []byte) {
	mark := encoded(n.Key)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, item := range bytes.Split(body, []byte(`"PutRequest"`))[1:] {
		n.written++
		_, value, _ := bytes.Cut(item, mark)
		var key struct{ N string }
		end := bytes.IndexByte(value, '}')
		if end < 0 || json.Unmarshal(bytes.TrimLeft(value[:end+1], ": "), &key) != nil {
			continue
		}
		number, err := strconv.ParseUint(key.N, 10, 32)
		if err != nil {
			continue
		}
		for word := int(number / 64); word >= len(n.seen); {
			n.seen = append(n.seen, make([]uint64, 1+len(n.seen))...)
		}
		n.seen[number/64] |= 1 << (number % 64)
	}
}
