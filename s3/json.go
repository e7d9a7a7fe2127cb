package s3

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/stream"
)

// The formats that the door reads itself.
const (
	formatLines = "jsonl"
	formatArray = "json"
)

// The codes of rejects of text around the records.
const (
	CodeTooLong   = "too_long"  // a line is longer than a record may be
	CodeMalformed = "malformed" // the text around the records is wrong, and the rest cannot be told apart
)

// rejectBytesMax is how much is kept of bytes that are no record.
const rejectBytesMax = 4096

// A jsonCutter cuts JSON lines or one JSON array.
type jsonCutter struct {
	Input
	decoder *stream.Decoder
	events  []*penstock.Event
	window  []byte // the text from where the next batch begins
	taken   int    // bytes of window that the last batch took
	ended   bool   // window holds the end of the text

	array     bool
	state     arrayState
	malformed bool // nothing more can be read
}

// arrayState is where in an array a batch ends.
type arrayState string

const (
	beforeArray arrayState = ""
	inArray     arrayState = "["
	behindValue arrayState = ","
	behindArray arrayState = "]"
)

func newJSON(in Input, array bool) *jsonCutter {
	if in.BatchBytes <= 0 {
		in.BatchBytes = batchBytesMax
	}
	return &jsonCutter{
		Input: in, decoder: in.Stream.NewDecoder(), window: make([]byte, 0, batchBytesMax),
		array: array, state: arrayState(strings.TrimPrefix(in.State, "!")), malformed: strings.HasPrefix(in.State, "!"),
	}
}

// State is where in the array the last batch ended.
func (c *jsonCutter) State() string {
	if c.malformed {
		return "!" + string(c.state)
	}
	return string(c.state)
}

// Next fills the window and makes events of the records that are whole in it.
func (c *jsonCutter) Next(b *penstock.Batch) (int64, error) {
	c.decoder.Reset()
	c.window = c.window[:copy(c.window[:cap(c.window)], c.window[c.taken:])]
	c.taken = 0
	b.Events = b.Events[:0]
	if err := c.fill(); err != nil {
		return 0, err
	}
	unfinished := c.array && c.state != behindArray
	switch {
	case c.malformed:
		return 0, fmt.Errorf("%w beyond record %d: the rejects say why; what is before it is written: mend the object and put it there again", errMalformed, c.First-1)
	case len(c.window) == 0 && !unfinished:
		return 0, io.EOF
	}
	var passed int64
	var err error
	if c.array {
		passed, err = c.cutArray(b)
	} else {
		passed, err = c.cutLines(b)
	}
	return int64(c.taken) + passed, err
}

func (c *jsonCutter) fill() error {
	if c.ended {
		return nil
	}
	n, err := io.ReadFull(c.Text, c.window[len(c.window):cap(c.window)])
	c.window = c.window[:len(c.window)+n]
	if err == io.EOF || err == io.ErrUnexpectedEOF { // ReadFull's own: an error that wraps one is no end
		c.ended, err = true, nil
	}
	return err
}

// event returns the next event of the batch, ready to be filled.
func (c *jsonCutter) event(b *penstock.Batch) *penstock.Event {
	n := len(b.Events)
	if n == len(c.events) {
		c.events = append(c.events, &penstock.Event{})
	}
	e := c.events[n]
	e.Reset()
	e.Origin = penstock.Origin{Door: c.Door, Position: c.First}
	c.First++
	b.Events = append(b.Events, e)
	return e
}

func (c *jsonCutter) cutLines(b *penstock.Batch) (passed int64, err error) {
	for len(b.Events) < batchEventsMax && c.taken < min(c.BatchBytes, len(c.window)) {
		rest := c.window[c.taken:]
		end := bytes.IndexByte(rest, '\n')
		line, next := rest, len(rest)
		switch {
		case end >= 0:
			line, next = rest[:end], end+1
		case c.ended:
		case c.taken > 0:
			return 0, nil // it begins the next batch
		default:
			return c.longLine(b)
		}
		c.taken += next
		if line = bytes.TrimSpace(line); len(line) > 0 {
			c.line(c.event(b), line)
		}
	}
	return 0, nil
}

