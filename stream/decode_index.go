package stream

import (
	"encoding/binary"
	"math/bits"
	"strings"
)

// A fieldIndex finds the slot a name is decoded into.
type fieldIndex struct {
	fields []Field
	table  []uint16 // slot+1 at the hash of its name or behind it; 0 is free
	order  []int    // the slots to decode into, in the order senders write them
	quoted []string // their names as they stand in JSON, quotes included
	place  []int    // of each slot in order; -1: the stream computes it
}

// newFieldIndex indexes the names of all fields, to decode into the slots of
// order. A name that several slots have leads to the one in order.
func newFieldIndex(fields []Field, order []int) *fieldIndex {
	size := 8
	for size < 4*len(fields) {
		size *= 2
	}
	x := &fieldIndex{fields: fields, table: make([]uint16, size), order: order, place: make([]int, len(fields))}
	for slot := range fields {
		x.place[slot] = -1
	}
	for i, slot := range order {
		x.place[slot] = i
		x.quoted = append(x.quoted, quotedName(fields[slot].Name))
		x.add(slot)
	}
	for slot := range fields {
		x.add(slot)
	}
	return x
}

// add enters a slot's name unless another slot has it.
func (x *fieldIndex) add(slot int) {
	name := []byte(x.fields[slot].Name)
	if x.find(name) >= 0 {
		return
	}
	mask := uint64(len(x.table) - 1)
	h := nameHash(name)
	for x.table[h&mask] != 0 {
		h++
	}
	x.table[h&mask] = uint16(slot + 1)
}

// quotedName is the name as nearly all senders write it. One that needs an
// escape is left to the slow way, by a text that no name begins with.
func quotedName(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' }) {
		return "\x00"
	}
	return `"` + name + `"`
}

// find returns the slot of the name, or -1. The table is at most a quarter
// full and its names come from the stream file, so a probe is short whatever
// is asked for.
func (x *fieldIndex) find(name []byte) int {
	mask := uint64(len(x.table) - 1)
	for h := nameHash(name); ; h++ {
		slot := int(x.table[h&mask]) - 1
		if slot < 0 {
			return -1
		}
		if x.fields[slot].Name == string(name) {
			return slot
		}
	}
}

// nameHash mixes a name's length, first and last bytes: enough to tell the
// names of one schema apart, for less than a multiplication a byte.
func nameHash(name []byte) uint64 {
	n := len(name)
	var first, last uint64
	switch {
	case n >= 8:
		first, last = binary.LittleEndian.Uint64(name), binary.LittleEndian.Uint64(name[n-8:])
	case n >= 4:
		first, last = uint64(binary.LittleEndian.Uint32(name)), uint64(binary.LittleEndian.Uint32(name[n-4:]))
	case n > 0:
		first, last = uint64(name[0])|uint64(name[n/2])<<8, uint64(name[n-1])
	}
	h := (first ^ bits.RotateLeft64(last, 29) ^ uint64(n)) * 0x9E3779B97F4A7C15
	return h ^ h>>32
}
