package ingest

import (
	"net"
	"sync"
)

// capped is a listener that has at most so many connections open. The others
// wait in the kernel's queue, which has its own limit.
type capped struct {
	net.Listener
	slots chan struct{}

	closing sync.Once
	closed  chan struct{}
}

func newCapped(l net.Listener, connections int) *capped {
	return &capped{Listener: l, slots: make(chan struct{}, connections), closed: make(chan struct{})}
}

func (l *capped) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &conn{Conn: c, slots: l.slots}, nil
}

func (l *capped) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}