func (c *jsonCutter) line(e *penstock.Event, line []byte) {
	n, err := c.decoder.Decode(line, e)
	if err == nil {
		err = stream.CheckEnd(line, n)
	}
	e.Raw = line
	if err != nil {
		refuse(e, c.Stream, err)
	}
}

// refuse rejects an event that could not be decoded.
func refuse(e *penstock.Event, s *stream.Stream, err error) {
	why := penstock.AsReject(err)
	if why == nil {
		why = penstock.NewReject(CodeMalformed, "", "%v", err)
	}
	s.Row(e)
	e.Reject(why)
}

// longLine rejects a line that fills the window, and passes over the rest of it.
func (c *jsonCutter) longLine(b *penstock.Batch) (passed int64, err error) {
	e := c.event(b)
	e.Raw = bytes.Clone(c.window[:rejectBytesMax])
	refuse(e, c.Stream, penstock.NewReject(CodeTooLong, "", "the line is longer than the %d bytes that a record may have; its first %d are kept", batchBytesMax, rejectBytesMax))
	c.taken = len(c.window)
	for {
		c.window = c.window[:0]
		if err := c.fill(); err != nil {
			return passed, err
		}
		end := bytes.IndexByte(c.window, '\n')
		if end >= 0 || c.ended {
			c.taken = len(c.window)
			if end >= 0 {
				c.taken = end + 1
			}
			return passed + batchBytesMax, nil
		}
		passed += int64(len(c.window))
	}
}

func (c *jsonCutter) cutArray(b *penstock.Batch) (passed int64, err error) {
	for len(b.Events) < batchEventsMax && c.taken < c.BatchBytes {
		at := c.taken + stream.SkipSpace(c.window[c.taken:])
		if at == len(c.window) {
			if c.ended && c.state != behindArray {
				c.spoil(b, "the array does not end")
			} else if c.ended || c.taken == 0 {
				c.taken = at
			}
			return 0, nil
		}
		switch {
		case c.window[at] == '[' && c.state == beforeArray:
			c.state, c.taken = inArray, at+1
			continue
		case c.window[at] == ']' && (c.state == inArray || c.state == behindValue):
			c.state, c.taken = behindArray, at+1
			continue
		case c.window[at] == ',' && c.state == behindValue:
			at++
		case c.state == inArray:
		default:
			c.spoil(b, "a comma or the end of the array is missing")
			return 0, nil
		}
		if more := c.element(b, at); !more {
			return 0, nil
		}
	}
	return 0, nil
}

// element decodes the value at a place of the window. It is false when the
// batch ends before it, or nothing behind it can be read.
func (c *jsonCutter) element(b *penstock.Batch, at int) bool {
	e := c.event(b)
	n, err := c.decoder.Decode(c.window[at:], e)
	partial := n == 0 || at+n == len(c.window) // it may go on beyond the window
	switch {
	case partial && !c.ended && c.taken > 0:
		b.Events = b.Events[:len(b.Events)-1]
		c.First--
		return false
	case n == 0:
		e.Raw = bytes.Clone(c.window[at:min(len(c.window), at+rejectBytesMax)])
		refuse(e, c.Stream, err)
		c.end()
		return false
	case err != nil:
		raw := e.Raw
		refuse(e, c.Stream, err)
		e.Raw = raw
	}
	c.taken, c.state = at+n, behindValue
	return true
}

// spoil rejects the rest of the text, which cannot be told into records.
func (c *jsonCutter) spoil(b *penstock.Batch, what string) {
	e := c.event(b)
	e.Raw = bytes.Clone(c.window[c.taken:min(len(c.window), c.taken+rejectBytesMax)])
	refuse(e, c.Stream, penstock.NewReject(CodeMalformed, "", "%s: nothing behind this place was read", what))
	c.end()
}

func (c *jsonCutter) end() {
	c.taken, c.ended, c.malformed = len(c.window), true, true
}
