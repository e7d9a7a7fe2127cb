package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The development broker writes the end of a transaction to one partition
// after the other, and keeps no log of the decision. A process that is killed
// between two of them leaves a transaction committed here and open there; one
// that is killed before leaves it open for good, and a later transaction of the
// same producer would commit its remains. mend settles this before the broker
// starts, as Kafka's own coordinator would: a transaction that is committed
// anywhere is committed everywhere, any other that is open is aborted. And no
// producer may go on in its old epoch.
//
// It knows the broker's files: dir/partitions/<topic>-<n>/<offset>.dat holds
// Kafka record batches, the .idx beside it one entry of 15 bytes a batch. The
// test that kills the broker keeps this knowledge honest.
func mend(dir string, log *slog.Logger) error {
	folders, err := filepath.Glob(filepath.Join(dir, "partitions", "*"))
	if err != nil {
		return err
	}
	committed := map[transaction]int64{}
	var logs []*partitionLog
	for _, folder := range folders {
		p := &partitionLog{folder: folder, open: map[int64]openTransaction{}}
		if err := p.scan(committed, log); err != nil {
			return fmt.Errorf("partition %s: %w", filepath.Base(folder), err)
		}
		logs = append(logs, p)
	}
	for _, p := range logs {
		if err := p.close(committed); err != nil {
			return fmt.Errorf("partition %s: %w", filepath.Base(p.folder), err)
		}
	}
	return errors.Join(fence(dir), cutTorn(dir))
}

// A transaction is named by its producer: with today's protocol the epoch
// counts its transactions. Old clients keep their epoch, and are told apart by
// time, as well as that goes.
type transaction struct {
	producer int64
	epoch    int16
}

type openTransaction struct {
	epoch int16
	from  int64 // ms; an older marker cannot be of this transaction
}

// partitionLog is one partition's files.
type partitionLog struct {
	folder  string
	last    string                    // the newest segment, without its ending
	next    int64                     // the offset behind the last batch
	leader  uint32                    // leader epoch of the last batch
	newest  int64                     // highest timestamp, ms
	batches int                       // in the newest segment
	open    map[int64]openTransaction // by producer
}

// scan reads all batches, cuts a torn tail off, completes the index, and notes
// which transactions are open and, in committed, when which was committed.
func (p *partitionLog) scan(committed map[transaction]int64, log *slog.Logger) error {
	files, err := filepath.Glob(filepath.Join(p.folder, "*.dat"))
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b string) int { return int(base(a) - base(b)) })
	for _, file := range files {
		p.last, p.batches = strings.TrimSuffix(file, ".dat"), 0
		var index []byte
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rest := data
		for {
			b, ok := firstBatch(rest)
			if !ok {
				break
			}
			p.take(b, committed)
			index = append(index, b.indexEntry()...)
			rest = rest[len(b):]
		}
		if len(rest) > 0 {
			log.Error("the development broker's file ends in bytes that are no whole batch: cut off",
				"file", file, "bytes", len(rest))
			if err := os.Truncate(file, int64(len(data)-len(rest))); err != nil {
				return err
			}
		}
		if err := p.completeIndex(index); err != nil {
			return err
		}
	}
	return nil
}

func base(file string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(filepath.Base(file), ".dat"), 10, 64)
	return n
}

func (p *partitionLog) take(b recordBatch, committed map[transaction]int64) {
	p.batches++
	p.next = b.int64(0) + int64(b.uint32(23)) + 1
	p.leader = b.uint32(12)
	p.newest = max(p.newest, b.maxTime())
	id := transaction{b.int64(43), int16(b.uint16(51))}
	switch {
	case !b.transactional():
	case !b.control():
		if _, ok := p.open[id.producer]; !ok {
			p.open[id.producer] = openTransaction{epoch: id.epoch, from: b.maxTime()}
		}
	default:
		delete(p.open, id.producer)
		if b.commit() {
			committed[id] = max(committed[id], b.maxTime())
		}
	}
}

// completeIndex adds the entries of batches that were written when their
// entries were not: the broker would take such a batch for committed.
func (p *partitionLog) completeIndex(want []byte) error {
	have, err := os.ReadFile(p.last + ".idx")
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	whole := len(have) / indexEntryBytes * indexEntryBytes
	if whole == len(have) && whole >= len(want) {
		return nil
	}
	return os.WriteFile(p.last+".idx", append(have[:min(whole, len(want))], want[min(whole, len(want)):]...), 0o644)
}

