package reads

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/penstock-io/penstock/ttlcache"
)

// rates limits each name by itself. Names that nobody has used for a while are
// forgotten, and so are the oldest when there are too many: who comes with that
// many addresses is limited by other means.
type rates struct {
	every float64
	burst int
	known *ttlcache.Cache[string, *rate.Limiter]
}

const (
	ratesMax    = 100_000
	ratesMemory = 10 * time.Minute
)

func (r *rates) begin(every float64) {
	r.every, r.burst = every, max(1, int(4*every))
	r.known = ttlcache.New(ttlcache.Options[string, *rate.Limiter]{MaxEntries: ratesMax})
}

func (r *rates) close() error { return r.known.Close() }

// take uses up one request of the name, or says how long to wait for it.
func (r *rates) take(name string) (wait time.Duration, ok bool) {
	limiter, known := r.known.Get(name)
	if !known {
		limiter, _ = r.known.SetIfAbsent(name, rate.NewLimiter(rate.Limit(r.every), r.burst), ratesMemory)
	}
	if limiter.Allow() {
		return 0, true
	}
	return time.Duration((1 - limiter.Tokens()) / r.every * float64(time.Second)), false
}
