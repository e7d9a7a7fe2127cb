package journal

import (
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/penstock-io/penstock"
)

// Every frame of a segment begins with a head of 48 bytes, at a multiple of 8.
// README.md draws it.
const (
	headSize   = 48
	alignment  = 8
	headerSize = 6 // of one carried header: lengths of name and value

	// EventBytesMax is the largest event the journal takes: identity, key,
	// headers and body together.
	EventBytesMax = 64 << 20

	// BatchBytesMax is the largest batch the journal takes, since a batch is
	// one commit and one commit is in memory whole.
	BatchBytesMax = 256 << 20
)

const (
	kindRecord = 1
	kindCommit = 2
	kindSeal   = 3
)

const (
	flagLetter = 1 << iota
	flagOpens  // the first record of a commit: everything before it was synced
	flagsKnown = flagLetter | flagOpens
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var le = binary.LittleEndian

// A frame is one decoded head with the bytes it stands in.
type frame struct {
	kind, flags uint8
	seq         uint64 // record: its own; commit and seal: the last before it
	size        int    // in the file, padding included
	bytes       []byte

	// Of a commit frame.
	first  uint64
	length uint64
	count  uint32
	chain  uint32
}

// fitness is what decode has to say about some bytes.
type fitness uint8

const (
	whole fitness = iota
	short         // a plausible head whose frame does not end within the bytes
	bad
)

// decode reads the frame at the start of b and checks it wholly. For a short
// frame only size is set.
func decode(b []byte, seed uint32) (frame, fitness) {
	if len(b) < headSize {
		return frame{size: headSize}, short
	}
	size := int(le.Uint32(b[4:]))
	kind, flags := b[28], b[29]
	switch kind {
	case kindRecord:
		parts := uint64(le.Uint32(b[32:])) + uint64(le.Uint32(b[36:])) + uint64(le.Uint32(b[40:])) + uint64(le.Uint32(b[44:]))
		if flags&^flagsKnown != 0 || uint64(size) != headSize+parts || size > headSize+EventBytesMax {
			return frame{}, bad
		}
	case kindCommit, kindSeal:
		if flags != 0 || size != headSize || le.Uint32(b[44:]) != 0 {
			return frame{}, bad
		}
	default:
		return frame{}, bad
	}
	f := frame{kind: kind, flags: flags, seq: le.Uint64(b[8:]), size: padded(size)}
	if f.seq == 0 {
		return frame{}, bad
	}
	if f.size > len(b) {
		return f, short
	}
	f.bytes = b[:f.size:f.size]
	if crc32.Update(seed, castagnoli, f.bytes[4:]) != le.Uint32(b) {
		return frame{}, bad
	}
	if kind != kindRecord {
		f.first, f.length, f.count, f.chain = le.Uint64(b[16:]), le.Uint64(b[32:]), le.Uint32(b[40:]), le.Uint32(b[24:])
		return f, whole
	}
	if !headersFit(f) {
		return frame{}, bad
	}
	return f, whole
}

// headersFit reports whether the headers of a record lie within it. The CRC
// has been checked, so this only fails on a record that no journal wrote.
func headersFit(f frame) bool {
	b := f.headers()
	for n := int(le.Uint16(f.bytes[30:])); n > 0; n-- {
		if len(b) < headerSize {
			return false
		}
		l := headerSize + int(le.Uint16(b)) + int(le.Uint32(b[2:]))
		if l > len(b) {
			return false
		}
		b = b[l:]
	}
	return len(b) == 0
}

func (f frame) id() []byte {
	n := int(le.Uint32(f.bytes[32:]))
	return f.bytes[headSize : headSize+n : headSize+n]
}

func (f frame) headers() []byte {
	end := int(le.Uint32(f.bytes[4:]))
	return f.bytes[end-int(le.Uint32(f.bytes[44:])) : end]
}

func (f frame) letter() bool { return f.flags&flagLetter != 0 }

// event fills e with the record, pointing into its bytes. Headers are appended
// to headers, which is returned for the next record; their names are kept in
// names.
func (f frame) event(e *penstock.Event, door string, headers []penstock.Header, names map[string]string) []penstock.Header {
	b := f.bytes
	at := headSize
	part := func(n uint32) []byte {
		p := b[at : at+int(n) : at+int(n)]
		at += int(n)
		return p
	}
	id, key, body := part(le.Uint32(b[32:])), part(le.Uint32(b[36:])), part(le.Uint32(b[40:]))
	from := len(headers)
	h := f.headers()
	for n := int(le.Uint16(b[30:])); n > 0; n-- {
		name, value := int(le.Uint16(h)), int(le.Uint32(h[2:]))
		h = h[headerSize:]
		known, ok := names[string(h[:name])]
		if !ok {
			known = string(h[:name])
			names[known] = known
		}
		headers = append(headers, penstock.Header{Name: known, Value: h[name : name+value : name+value]})
		h = h[name+value:]
	}
	*e = penstock.Event{
		ID: id, Key: key, Body: body, Raw: body,
		Time:    time.Unix(int64(le.Uint64(b[16:])), int64(le.Uint32(b[24:]))).UTC(),
		Origin:  penstock.Origin{Door: door, Position: f.seq},
		Headers: headers[from:len(headers):len(headers)],
		Letter:  f.letter(),
	}
	return headers
}

func padded(n int) int { return (n + alignment - 1) &^ (alignment - 1) }

// recordSize is how many bytes of a segment e takes.
func recordSize(e *penstock.Event) int {
	n := headSize + len(e.ID) + len(e.Key) + len(record(e))
	for _, h := range e.Headers {
		n += headerSize + len(h.Name) + len(h.Value)
	}
	return padded(n)
}

// record is what of e is kept: the encoded record, or what was received where
// no step has encoded it.
func record(e *penstock.Event) []byte {
	if e.Body == nil {
		return e.Raw
	}
	return e.Body
}

// encode writes e as a record into b, which has just the size for it.
func encode(b []byte, e *penstock.Event, seq uint64, flags uint8, seed uint32) {
	body := record(e)
	if e.Letter {
		flags |= flagLetter
	}
	at := headSize
	at += copy(b[at:], e.ID)
	at += copy(b[at:], e.Key)
	at += copy(b[at:], body)
	from := at
	for _, h := range e.Headers {
		le.PutUint16(b[at:], uint16(len(h.Name)))
		le.PutUint32(b[at+2:], uint32(len(h.Value)))
		at += headerSize
		at += copy(b[at:], h.Name)
		at += copy(b[at:], h.Value)
	}
	le.PutUint32(b[4:], uint32(at))
	le.PutUint64(b[8:], seq)
	le.PutUint64(b[16:], uint64(e.Time.Unix()))
	le.PutUint32(b[24:], uint32(e.Time.Nanosecond()))
	b[28], b[29] = kindRecord, flags
	le.PutUint16(b[30:], uint16(len(e.Headers)))
	le.PutUint32(b[32:], uint32(len(e.ID)))
	le.PutUint32(b[36:], uint32(len(e.Key)))
	le.PutUint32(b[40:], uint32(len(body)))
	le.PutUint32(b[44:], uint32(at-from))
	clear(b[at:])
	le.PutUint32(b, crc32.Update(seed, castagnoli, b[4:]))
}

// encodeCommit writes the commit frame for records, which begin at first, into
// b. The frame's chain is the CRC over the records' CRCs, so it vouches for
// every byte of the commit at the price of four bytes a record.
func encodeCommit(b, records []byte, first uint64, seed uint32) {
	var chain, count uint32
	for at := 0; at < len(records); at += padded(int(le.Uint32(records[at+4:]))) {
		chain = crc32.Update(chain, castagnoli, records[at:at+4])
		count++
	}
	clear(b[:headSize])
	le.PutUint32(b[4:], headSize)
	le.PutUint64(b[8:], first+uint64(count)-1)
	le.PutUint64(b[16:], first)
	le.PutUint32(b[24:], chain)
	b[28] = kindCommit
	le.PutUint64(b[32:], uint64(len(records)))
	le.PutUint32(b[40:], count)
	le.PutUint32(b, crc32.Update(seed, castagnoli, b[4:headSize]))
}

// encodeSeal writes the frame that says that nothing follows last and that all
// before it is synced.
func encodeSeal(b []byte, last uint64, seed uint32) {
	clear(b[:headSize])
	le.PutUint32(b[4:], headSize)
	le.PutUint64(b[8:], last)
	b[28] = kindSeal
	le.PutUint32(b, crc32.Update(seed, castagnoli, b[4:headSize]))
}
