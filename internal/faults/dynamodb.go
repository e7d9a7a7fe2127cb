package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"
)

// A DynamoDB is a proxy in front of a DynamoDB that makes it as bad as the
// real one on a bad day: serve it by net/http/httptest.
type DynamoDB struct {
	To   string // URL of the DynamoDB behind
	Seed uint64 // the same seed draws the same faults for the same requests

	Shares DynamoDBShares

	// Takes is how long it keeps each request before it does anything; 0 is no
	// time. It bounds the speed of what is in front, on any machine.
	Takes time.Duration

	mu     sync.Mutex // guards what follows
	random *rand.Rand
	calls  map[string]int
	faults map[string]int
}

// DynamoDBShares say how often what goes wrong: each is 0 to 1, drawn anew for
// each request.
type DynamoDBShares struct {
	Unprocessed float64 // share of a batch's items that are left over
	Throttle    float64 // share of requests refused as above the table's capacity
	Broken      float64 // share of requests answered 500
	Reset       float64 // share of requests whose connection is cut before they arrive
	Lost        float64 // share of requests carried out whose connection is cut before the answer
	Half        float64 // share of requests whose answer ends in the middle
}

// Calls counts the requests that came, by operation.
func (p *DynamoDB) Calls() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.calls)
}

// Faults counts what was done to them, by the name of the share, so that a test
// can see that it tried what it meant to try.
func (p *DynamoDB) Faults() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.faults)
}

// draw counts a call and decides what becomes of it.
func (p *DynamoDB) draw(operation string) (fault string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		p.calls, p.faults = map[string]int{}, map[string]int{}
		p.random = rand.New(rand.NewPCG(p.Seed, p.Seed))
	}
	p.calls[operation]++
	for _, f := range []struct {
		name  string
		share float64
	}{{"throttle", p.Shares.Throttle}, {"broken", p.Shares.Broken}, {"reset", p.Shares.Reset}, {"lost", p.Shares.Lost}, {"half", p.Shares.Half}} {
		if p.random.Float64() < f.share {
			p.faults[f.name]++
			return f.name
		}
	}
	return ""
}

// ServeHTTP carries the request on, or does not.
func (p *DynamoDB) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	time.Sleep(p.Takes)
	switch fault := p.draw(operation); fault {
	case "throttle":
		answerError(w, http.StatusBadRequest, "ProvisionedThroughputExceededException")
	case "broken":
		answerError(w, http.StatusInternalServerError, "InternalServerError")
	case "reset":
		panic(http.ErrAbortHandler)
	default:
		p.carry(w, r, operation, fault)
	}
}

func answerError(w http.ResponseWriter, status int, name string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.dynamodb.v20120810#" + name, "message": "made by a test"})
}

func (p *DynamoDB) carry(w http.ResponseWriter, r *http.Request, operation, fault string) {
	to, err := url.Parse(p.To)
	if err != nil {
		panic(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	var left json.RawMessage
	if operation == "BatchWriteItem" {
		body, left = p.holdBack(body)
		if body == nil { // nothing is left to carry on
			_ = json.NewEncoder(w).Encode(map[string]json.RawMessage{"UnprocessedItems": left})
			return
		}
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(res *http.Response) error { return spoil(res, left, fault) }
	proxy.ErrorLog = log.New(io.Discard, "", 0) // that an answer broke off is what was asked for
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	proxy.ServeHTTP(w, r)
}

// spoil adds the items left over to the answer, or cuts it.
func spoil(res *http.Response, left json.RawMessage, fault string) error {
	if fault == "lost" {
		panic(http.ErrAbortHandler)
	}
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if left != nil && res.StatusCode == http.StatusOK {
		answer := map[string]json.RawMessage{}
		if err := json.Unmarshal(text, &answer); err != nil {
			return err
		}
		answer["UnprocessedItems"] = left
		if text, err = json.Marshal(answer); err != nil {
			return err
		}
	}
	res.Header.Del("X-Amz-Crc32")
	res.ContentLength = -1
	res.Header.Del("Content-Length")
	res.Body = io.NopCloser(bytes.NewReader(text))
	if fault == "half" {
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text[:len(text)/2]), cut{}))
	}
	return nil
}

// cut is a body that breaks off.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// holdBack takes its share of a batch's items out of the request. What is left
// is nil when that were all.
func (p *DynamoDB) holdBack(body []byte) (rest []byte, left json.RawMessage) {
	var request map[string]json.RawMessage
	var tables map[string][]json.RawMessage
	if p.Shares.Unprocessed == 0 || json.Unmarshal(body, &request) != nil || json.Unmarshal(request["RequestItems"], &tables) != nil {
		return body, nil
	}
	held := map[string][]json.RawMessage{}
	p.mu.Lock()
	for name, items := range tables {
		var kept []json.RawMessage
		for _, item := range items {
			if p.random.Float64() < p.Shares.Unprocessed {
				held[name] = append(held[name], item)
				p.faults["unprocessed"]++
				continue
			}
			kept = append(kept, item)
		}
		tables[name] = kept
		if len(kept) == 0 {
			delete(tables, name)
		}
	}
	p.mu.Unlock()
	if len(held) == 0 {
		return body, nil
	}
	left = encoded(held)
	if len(tables) == 0 {
		return nil, left
	}
	request["RequestItems"] = encoded(tables)
	return encoded(request), left
}

func encoded(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was JSON a moment ago
	}
	return text
}
