package main

import (
	"sync"
	"time"
)

type box struct{ a, b sync.Mutex }

func (x *box) ab() {
	x.a.Lock()
	time.Sleep(10 * time.Millisecond)
	x.b.Lock()
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
	x, y := &box{}, &box{}
	var wg sync.WaitGroup
	wg.Go(x.ab)
	wg.Go(y.ba)
	wg.Wait()
}
