package ingest_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/ingest"
)

func limited(t *testing.T, rate string) (*house, string) {
	secret, hash := ingest.NewKey()
	h := open(t, settings{keys: parseKeys(t, "keys:\n  - {name: shop, hash: %q, streams: [orders], rate: %s}\n", hash, rate)})
	return h, secret
}

func batch(ids ...string) string {
	var all []string
	for _, id := range ids {
		all = append(all, order(id))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func TestRate(t *testing.T) {
	h, secret := limited(t, "1/h, burst: 3")
	key := []string{"X-API-Key", secret}
	a := h.post(batch("1", "2", "3", "4", "5"), key...)
	a.want(t, 207, "ok ok ok limited limited")
	if a.body.Results[4].Error.Code != "rate_limited" || a.body.RetryAfter < 3_000_000 {
		t.Errorf("%s", a.text)
	}
	a = h.post(batch("4", "5"), key...)
	a.refused(t, 429, "rate_limited")
	if a.header.Get("Retry-After") == "" || a.body.RetryAfter < 3_000_000 {
		t.Errorf("%v %s", a.header, a.text)
	}
	if stored, _ := h.shelf.counts(); stored != 3 {
		t.Errorf("%d stored", stored)
	}
	// Reading does not count, and a reload brings no fresh burst.
	if a := h.do("GET", "/v1/streams", nil, key...); a.status != 200 {
		t.Errorf("%s", a.text)
	}
	again := parseKeys(t, "keys:\n  - {name: shop, hash: %q, streams: [orders], rate: 1/h, burst: 3}\n", ingest.HashKey(secret))
	if err := h.handler.Replace([]ingest.Stream{served(loadStream(t, nil), h.shelf)}, again); err != nil {
		t.Fatal(err)
	}
	h.post(batch("4"), key...).refused(t, 429, "rate_limited")
	checkTally(h)
}

func TestRateAtomic(t *testing.T) {
	h, secret := limited(t, "1/h, burst: 3")
	key := []string{"X-API-Key", secret, "Query", "mode=atomic"}
	h.post(batch("1", "2", "3", "4"), key...).refused(t, 413, "batch_over_burst")
	h.post(batch("1", "2"), key...).want(t, 202, "ok ok")
	h.post(batch("3", "4"), key...).refused(t, 429, "rate_limited")
	h.post(batch("3"), key...).want(t, 202, "ok")
	// It can never pass, and so is never told to wait, whatever is left of the burst.
	h.post(batch("4", "5", "6", "7"), key...).refused(t, 413, "batch_over_burst")
	h.post(batch("4"), key...).refused(t, 429, "rate_limited")
}
