package reads_test

import (
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"sort"
	"testing"
	"time"
)

// toldByTime asks for a user with many orders and for one who does not exist, in
// turns that nobody can foresee, and tells them apart by the time of the answer:
// how often the one takes longer than the other is half where there is nothing
// to tell, whatever else the machine does, as that meets both alike. With 800
// of each the half is off by 0.015 by chance; 0.1 is a leak that anybody finds.
func toldByTime(t *testing.T, p *prey) (holes []string) {
	var texts []string
	for i := range 100 {
		texts = append(texts, order(i+1, 8, i, "paid"))
	}
	p.put(texts...)
	took := func(path string) time.Duration {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Authorization", "Bearer "+p.keys["seven"])
		w := httptest.NewRecorder()
		begun := time.Now()
		p.handler.ServeHTTP(w, r)
		d := time.Since(begun)
		if w.Code != 404 {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return d
	}
	const foreign, absent = "/v1/users/8/orders", "/v1/users/9/orders"
	for range 50 {
		took(foreign)
		took(absent)
	}
	var a, b []time.Duration
	for len(a) < 800 || len(b) < 800 {
		if rand.IntN(2) == 0 {
			a = append(a, took(foreign))
		} else {
			b = append(b, took(absent))
		}
	}
	share := longer(a, b)
	t.Logf("the foreign user takes longer in %.3f of the pairs", share)
	if share < 0.4 || share > 0.6 {
		holes = append(holes, fmt.Sprintf("%.3f", share))
	}
	return holes
}

// longer is the share of pairs in which the one of a is longer than the one of b,
// with equal ones half.
func longer(a, b []time.Duration) float64 {
	sort.Slice(b, func(i, j int) bool { return b[i] < b[j] })
	twice := 0
	for _, d := range a {
		below := sort.Search(len(b), func(i int) bool { return b[i] >= d })
		upTo := sort.Search(len(b), func(i int) bool { return b[i] > d })
		twice += below + upTo
	}
	return float64(twice) / 2 / float64(len(a)) / float64(len(b))
}
