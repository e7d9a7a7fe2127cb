package main

import "sync"

var a, b sync.Mutex

// One closes what the other waits for.
func channel() {
	ch := make(chan int)
	go func() {
		a.Lock()
		b.Lock() // want possible lock-order: ...takes a then b
		b.Unlock()
		a.Unlock()
		close(ch)
	}()
	go func() {
		<-ch
		b.Lock()
		a.Lock()
		a.Unlock()
		b.Unlock()
	}()
}

var c, d sync.Mutex

func group() {
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		defer wg.Done()
		c.Lock()
		d.Lock() // want possible lock-order: ...takes c then d
		d.Unlock()
		c.Unlock()
	}()
	go func() {
		wg.Wait()
		d.Lock()
		c.Lock()
		c.Unlock()
		d.Unlock()
	}()
}

var e, f sync.Mutex

// Both wait for a third.
func third() {
	ch := make(chan int)
	go func() {
		<-ch
		e.Lock()
		f.Lock() // want certain lock-order: ...takes e then f
		f.Unlock()
		e.Unlock()
	}()
	go func() {
		<-ch
		f.Lock()
		e.Lock()
		e.Unlock()
		f.Unlock()
	}()
	close(ch)
}

var g, h sync.Mutex

// Each round waits for its own.
func rounds(n int) {
	for i := range n {
		var wg sync.WaitGroup
		wg.Add(1)
		go func() {
			defer wg.Done()
			if i > 0 {
				g.Lock()
				h.Lock()
				h.Unlock()
				g.Unlock()
				return
			}
			h.Lock()
			g.Lock()
			g.Unlock()
			h.Unlock()
		}()
		wg.Wait()
	}
}

func main() {
	channel()
	group()
	third()
	rounds(2)
}
