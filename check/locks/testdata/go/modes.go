package main

import "sync"

var a, b sync.Mutex

type unit struct{ mode bool }

// One object has one mode all its life.
func (u *unit) run() {
	if u.mode {
		a.Lock()
		b.Lock() // want likely lock-order: ...run takes a then b
		b.Unlock()
		a.Unlock()
		return
	}
	b.Lock()
	a.Lock()
	a.Unlock()
	b.Unlock()
}

var c, d sync.Mutex

func flip(x int) {
	if x > 0 {
		c.Lock()
		d.Lock() // want certain lock-order: ...flip takes c then d
		d.Unlock()
		c.Unlock()
		return
	}
	d.Lock()
	c.Lock()
	c.Unlock()
	d.Unlock()
}

func main() {
	u := &unit{}
	for i := range 3 {
		go u.run()
		go flip(i)
	}
}
