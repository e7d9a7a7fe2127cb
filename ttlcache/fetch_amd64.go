package ttlcache

import "unsafe"

// fetch makes the processor begin to read the 256 bytes at p, if it has time
// for that, and waits for nothing. It takes any p.
//
//go:noescape
func fetch(p unsafe.Pointer)
