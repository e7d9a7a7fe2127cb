package stream

import (
	"fmt"
	"slices"

	"github.com/penstock-io/penstock"
)

// codec is what decoding, deriving and encoding compiled from the fields.
type codec struct {
	received    *fieldIndex // of events as senders write them
	recorded    *fieldIndex // of records as Encode writes them
	derivations []derivation
	layout      []member // what Encode writes, in its order
	encodedMore int      // by how much a record is longer than what was received, roughly
}

// compileCodec prepares decoding and encoding. It is called once, when all
// fields are known.
func (s *Stream) compileCodec() error {
	if len(s.Fields) > slotsMax {
		return fmt.Errorf("stream %s has %d fields; at most %d can be had", s.Name, len(s.Fields), slotsMax)
	}
	order := make([]int, s.Declared)
	for slot := range order {
		order[slot] = slot
	}
	s.received = newFieldIndex(s.Fields, order)
	s.layout = newLayout(s.Fields)
	for _, m := range s.layout {
		if m.slot >= s.Declared {
			s.encodedMore += len(m.head) + addedBytes
		}
	}
	order = make([]int, len(s.layout))
	for i, m := range s.layout {
		order[i] = m.slot
	}
	s.recorded = newFieldIndex(recordFields(s.Fields), order)
	return nil
}

// addedBytes is what a derived or looked-up value takes in a record, roughly.
const addedBytes = 16

// slotsMax bounds received, derived and looked-up fields together. It is far
// beyond any table and keeps slots within 16 bits.
const slotsMax = 10_000

// recordFields are the fields as Encode writes them: decimals as numbers.
func recordFields(fields []Field) []Field {
	written := slices.Clone(fields)
	for i := range written {
		written[i].FromNumber = true
	}
	return written
}

// The default limits of a Decoder.
const (
	DefaultDepthMax = 64
	DefaultBytesMax = 1 << 20
)

// A Decoder turns JSON bytes into an event's values in one pass, without a map
// and without allocating per field. It is strict, so that no two readers can
// understand an event differently: invalid UTF-8, half surrogate pairs and
// names that stand twice in one object are rejected at every level.
//
// The zero limits are the safe ones. A Decoder is for one goroutine.
type Decoder struct {
	DepthMax int // objects and arrays inside one another, the event itself included; 0 means 64
	BytesMax int // size of one event; 0 means 1 MiB

	stream *Stream
	scan   scanner
	index  *fieldIndex
	seen   []uint64 // a bit for each field that has come
	extras []span   // members the schema does not name
	memory memory   // unescaped text
}

type span struct{ from, to int }

// NewDecoder returns a Decoder of the stream's events, as senders write them.
// A member that the stream itself computes is refused, lest the record had two.
func (s *Stream) NewDecoder() *Decoder { return s.newDecoder(s.received) }

// NewRecordDecoder returns a Decoder of the stream's records, as Encode has
// written them: derived and looked-up fields are read back into their slots,
// and what a derived field overrides is absent. It is for who reads the topic
// or the journal again; no step needs to run on its events but Identify.
func (s *Stream) NewRecordDecoder() *Decoder { return s.newDecoder(s.recorded) }

func (s *Stream) newDecoder(index *fieldIndex) *Decoder {
	d := &Decoder{stream: s, index: index, seen: make([]uint64, (len(s.Fields)+63)/64)}
	d.scan.unescape = d.unescape
	return d
}

// Reset makes the memory of all events decoded so far free for reuse: call it
// when the batch is done with. Values, Extra and Raw of those events are no
// longer valid. The decoder then holds nothing of the data it has read.
func (d *Decoder) Reset() {
	d.memory.reset()
	d.scan.forget()
}

// Decode reads one JSON value from the start of data, behind any whitespace,
// into e: Raw is exactly the value's bytes, Values has one slot for each of
// the stream's fields, the declared ones filled, and Extra holds the members
// that the schema does not name. They point into data and into the decoder's
// memory, which lasts until Reset.
//
// It returns how many bytes it has read. The error, if any, is a
// *penstock.Reject whose Offset counts from the first byte of the value; the
// values are then all absent. n > 0 beside an error means that the end of the
// refused value is certain and that the caller may go on behind it; n == 0
// means that the text is malformed and the rest of data cannot be trusted: Raw
// is all of that rest.
func (d *Decoder) Decode(data []byte, e *penstock.Event) (n int, err error) {
	start := SkipSpace(data)
	data = data[start:]
	d.begin(data)
	d.stream.Row(e)
	e.Raw, e.Extra = data, nil
	c := &d.scan
	end := -1
	if c.peek(0) == '{' {
		end = d.object(e)
	} else if end = c.skip(0); end >= 0 {
		c.fault = fault{codeNotObject, "an event is a JSON object, as {\"id\":1}", 0}
	}
	if end < 0 {
		d.stream.Row(e)
		return 0, d.reject(c.broken)
	}
	e.Raw = data[:end]
	if most := d.bytesMax(); end > most {
		c.fault = fault{codeTooLarge, fmt.Sprintf("the event has %d bytes; at most %d are taken", end, most), 0}
	}
	if !c.fault.none() {
		d.stream.Row(e)
		return start + end, d.reject(c.fault)
	}
	e.Extra = d.extra()
	return start + end, nil
}

// CheckEnd returns a *penstock.Reject when anything but whitespace follows the
// n bytes that Decode has read of data.
func CheckEnd(data []byte, n int) error {
	rest := n + SkipSpace(data[n:])
	if rest == len(data) {
		return nil
	}
	return &penstock.Reject{Code: codeSyntax, Offset: int64(rest),
		Detail: "text follows the event; send one JSON object, or say with Content-Type how several are written"}
}

