//go:build !race

package ttlcache

// release stores a word after all that was stored before it, as the processor
// does anyway, and goes on before others see it: an exchange, which is what
// sync/atomic has, would wait for that. The race detector is given exchanges.
//
//go:noescape
func release(to *uintptr, word uintptr)

// releaseStamp is release for a stamp.
//
//go:noescape
func releaseStamp(to *uint64, stamp uint64)
