package s3

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
)

// A Place is a bucket and what keys in it begin with.
type Place struct {
	Bucket string `yaml:"bucket"`
	Prefix string `yaml:"prefix"`
}

// holds reports whether a key lies in the place.
func (p Place) holds(bucket, key string) bool {
	return p.Bucket == bucket && strings.HasPrefix(key, p.Prefix)
}

// A RejectLine is one line of an object of rejects.
type RejectLine struct {
	Object  Object `json:"object"`
	Record  uint64 `json:"record"` // its number in the object, from 1
	Stream  string `json:"stream"`
	Version string `json:"version"` // of the stream's rules
	Code    string `json:"code"`
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
	Offset  *int64 `json:"offset,omitempty"` // in Raw
	Raw     string `json:"raw,omitempty"`    // the record as it came
	Bytes   []byte `json:"bytes,omitempty"`  // the same where it is not UTF-8
}

// rejects is the sink of the dead letters of one batch: one object, put anew,
// with all letters so far, each time some come.
type rejects struct {
	door   *Door
	object Object
	route  *Route
	key    string
	lines  map[uint64][]byte
}

func (d *Door) rejects(p Progress, route *Route, first uint64) *rejects {
	tag := p.Object.Version
	if tag == "" {
		tag = p.Object.ETag
	}
	key := fmt.Sprintf("%s%s/%s/%s/%020d.jsonl", d.o.Rejects.Prefix, p.Object.Bucket, p.Object.Key, tag, first)
	return &rejects{door: d, object: p.Object, route: route, key: key, lines: map[uint64][]byte{}}
}

// Write keeps the letters, and settles them once they are stored.
func (r *rejects) Write(ctx context.Context, b *penstock.Batch) error {
	pending := b.Pending()
	for _, e := range pending.Events {
		line, err := json.Marshal(r.line(e))
		if err != nil {
			return err
		}
		r.lines[e.Origin.Position] = append(line, '\n')
	}
	var all bytes.Buffer
	for _, n := range sorted(r.lines) {
		all.Write(r.lines[n])
	}
	if err := r.door.o.Store.Put(ctx, r.door.o.Rejects.Bucket, r.key, all.Bytes()); err != nil {
		return fmt.Errorf("keep rejects: %w", err)
	}
	for _, e := range pending.Events {
		e.Deliver(penstock.Place{})
	}
	return nil
}

func sorted(lines map[uint64][]byte) []uint64 {
	var numbers []uint64
	for n := range lines {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func (r *rejects) line(e *penstock.Event) RejectLine {
	line := RejectLine{Object: r.object, Record: e.Origin.Position, Stream: r.route.Stream.Name, Version: r.route.Stream.Version}
	for _, h := range e.Headers {
		switch h.Name {
		case penstock.HeaderCode:
			line.Code = string(h.Value)
		case penstock.HeaderPointer:
			line.Pointer = string(h.Value)
		case penstock.HeaderDetail:
			line.Detail = string(h.Value)
		case penstock.HeaderOffset:
			var n int64
			if _, err := fmt.Sscan(string(h.Value), &n); err == nil {
				line.Offset = &n
			}
		}
	}
	setRaw(&line, e.Raw)
	return line
}
