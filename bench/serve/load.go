package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is a closed loop: each connection sends its next request when the one
// before is answered.
type load struct {
	connections int
	events      int // in one request
	window      time.Duration
}

// measured is what one run of one side gave.
type measured struct {
	events    int64
	elapsed   time.Duration
	latencies []time.Duration // of requests, sorted; empty where there are none
}

func (m measured) perSecond() float64 { return float64(m.events) / m.elapsed.Seconds() }

func (m measured) percentile(p float64) time.Duration {
	if len(m.latencies) == 0 {
		return 0
	}
	return m.latencies[int(p*float64(len(m.latencies)-1))]
}

// nextOrder makes order ids unique over all runs of one process and, with the
// start time in front, over processes on the same data.
var nextOrder atomic.Int64

func init() { nextOrder.Store(time.Now().Unix() * 1_000_000_000) }

// to returns what puts the load on a server.
func (l load) to(s *server) func(context.Context) (measured, error) {
	return func(ctx context.Context) (measured, error) { return l.run(ctx, s.addr) }
}

func (l load) run(ctx context.Context, addr string) (measured, error) {
	ctx, cancel := context.WithTimeout(ctx, l.window)
	defer cancel()
	results := make([]measured, l.connections)
	errs := make([]error, l.connections)
	begin := time.Now()
	var wait sync.WaitGroup
	for i := range l.connections {
		wait.Go(func() { results[i], errs[i] = l.connection(ctx, addr) })
	}
	wait.Wait()
	all := measured{elapsed: time.Since(begin)}
	for _, r := range results {
		all.events += r.events
		all.latencies = append(all.latencies, r.latencies...)
	}
	slices.Sort(all.latencies)
	return all, errors.Join(errs...)
}

func (l load) connection(ctx context.Context, addr string) (m measured, err error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return m, err
	}
	defer conn.Close()
	req := newRequest(addr, l.events)
	in := bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		req.renew()
		begin := time.Now()
		if _, err := conn.Write(req.bytes); err != nil {
			return m, err
		}
		status, err := readAnswer(in)
		if err != nil {
			return m, err
		}
		if status != 202 && status != 200 {
			return m, fmt.Errorf("status %d where 202 was expected", status)
		}
		m.latencies = append(m.latencies, time.Since(begin))
		m.events += int64(l.events)
	}
	return m, nil
}

// A request is the bytes of one POST, whose ids are overwritten in place so
// that making it costs the load generator next to nothing.
type request struct {
	bytes []byte
	ids   []int // offsets of the 19 digits of each order_id
	users []int // offsets of the 4 digits of each user_id
}

const order = `{"order_id":1000000000000000000,"user_id":1000,"created_at":"2026-11-23T09:15:42.123456Z","amount":1234.56,"currency":"EUR","status":"paid","email":" Ada.Lovelace@Example.org ","note":"%s"}`

// orderBytes is the length of every order.
const orderBytes = 400

// newOrder is an order with a note of random words, so that it compresses as
// text does and no better.
func newOrder() []byte {
	var note []byte
	for n := orderBytes - len(order) + len("%s"); len(note) < n; {
		for range 2 + rand.IntN(7) {
			note = append(note, "etaoinshrdlucmfwypvbgk"[rand.IntN(22)])
		}
		note = append(note, ' ')
	}
	return fmt.Appendf(nil, order, note[:orderBytes-len(order)+len("%s")])
}

func newRequest(host string, events int) *request {
	var body []byte
	for range events {
		body = append(append(body, newOrder()...), '\n')
	}
	kind := "application/json"
	if events > 1 {
		kind = "application/x-ndjson"
	}
	head := fmt.Sprintf("POST /v1/streams/orders/events HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", host, kind, len(body))
	r := &request{bytes: append([]byte(head), body...)}
	for i := range events {
		at := len(head) + i*(orderBytes+1)
		r.ids = append(r.ids, at+len(`{"order_id":`))
		r.users = append(r.users, at+len(`{"order_id":1000000000000000000,"user_id":`))
	}
	return r
}

// renew gives every event a new id and one of 4,096 users.
func (r *request) renew() {
	last := nextOrder.Add(int64(len(r.ids)))
	for i := range r.ids {
		id := last - int64(i)
		strconv.AppendInt(r.bytes[:r.ids[i]], id, 10)
		strconv.AppendUint(r.bytes[:r.users[i]], 1000+uint64(id)*2654435761%4096, 10)
	}
}

// readAnswer reads one HTTP/1.1 answer with a Content-Length and returns its
// status.
func readAnswer(in *bufio.Reader) (status int, err error) {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if first {
			if len(line) < 12 {
				return 0, fmt.Errorf("no HTTP answer: %q", line)
			}
			status, err = strconv.Atoi(string(line[9:12]))
			if err != nil {
				return 0, err
			}
			continue
		}
		if len(line) <= 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, err = strconv.Atoi(string(bytes.TrimSpace(v)))
			if err != nil {
				return 0, err
			}
		}
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return status, err
}