// close writes the missing ends of open transactions. The broker must then look
// at the files themselves, not at what it noted when it last stopped in order.
func (p *partitionLog) close(committed map[transaction]int64) error {
	if err := os.Remove(filepath.Join(p.folder, "snapshot.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for producer, t := range p.open {
		at, ok := committed[transaction{producer, t.epoch}]
		marker := p.marker(producer, t.epoch, ok && at >= t.from)
		if err := appendFile(p.last+".dat", marker); err != nil {
			return err
		}
		if err := appendFile(p.last+".idx", marker.indexEntry()); err != nil {
			return err
		}
		p.next++
	}
	return nil
}

func appendFile(name string, data []byte) error {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// recordBatch is a batch as Kafka writes it, version 2.
type recordBatch []byte

const (
	batchHeaderBytes = 61
	indexEntryBytes  = 15
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// firstBatch returns the batch that data begins with, if it is whole.
func firstBatch(data []byte) (recordBatch, bool) {
	if len(data) < batchHeaderBytes {
		return nil, false
	}
	size := int64(binary.BigEndian.Uint32(data[8:])) + 12
	if size < batchHeaderBytes || size > int64(len(data)) {
		return nil, false
	}
	b := recordBatch(data[:size])
	return b, crc32.Checksum(b[21:], castagnoli) == b.uint32(17)
}

func (b recordBatch) uint16(at int) uint16 { return binary.BigEndian.Uint16(b[at:]) }
func (b recordBatch) uint32(at int) uint32 { return binary.BigEndian.Uint32(b[at:]) }
func (b recordBatch) int64(at int) int64   { return int64(binary.BigEndian.Uint64(b[at:])) }
func (b recordBatch) maxTime() int64       { return b.int64(35) }
func (b recordBatch) transactional() bool  { return b.uint16(21)&0x10 != 0 }
func (b recordBatch) control() bool        { return b.uint16(21)&0x20 != 0 }

// commit reports whether a control batch ends its transaction with a commit:
// its one record's key is a version and a type, and type 1 is commit.
func (b recordBatch) commit() bool {
	const key = batchHeaderBytes + 5
	return len(b) >= key+4 && b.uint16(key+2) == 1
}

// indexEntry is the broker's entry for the batch.
func (b recordBatch) indexEntry() []byte {
	e := make([]byte, indexEntryBytes)
	e[0] = 1
	binary.LittleEndian.PutUint32(e[2:], b.uint32(12))
	binary.LittleEndian.PutUint64(e[6:], uint64(b.maxTime())) // the broker works this out anew
	if b.transactional() && !b.control() {
		e[14] = 1
	}
	e[1] = byte(crc32.Checksum(e[2:], castagnoli))
	return e
}

// marker is the control batch that ends a transaction in this partition.
func (p *partitionLog) marker(producer int64, epoch int16, commit bool) recordBatch {
	kind := byte(0)
	if commit {
		kind = 1
	}
	// Length, attributes, time and offset in the batch, key of 4 bytes, value
	// of 6 (version and coordinator epoch), no headers; lengths are zigzag.
	record := []byte{32, 0, 0, 0, 8, 0, 0, 0, kind, 12, 0, 0, 0, 0, 0, 0, 0}
	now := uint64(max(time.Now().UnixMilli(), p.newest))
	var b bytes.Buffer
	for _, field := range []any{
		p.next, uint32(batchHeaderBytes - 12 + len(record)), p.leader, uint8(2), uint32(0), // offset, length, leader, magic, checksum
		uint16(0x30), uint32(0), now, now, // transactional control batch of one record
		producer, epoch, int32(-1), uint32(1),
	} {
		if err := binary.Write(&b, binary.BigEndian, field); err != nil {
			panic("kafka: encode a marker: " + err.Error()) // fixed-size fields into memory
		}
	}
	b.Write(record)
	out := recordBatch(b.Bytes())
	binary.BigEndian.PutUint32(out[17:], crc32.Checksum(out[21:], castagnoli))
	return out
}

// closedFile is the name of the file that says the broker was stopped in order.
// The broker then carries open transactions over by itself.
const closedFile = "closed-in-order"

// takeClosed reports whether the last broker on dir was stopped in order, and
// takes the note away, so that a crash from here on is seen.
func takeClosed(dir string) (bool, error) {
	err := os.Remove(filepath.Join(dir, closedFile))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func noteClosed(dir string) error {
	f, err := os.Create(filepath.Join(dir, closedFile))
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, "The development broker was stopped in order.\n")
	return errors.Join(err, f.Close())
}