// Row gives e one absent value for each of the stream's fields, reusing the
// memory of e.Values. A door that does not use a Decoder calls it before it
// fills the declared slots.
func (s *Stream) Row(e *penstock.Event) {
	if cap(e.Values) < len(s.Fields) {
		e.Values = make([]penstock.Value, len(s.Fields))
		return
	}
	e.Values = e.Values[:len(s.Fields)]
	clear(e.Values)
}

func (d *Decoder) begin(data []byte) {
	depth := d.DepthMax
	if depth <= 0 {
		depth = DefaultDepthMax
	}
	d.scan.begin(data, depth)
	clear(d.seen)
	if cap(d.extras) > keptNames {
		d.extras = nil
	}
	d.extras = d.extras[:0]
}

func (d *Decoder) bytesMax() int {
	if d.BytesMax <= 0 {
		return DefaultBytesMax
	}
	return d.BytesMax
}

// object walks the event itself, the object at 0.
func (d *Decoder) object(e *penstock.Event) int {
	c := &d.scan
	c.names.open() // for the names that are no fields
	i := c.space(1)
	if c.peek(i) == '}' {
		return i + 1
	}
	next := 0 // the place of the field that comes next if the sender keeps to the schema's order
	for {
		slot, end := d.expected(i, next)
		if slot < 0 {
			if slot, end = d.named(i); end < 0 {
				return -1
			}
		}
		value := c.colon(end)
		if value < 0 {
			return -1
		}
		if slot >= 0 {
			next = d.index.place[slot] + 1
			end = d.value(value, &d.index.fields[slot], &e.Values[slot])
		} else if end = c.skip(value); end >= 0 && c.fault.none() {
			d.extras = append(d.extras, span{i, end})
		}
		if end < 0 {
			return -1
		}
		i = c.space(end)
		switch c.peek(i) {
		case ',':
			i = c.space(i + 1)
		case '}':
			return i + 1
		default:
			return c.wrong(i, "',' or '}' behind the member")
		}
	}
}

// expected looks whether the name at i is that of the field that comes next.
// Most senders write their fields in one order, so this is nearly always so,
// and saves scanning the name.
func (d *Decoder) expected(i, next int) (slot, end int) {
	if next >= len(d.index.quoted) {
		return -1, i
	}
	quoted, slot := d.index.quoted[next], d.index.order[next]
	data := d.scan.data
	if len(data)-i < len(quoted) || string(data[i:i+len(quoted)]) != quoted || d.came(slot) {
		return -1, i
	}
	return slot, i + len(quoted)
}

// came notes that a field has come, and reports whether it had come
// before.
func (d *Decoder) came(slot int) bool {
	word, bit := slot>>6, uint64(1)<<(slot&63)
	before := d.seen[word]&bit != 0
	d.seen[word] |= bit
	return before
}

// named walks the name at i and finds its slot; -1 is a name that is no
// field to decode.
func (d *Decoder) named(i int) (slot, end int) {
	c := &d.scan
	if c.peek(i) != '"' {
		return -1, c.wrong(i, "a name in double quotes")
	}
	end, escaped := c.text(i)
	if end < 0 || !c.fault.none() {
		return -1, end
	}
	name := c.data[i+1 : end-1]
	if escaped {
		name = d.unescape(name)
	}
	slot = d.index.find(name)
	switch {
	case slot >= 0 && d.index.place[slot] < 0:
		c.mark(codeReserved, i, "the stream itself computes this member; leave it out")
		return -1, end
	case slot >= 0 && d.came(slot), slot < 0 && !c.names.add(name):
		c.mark(codeDuplicate, i, duplicateDetail)
		return -1, end
	}
	return slot, end
}

// value reads the value at i as one of field f.
func (d *Decoder) value(i int, f *Field, v *penstock.Value) (end int) {
	c := &d.scan
	switch b := c.peek(i); b {
	case '"':
		end, escaped := c.text(i)
		if end < 0 {
			return -1
		}
		text := c.data[i+1 : end-1]
		if escaped && c.fault.none() {
			text = d.unescape(text)
		}
		f.fromText(text, v)
		return end
	case '{', '[':
		if end = c.container(i, 1); end >= 0 {
			*v = penstock.Value{Kind: penstock.JSON, Bytes: c.data[i:end]}
		}
		return end
	case 't':
		*v = penstock.BoolValue(true)
		return c.literal(i, "true")
	case 'f':
		*v = penstock.BoolValue(false)
		return c.literal(i, "false")
	case 'n':
		v.Kind = penstock.Null
		return c.literal(i, "null")
	default:
		if b != '-' && b-'0' > 9 {
			return c.wrong(i, "a value")
		}
		end, n := c.number(i)
		if end >= 0 {
			f.fromNumber(c.data[i:end], n, v)
		}
		return end
	}
}

func (d *Decoder) unescape(raw []byte) []byte {
	return appendUnescaped(d.memory.room(len(raw)), raw)
}

// extra joins the members the schema does not name.
func (d *Decoder) extra() []byte {
	if len(d.extras) == 0 {
		return nil
	}
	size := 0
	for _, x := range d.extras {
		size += x.to - x.from + 1
	}
	joined := d.memory.room(size)
	for k, x := range d.extras {
		if k > 0 {
			joined = append(joined, ',')
		}
		joined = append(joined, d.scan.data[x.from:x.to]...)
	}
	return joined
}

func (d *Decoder) reject(f fault) *penstock.Reject {
	return &penstock.Reject{
		Code:    f.code,
		Pointer: pointerAt(d.scan.data, f.at, f.code == codeDuplicate || f.code == codeReserved),
		Detail:  f.detail,
		Offset:  int64(f.at),
	}
}
