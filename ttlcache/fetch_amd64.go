package ttlcache

import "unsafe"

// fetch makes the processor begin to read the word at control and the 256 bytes
// at entries, if it has time for that, and waits for nothing. It takes any
// pointers.
//
//go:noescape
func fetch(control, entries unsafe.Pointer)
