package ttlcache

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"unsafe"
)

// A hasher spreads keys. Its seeds are random for each cache, so that nobody
// can prepare keys that meet in one place.
type hasher[K comparable] struct {
	kind     hashKind
	seed     maphash.Seed
	mask     uint64
	multiple uint64
}

// hashKind is how the keys of a cache are hashed.
type hashKind uint8

const (
	hashAny hashKind = iota // whatever ==  looks at
	hashText
	hashWord8 // integers of eight bytes
	hashWord4
)

func newHasher[K comparable]() hasher[K] {
	h := hasher[K]{seed: maphash.MakeSeed(), mask: rand.Uint64(), multiple: rand.Uint64() | 1}
	switch reflect.TypeFor[K]().Kind() {
	case reflect.String:
		h.kind = hashText
	case reflect.Int64, reflect.Uint64, reflect.Int, reflect.Uint, reflect.Uintptr:
		h.kind = hashWord8
		if unsafe.Sizeof(*new(K)) == 4 {
			h.kind = hashWord4
		}
	case reflect.Int32, reflect.Uint32:
		h.kind = hashWord4
	}
	return h
}

// of is k's hash: all of its 64 bits are used. The conversions are those of
// newHasher's kinds, which say what the bytes of a K are.
func (h *hasher[K]) of(k K) uint64 {
	switch h.kind {
	case hashText:
		return maphash.String(h.seed, *(*string)(unsafe.Pointer(&k)))
	case hashWord8:
		return h.mix(*(*uint64)(unsafe.Pointer(&k)))
	case hashWord4:
		return h.mix(uint64(*(*uint32)(unsafe.Pointer(&k))))
	}
	if !itself(k) {
		return h.mask // maphash would say something else each time, and the entry be lost when it moves
	}
	return maphash.Comparable(h.seed, k)
}

// itself is false for NaN and what has one in it: nothing finds such a key.
func itself[K comparable](k K) bool {
	same := k
	return k == same
}

// mix folds the 128-bit product of two secrets and the word (Peters, foldhash,
// https://github.com/orlp/foldhash).
func (h *hasher[K]) mix(word uint64) uint64 {
	hi, lo := bits.Mul64(word^h.mask, h.multiple)
	return hi ^ lo
}
