package ttlcache

import (
	"os"
	"strings"
	"sync"
	"time"
)

// counter is the processor's time stamp counter.
func counter() uint64

// counterTrusted reports whether the counter is one that the kernel itself
// keeps time by, which it does only after it has found it constant, never
// stopping and in step on all processors, and whether it is fast enough. A
// user-mode copy of the kernel's own clock would need no more.
var counterTrusted = sync.OnceValue(func() bool {
	source, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return err == nil && strings.TrimSpace(string(source)) == "tsc" && ticksPerNanosecond() >= 1
})

// ticksPerNanosecond is a lower bound of the counter's speed: the ticks are
// counted within the time.
func ticksPerNanosecond() float64 {
	start := time.Now()
	from := counter()
	for time.Since(start) < 20*time.Microsecond {
	}
	ticks := counter() - from
	return float64(ticks) / float64(time.Since(start))
}
