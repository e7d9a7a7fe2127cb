package main

import (
	"sync"
	"time"
)

type box struct{ a, b sync.Mutex }

func (x *box) ab() {
	x.a.Lock()
	time.Sleep(10 * time.Millisecond)
	x.b.Lock() // want likely lock-order: deadlock: (*box).ab takes x.a then x.b, (*box).ba takes x.b then x.a
	x.b.Unlock()
	x.a.Unlock()
}

func (x *box) ba() {
	x.b.Lock()
	time.Sleep(10 * time.Millisecond)
	x.a.Lock()
	x.a.Unlock()
	x.b.Unlock()
}

func main() {
	x := &box{}
	var wg sync.WaitGroup
	wg.Go(x.ab)
	wg.Go(x.ba)
	wg.Wait()
}
