package ttlcache

import (
	"reflect"
	"sync/atomic"
	"unsafe"
)

// words is what keys and values are made of where they are read while another
// goroutine may be writing them: machine words, each loaded by sync/atomic and
// stored by it or by release, pointers as pointers, so that the garbage
// collector sees them. What was read this way may be half old and half new. It
// is used only after a check that nothing was written meanwhile: see shard.
type words struct {
	few      bool  // no more than wordsMax; otherwise all is done under the lock
	all      uint8 // words in a pair
	value    uint8 // the first with a part of the value in it
	pointers uint8 // a bit for each word that the garbage collector follows
	single   bool  // a value is one whole word, and no pointer
}

// A pair is a key and its value.
type pair[K comparable, V any] struct {
	key   K
	value V
}

const (
	wordSize = unsafe.Sizeof(uintptr(0))
	wordsMax = 8 // as many bits as words.pointers has
)

// wordsOf says how entries of this kind are read.
func wordsOf[K comparable, V any]() words {
	var e entry[K, V]
	n := (unsafe.Sizeof(e) - unsafe.Offsetof(e.pair)) / wordSize
	if n > wordsMax {
		return words{}
	}
	w := words{few: true, all: uint8(n), value: uint8(unsafe.Offsetof(e.pair.value) / wordSize)}
	w.mark(reflect.TypeFor[pair[K, V]](), 0)
	w.single = unsafe.Sizeof(e.value) == wordSize && unsafe.Alignof(e.value) == wordSize && w.pointers>>w.value == 0
	return w
}

// mark finds the pointers in a type, whose size is a few words.
func (w *words) mark(t reflect.Type, offset uintptr) {
	switch t.Kind() {
	case reflect.Pointer, reflect.UnsafePointer, reflect.Map, reflect.Chan, reflect.Func, reflect.String, reflect.Slice:
		w.pointers |= 1 << (offset / wordSize)
	case reflect.Interface: // its type, which nothing frees, and its value
		w.pointers |= 1 << (offset/wordSize + 1)
	case reflect.Array:
		for i := range uintptr(t.Len()) {
			w.mark(t.Elem(), offset+i*t.Elem().Size())
		}
	case reflect.Struct:
		for i := range t.NumField() {
			w.mark(t.Field(i).Type, offset+t.Field(i).Offset)
		}
	}
}

// load copies the words of an entry's pair from the first on, which another
// goroutine may be writing, to that of one that nobody else sees. Both are
// whole entries, since the last word of a pair may be longer than the pair.
func (w words) load(to, from unsafe.Pointer, first uint8) {
	for i := first; i < w.all; i++ {
		to, from := unsafe.Add(to, uintptr(i)*wordSize), unsafe.Add(from, uintptr(i)*wordSize)
		if w.pointers>>i&1 != 0 {
			*(*unsafe.Pointer)(to) = atomic.LoadPointer((*unsafe.Pointer)(from))
		} else {
			*(*uintptr)(to) = atomic.LoadUintptr((*uintptr)(from))
		}
	}
}

// store is the reverse. Words that are the same already are let be, since a
// store costs more than the look.
func (w words) store(to, from unsafe.Pointer, first uint8) {
	for i := first; i < w.all; i++ {
		to, from := unsafe.Add(to, uintptr(i)*wordSize), unsafe.Add(from, uintptr(i)*wordSize)
		if w.pointers>>i&1 != 0 {
			if p := *(*unsafe.Pointer)(from); p != atomic.LoadPointer((*unsafe.Pointer)(to)) {
				atomic.StorePointer((*unsafe.Pointer)(to), p)
			}
		} else if n := *(*uintptr)(from); n != atomic.LoadUintptr((*uintptr)(to)) {
			release((*uintptr)(to), n)
		}
	}
}
