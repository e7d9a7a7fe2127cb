package ingest

import "time"

// ready reports whether the key may send anything now, and if not, when. It
// takes nothing: how much is asked for is only known once the body is read.
func (k *Key) ready(now time.Time) (wait time.Duration, ok bool) {
	if k == nil || k.limiter == nil || k.limiter.TokensAt(now) >= 1 {
		return 0, true
	}
	return k.wait(1), false
}

// admit takes the right to send n events, or as many as there is for now, and
// returns how many: the first ones, so that events of one key stay in order.
func (k *Key) admit(now time.Time, n int) int {
	if k == nil || k.limiter == nil {
		return n
	}
	for {
		// Another request may take what this one has just seen.
		n = min(n, int(k.limiter.TokensAt(now)))
		if n <= 0 {
			return 0
		}
		if k.limiter.AllowN(now, n) {
			return n
		}
	}
}

// admitAll takes the right to send n events, or nothing.
func (k *Key) admitAll(now time.Time, n int) bool {
	return k == nil || k.limiter == nil || k.limiter.AllowN(now, n)
}

// wait is how long it takes until the key may send n events, or its burst.
func (k *Key) wait(n int) time.Duration {
	if k == nil || k.limiter == nil {
		return time.Second
	}
	missing := float64(min(n, k.Burst)) - k.limiter.TokensAt(time.Now())
	return time.Duration(missing / k.Rate * float64(time.Second))
}

// fits reports whether n events can ever be sent at once.
func (k *Key) fits(n int) bool { return k == nil || k.limiter == nil || n <= k.Burst }
