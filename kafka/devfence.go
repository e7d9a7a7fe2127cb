package kafka

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fence gives every transactional producer a new epoch after a crash, as
// Kafka's coordinator does with a transaction that it ends by itself. A client
// that has outlived the broker learns by it that its transaction is over.
// Otherwise it would send again what was not answered, and commit that without
// what mend has aborted; or hear that its commit, whose outcome mend has
// decided, has gone well because the one before had.
//
// It knows the broker's file: pids.log holds an entry for each change of a
// producer, the last one counts.
func fence(dir string) error {
	name := filepath.Join(dir, "pids.log")
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	byID, current := map[int64]producer{}, map[string]int64{}
	whole, err := eachEntry(data, func(entry []byte) error {
		var p producer
		if err := json.Unmarshal(entry, &p); err != nil {
			return err
		}
		if p.Type == "init" {
			byID[p.PID], current[p.TxID] = p, p.PID
		} else if known, ok := byID[p.PID]; ok {
			known.Epoch = p.Epoch
			byID[p.PID] = known
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	delete(current, "") // producers without transactions
	fenced := bytes.Clone(data[:whole])
	for _, id := range current {
		p := byID[id]
		p.Epoch++
		p.Commit = new(bool)
		entry, err := json.Marshal(p)
		if err != nil {
			return err
		}
		fenced = appendEntry(fenced, data[entryVersionAt:entryHeaderBytes], entry)
	}
	return replaceFile(name, fenced)
}

// producer is an entry of pids.log.
type producer struct {
	Type    string `json:"type"` // init; endtx or timeout change the epoch
	PID     int64  `json:"pid"`
	Epoch   int16  `json:"epoch"`
	TxID    string `json:"txid,omitempty"`
	Timeout int32  `json:"timeout,omitempty"` // ms
	Commit  *bool  `json:"commit,omitempty"`  // how the last transaction ended
}

// cutTorn cuts off what a crash or a full disk has left of the last entry of
// groups.log: the broker would append behind it and never read it again.
func cutTorn(dir string) error {
	name := filepath.Join(dir, "groups.log")
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	whole, _ := eachEntry(data, func([]byte) error { return nil })
	if whole == len(data) {
		return nil
	}
	return os.Truncate(name, int64(whole))
}

// The broker's logs are entries behind one another: the length of what follows
// the checksum (4 bytes), checksum (4), version (2), JSON; little-endian.
const (
	entryVersionAt   = 8
	entryHeaderBytes = 10
)

// eachEntry calls f for the JSON of every whole entry and returns where the
// last one ends.
func eachEntry(data []byte, f func(entry []byte) error) (whole int, err error) {
	for {
		rest := data[whole:]
		if len(rest) < entryHeaderBytes {
			return whole, nil
		}
		size := entryVersionAt + int64(binary.LittleEndian.Uint32(rest))
		if size < entryHeaderBytes || size > int64(len(rest)) ||
			crc32.Checksum(rest[entryVersionAt:size], castagnoli) != binary.LittleEndian.Uint32(rest[4:]) {
			return whole, nil
		}
		if err := f(rest[entryHeaderBytes:size]); err != nil {
			return whole, err
		}
		whole += int(size)
	}
}

func appendEntry(log, version, entry []byte) []byte {
	counted := slices.Concat(version, entry)
	log = binary.LittleEndian.AppendUint32(log, uint32(len(counted)))
	log = binary.LittleEndian.AppendUint32(log, crc32.Checksum(counted, castagnoli))
	return append(log, counted...)
}

// replaceFile writes a whole file, or leaves the old one as it is.
func replaceFile(name string, data []byte) error {
	fresh := strings.TrimSuffix(name, filepath.Ext(name)) + ".fresh"
	if err := os.WriteFile(fresh, data, 0o644); err != nil {
		return errors.Join(err, os.Remove(fresh))
	}
	return os.Rename(fresh, name)
}
