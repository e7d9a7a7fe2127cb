//go:build race || !amd64

package ttlcache

import "sync/atomic"

// release stores a word after all that was stored before it.
func release(to *uintptr, word uintptr) { atomic.StoreUintptr(to, word) }

// releaseStamp is release for a stamp.
func releaseStamp(to *uint64, stamp uint64) { atomic.StoreUint64(to, stamp) }
