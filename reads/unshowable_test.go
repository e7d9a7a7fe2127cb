package reads_test

import (
	"strings"
	"testing"
)

// TestRowThatCannotBeShown: what somebody else wrote into the table and no answer
// can show is said to be that, not a database that may be back soon.
func TestRowThatCannotBeShown(t *testing.T) {
	h := openPostgres(t, settings{})
	for _, set := range []string{"created_at = 'infinity'", "created_at = '-infinity'", "created_at = '12026-01-01Z'", "amount = 'NaN'"} {
		h.clear()
		h.put(order(1, 7, 0, "paid"), order(2, 7, 1, "paid"), order(3, 8, 1, "paid"))
		h.exec("UPDATE orders SET " + set + " WHERE order_id = 2")
		r := h.get("seven", "/v1/me/orders")
		r.want(t, 500, `"detail":"asking again does not help`)
		if r.header.Get("Retry-After") != "" {
			t.Error(set, "is to be tried again")
		}
		if !strings.Contains(h.log.String(), "a row of the page cannot be shown") {
			t.Errorf("%s: the log does not say why: %s", set, h.log)
		}
		if strings.HasPrefix(set, "created_at") && set != "created_at = '-infinity'" {
			h.get("seven", "/v1/me/orders?created_before=2027-01-01T00:00:00Z").want(t, 200, `"order_id":"1"`)
		}
		h.get("eight", "/v1/me/orders").want(t, 200, `"order_id":"3"`)
	}
}
