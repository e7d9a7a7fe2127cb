package ttlcache

import "unsafe"

// fetch makes the processor begin to read the words at control, first and last,
// if it has time for that, and waits for nothing. It takes any pointers.
//
//go:noescape
func fetch(control, first, last unsafe.Pointer)
