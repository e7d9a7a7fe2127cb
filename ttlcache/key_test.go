package ttlcache_test

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/penstock-io/penstock/ttlcache"
)

// A key that does not equal itself is never found, but it is held, counted,
// seen, evicted and expired like any other, as in a map.
func TestKeysThatAreNotThemselves(t *testing.T) {
	for name, max := range map[string]int{"limited": 500, "unlimited": ttlcache.Unlimited} {
		cache := ttlcache.New(ttlcache.Options[float64, int]{MaxEntries: max})
		const n = 2000
		for i := range n {
			cache.Set(math.NaN(), i, time.Hour)
			cache.Set(float64(i), i, time.Hour)
		}
		if _, ok := cache.Get(math.NaN()); ok {
			t.Errorf("%s: NaN was found", name)
		}
		want := 2 * n
		if max > 0 {
			want = max
		}
		seen := 0
		for range cache.All() {
			seen++
		}
		if cache.Len() != want || seen != want {
			t.Errorf("%s: %d are held and %d seen, want %d", name, cache.Len(), seen, want)
		}
		for range 3 {
			v, err := cache.GetOrLoad(t.Context(), math.NaN(), func(context.Context, float64) (int, time.Duration, error) { return 7, time.Hour, nil })
			if v != 7 || err != nil {
				t.Errorf("%s: loaded %d, %v", name, v, err)
			}
		}
		cache.Clear()
		if cache.Len() != 0 {
			t.Errorf("%s: %d are held after Clear", name, cache.Len())
		}
		cache.Close()
	}
}
