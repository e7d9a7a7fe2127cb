package main

import "sync"

type list struct{ mu, cur sync.Mutex }

var l list

func (l *list) one() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cur.Lock() // want likely lock-order: deadlock: (*list).one takes l.mu then l.cur, (*list).two takes l.cur then l.mu
	l.cur.Unlock()
}

func (l *list) two() {
	l.cur.Lock()
	defer l.cur.Unlock()
	l.mu.Lock()
	l.mu.Unlock()
}

func main() {
	var wg sync.WaitGroup
	wg.Go(l.one)
	wg.Go(l.two)
	wg.Wait()
}
