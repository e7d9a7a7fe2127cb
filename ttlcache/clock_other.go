//go:build !(linux && amd64)

package ttlcache

// counter is not used here.
func counter() uint64 { return 0 }

// counterTrusted is false: all time is exact time.
func counterTrusted() bool { return false }
