package reads_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// movingPages reads all of a user's orders page by page while others come in,
// newer ones and ones of the very times that are being read. Those that were
// there when the reading began must be seen once each, and all in their order.
func movingPages(t *testing.T, p *prey) (holes []string) {
	var texts []string
	for i := range 60 {
		texts = append(texts, order(i+1, 7, i/9, "paid"), order(i+1001, 8, i/9, "paid"))
	}
	p.put(texts...)
	for _, limit := range []int{1, 7, 13, 61} {
		holes = append(holes, p.readAll(limit)...)
	}
	return holes
}

// stream of orders that come in during readAll; ids are never used twice.
var comingID atomic.Int64

func init() { comingID.Store(5000) }

// readAll reads page by page. From one page to the next at least two orders have
// come in, and more do while a page is read; they stop at some time, or pages of
// one would never come to an end.
func (p *prey) readAll(limit int) (holes []string) {
	written, stop, stopped := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			if id := int(comingID.Add(2)); n < 80 {
				p.put(order(id, 7, 7+n, "paid"), order(id+1, 7, n%7, "paid")) // a newer one, and one of a time that is there
			}
			select {
			case written <- struct{}{}:
			case <-stop:
				return
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	seen := map[string]int{}
	var last position
	path := fmt.Sprintf("%s?limit=%d", mine, limit)
	for next := path; next != ""; {
		<-written
		r := p.ask("seven", next)
		page, cursor := rowsOf(p.t, r)
		for _, row := range page {
			seen[row.id]++
			if last.id != "" && !row.after(last) {
				holes = append(holes, fmt.Sprintf("limit %d: %v comes behind %v", limit, row, last))
			}
			last = row
		}
		if next = ""; cursor != "" {
			next = path + "&cursor=" + cursor
		}
	}
	for id := 1; id <= 60; id++ {
		if n := seen[fmt.Sprint(id)]; n != 1 {
			holes = append(holes, fmt.Sprintf("limit %d: order %d is seen %d times", limit, id, n))
		}
	}
	return holes
}

// A position is where an order stands in the list.
type position struct{ at, id string }

// after reports whether p stands behind q, newest first.
func (p position) after(q position) bool {
	if p.at != q.at {
		return p.at < q.at
	}
	pad := func(id string) string { return strings.Repeat("0", 20-len(id)) + id }
	return pad(p.id) < pad(q.id)
}

func rowsOf(t testing.TB, r reply) (rows []position, next string) {
	t.Helper()
	var page struct {
		Data []struct {
			ID string `json:"order_id"`
			At string `json:"created_at"`
		}
		Next string `json:"next_cursor"`
	}
	if err := json.Unmarshal([]byte(r.body), &page); err != nil || r.status != 200 {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	for _, row := range page.Data {
		rows = append(rows, position{row.At, row.ID})
	}
	return rows, page.Next
}

// madeCursors are changed, shortened, lengthened and made up ones; none is taken.
func madeCursors(t *testing.T, p *prey) (holes []string) {
	for i := range 5 {
		p.put(order(i+1, 7, i, "paid"), order(i+11, 8, i, "paid"))
	}
	_, next := rowsOf(t, p.ask("seven", mine+"?limit=2"))
	bad := []string{"0", "1", "-1", "3", next + "0", next + "=", next[1:], "AAAA", strings.Repeat("A", 5000)}
	for i := range next {
		for _, c := range []byte("A0") {
			if next[i] != c {
				bad = append(bad, next[:i]+string(c)+next[i+1:])
			}
		}
	}
	for _, cursor := range slices.Compact(bad) {
		if r := p.ask("seven", mine+"?limit=2&cursor="+cursor); r.status != 400 {
			holes = append(holes, fmt.Sprintf("%.40s: %d", cursor, r.status))
		}
	}
	for _, other := range []string{mine + "?status=paid&limit=2&cursor=" + next, mine + "?created_after=2020-01-01T00:00:00Z&limit=2&cursor=" + next} {
		if r := p.ask("seven", other); r.status != 400 {
			holes = append(holes, "another question: "+other)
		}
	}
	if r := p.ask("eight", "/v1/users/8/orders?limit=2&cursor="+next); r.status != 400 {
		holes = append(holes, "another user's cursor")
	}
	return holes
}
