// Package ttlcache is a map whose entries end: each has a time to live, and is
// gone when that is over, whether or not anybody asks for it again.
//
//	var c ttlcache.Cache[string, User]                 // the zero Cache is ready
//	c.Set("ada", user, time.Minute)
//	user, ok := c.Get("ada")                           // ok is false from the minute's end on
//	user, err := c.GetOrLoad(ctx, "bob", loadUser)     // asked once, however many want it
//	defer c.Close()
//
// An expired value is never returned, by no method. Expired entries are also
// removed from memory without anybody's doing, within about a millisecond of
// their deadline. A cache holds at most Options.MaxEntries entries; beyond
// that those least likely to be asked for again make room (S3-FIFO).
//
// A Cache has no goroutine of its own while it waits, only a timer that does
// not keep the cache alive: a cache that is dropped without Close is collected
// like any other memory. Time is the runtime's monotonic clock, so a change of
// the wall clock moves no deadline, and a cache made inside a testing/synctest
// bubble lives by the bubble's clock.
package ttlcache
