package ingest

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
)

// conn is a connection that frees its slot when it is closed, and that need not
// be listened to while a request of its is being stored.
type conn struct {
	net.Conn
	slots   chan struct{}
	freeing sync.Once
	deaf    atomic.Bool
}

// Read implements net.Conn. As soon as a request's body is read, net/http reads
// one byte more, in a goroutine of its own, to learn that the sender has hung
// up. What is being stored is stored whether he has or not, so a deaf
// connection answers that nothing has happened: asking the kernel, waiting and
// being called back cost a fifth of a small request. A read for any other
// purpose has room for more than a byte; if one had not, it would be repeated.
func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 1 && c.deaf.Load() {
		return 0, nil
	}
	return c.Conn.Read(p)
}

// Close closes the connection.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.freeing.Do(func() { <-c.slots })
	return err
}

// CloseWrite is asked for by net/http before it closes a connection whose
// client still sends, so that the answer is not lost.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

type connKey struct{}

// withConn notes the connection in the context of its requests. One with TLS
// has others reading from it, and is not noted.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// deafen makes the connection of a request deaf until hear is called.
func deafen(ctx context.Context) *conn {
	c, ok := ctx.Value(connKey{}).(*conn)
	if ok {
		c.deaf.Store(true)
	}
	return c
}

// hear ends what deafen began. c may be nil.
func (c *conn) hear() {
	if c != nil {
		c.deaf.Store(false)
	}
}
