package kafka_test

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/penstock-io/penstock/kafka"
)

// What a line can do to a request.
type fate int

const (
	pass       fate = iota
	loseAsk         // the request never gets to the broker
	loseAnswer      // the broker does what is asked, and the answer is lost
)

// A line is the network between clients and a development broker, which a test
// can cut at any request.
type line struct {
	mu    sync.Mutex
	judge func(key int16) fate // nil passes all
}

func (l *line) rule(judge func(key int16) fate) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.judge = judge
}

func (l *line) fateOf(key int16) fate {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.judge == nil {
		return pass
	}
	return l.judge(key)
}

// cuttable starts a development broker behind a line.
func cuttable(t *testing.T) (*line, kafka.Config) {
	t.Helper()
	l := &line{}
	_, cfg := fake(t, kfake.ListenFn(func(network, address string) (net.Listener, error) {
		under, err := net.Listen(network, address)
		return cutListener{under, l}, err
	}))
	return l, cfg
}

type cutListener struct {
	net.Listener
	line *line
}

func (c cutListener) Accept() (net.Conn, error) {
	under, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &cutConn{Conn: under, line: c.line}, nil
}

// cutConn is the broker's end of a connection. It reads whole requests, so
// that each can be judged before the broker sees a byte of it.
type cutConn struct {
	net.Conn
	line *line
	left []byte // of a request let through, what the broker has yet to read

	mu   sync.Mutex
	mute bool // the next answer, and the connection, are lost
}

func (c *cutConn) Read(p []byte) (int, error) {
	if len(c.left) == 0 {
		if err := c.request(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.left)
	c.left = c.left[n:]
	return n, nil
}

func (c *cutConn) request() error {
	head := make([]byte, 4)
	if err := readFull(c.Conn, head); err != nil {
		return err
	}
	body := make([]byte, binary.BigEndian.Uint32(head))
	if err := readFull(c.Conn, body); err != nil {
		return err
	}
	switch c.line.fateOf(int16(binary.BigEndian.Uint16(body))) {
	case loseAsk:
		c.Conn.Close()
		return net.ErrClosed
	case loseAnswer:
		c.mu.Lock()
		c.mute = true
		c.mu.Unlock()
	}
	c.left = append(head, body...)
	return nil
}

func (c *cutConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mute {
		c.Conn.Close()
		return 0, net.ErrClosed
	}
	return c.Conn.Write(p)
}

func readFull(from net.Conn, p []byte) error {
	for len(p) > 0 {
		n, err := from.Read(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}
