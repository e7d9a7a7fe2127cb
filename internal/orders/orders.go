// Package orders makes orders, as many as wanted, in every form that a door
// reads: for tests, benchmarks and demonstrations.
//
//	g := orders.Generator{Seed: 1, Bad: 0.01}
//	err := g.Write(os.Stdout, orders.NDJSON, 0, 1_000_000) // orders 0 to 999,999
//	var o orders.Order
//	g.Order(17, &o)                                        // order 17 alone
//	fault, bad := o.Fault(orders.NDJSON)                   // what is wrong with it, and the verdict to expect
//
// Order n depends on the generator and on n, on nothing else: any part of the
// orders can be made anywhere, in any order, and is the same in every form. They
// follow examples/orders/orders.yaml.
package orders

import (
	"math"
	"time"
)

// A Generator makes orders. The zero Generator makes good ones of 4,096 users.
type Generator struct {
	Seed  uint64
	Users int     // how many users the orders are of; 0 means 4,096
	Bad   float64 // share of bad orders, 0 to 1
}

const defaultUsers = 4096

// An Order is one order as it was meant. If it is bad, its forms differ from it.
type Order struct {
	ID        int64
	UserID    int64
	CreatedAt time.Time // in the zone it is written in
	Amount    int64     // hundredths
	Quoted    bool      // JSON has the amount as text
	Currency  string
	Status    string
	Email     []byte // nil is null; some have capitals and spaces, which the stream takes off
	Note      []byte // nil is null; about 230 bytes
	Bad       bool

	plain bool   // the note needs no escaping
	flaw  uint64 // chooses among the form's flaws

	emailMemory, noteMemory []byte // kept when Email and Note are nil
}

var (
	currencies = [...]string{"EUR", "USD", "GBP", "JPY", "SEK", "CHF", "BRL", "INR"}
	statuses   = [...]string{"new", "paid", "shipped", "cancelled", "refunded"}
	first      = [...]string{"ada", "alan", "barbara", "edsger", "grace", "john", "katherine", "ken", "leslie", "margaret", "niklaus", "radia", "rob", "sophie", "tony", "Vint"}
	last       = [...]string{"allen", "backus", "cerf", "dijkstra", "hamilton", "hoare", "hopper", "johnson", "kay", "knuth", "lamport", "liskov", "lovelace", "perlman", "Turing", "wirth"}
	domains    = [...]string{"example.com", "example.org", "Example.NET", "mail.example.com"}
	words      = [...]string{
		"please", "leave", "the", "parcel", "with", "my", "neighbour", "at", "number", "twelve", "if", "nobody", "answers", "door", "gift", "wrap",
		"no", "plastic", "thanks", "ring", "twice", "second", "floor", "left", "behind", "garden", "gate", "call", "before", "delivery", "fragile", "glass",
		"keep", "dry", "and", "cool", "invoice", "to", "office", "in", "blue", "instead", "of", "green", "size", "forty", "two", "birthday",
		"card", "inside", "saying", "happy", "from", "all", "us", "deliver", "after", "six", "evening", "only", "weekdays", "dog", "is", "friendly",
	}
	spices = [...]string{`he said "ring"`, "line one\nline two", `back\slash`, "Grüße, naïve café", "日本語 🎁", "a,b;c\td", "<b>&amp;</b>", "it's 5\" wide"}
)

var (
	berlin = time.FixedZone("", 2*60*60)
	newest = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Unix()
)

const yearSeconds = 365 * 24 * 60 * 60

// Order puts order n into o, using o's memory again. Orders have the
// identities n+1.
func (g Generator) Order(n uint64, o *Order) {
	r := random{mix(g.Seed ^ mix(n))}
	bits := r.next()
	users := uint64(g.Users)
	if g.Users <= 0 {
		users = defaultUsers
	}
	*o = Order{
		ID:       int64(n + 1),
		UserID:   int64(r.below(users) + 1),
		Amount:   int64(r.below(50_000) + 1),
		Currency: currencies[bits%8],
		Status:   statuses[bits>>3%5],
		Quoted:   bits>>8%4 == 0,
		Bad:      float64(r.next()>>11)/(1<<53) < g.Bad,
		flaw:     r.next(),

		emailMemory: o.emailMemory[:0], noteMemory: o.noteMemory[:0],
	}
	o.CreatedAt = created(&r, bits>>10%8)
	o.email(bits >> 13)
	o.note(&r, bits>>32)
}

// created is an instant of the last year: one in eight in a zone of its own,
// one in eight with milliseconds.
func created(r *random, kind uint64) time.Time {
	nanos := int64(0)
	if kind == 1 {
		nanos = int64(r.below(1000)) * 1_000_000
	}
	t := time.Unix(newest-int64(r.below(yearSeconds)), nanos)
	if kind == 2 {
		return t.In(berlin)
	}
	return t.UTC()
}

func (o *Order) email(bits uint64) {
	if bits%10 == 0 {
		return
	}
	text := o.emailMemory
	if bits>>4%16 == 0 {
		text = append(text, ' ')
	}
	text = append(text, first[bits>>8%16]...)
	text = append(text, '.')
	text = append(text, last[bits>>12%16]...)
	text = append(text, '@')
	text = append(text, domains[bits>>16%4]...)
	o.Email, o.emailMemory = text, text
}

func (o *Order) note(r *random, bits uint64) {
	if bits%16 == 0 {
		return
	}
	o.plain = bits>>4%8 != 0
	length := 200 + int(bits>>8%64)
	text := append(o.noteMemory, "Order note:"...)
	for len(text) < length {
		for pick, i := r.next(), 0; i < 10 && len(text) < length; i++ {
			text = append(text, ' ')
			text = append(text, words[pick%64]...)
			pick >>= 6
		}
	}
	if !o.plain {
		text = append(text, ", "...)
		text = append(text, spices[bits>>16%8]...)
	}
	o.Note, o.noteMemory = text, text
}

// random is splitmix64 (Steele, Lea, Flood 2014): small, quick, and the same for
// ever, which math/rand does not promise for all it derives.
type random struct{ state uint64 }

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return mix(r.state)
}

// below is a number from 0 to n-1, as even as 64 bits are for so small an n.
func (r *random) below(n uint64) uint64 { return (r.next() >> 32) * min(n, math.MaxUint32) >> 32 }

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
