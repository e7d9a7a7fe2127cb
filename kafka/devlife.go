package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// A life of the development broker lasts until it is stopped, or until its
// disk does not take what is written. Real brokers stop then. The library goes
// on instead, without the marker or the batch that could not be written, and
// tells its clients that all is well. So nobody may hear from it any more: the
// life hangs up on all clients before the request that failed is answered, and
// what is on disk counts, as after a crash.
type life struct {
	cluster *kfake.Cluster
	log     *slog.Logger
	failed  chan struct{} // closed when the disk has failed

	mu     sync.Mutex
	dead   bool
	listen []net.Listener
	conns  map[net.Conn]struct{}
}

// startLife starts a broker on 127.0.0.1 with what is in dir; dir "" is memory.
func startLife(port int, dir string, log *slog.Logger) (*life, error) {
	l := &life{log: log, failed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.ListenFn(l.bind),
		kfake.WithLogger(l),
		kfake.DefaultNumPartitions(6),
		kfake.AllowAutoTopicCreation(),
		kfake.ClusterID("penstock-development"),
	}
	if dir != "" {
		opts = append(opts, kfake.DataDir(dir))
	}
	cluster, err := kfake.NewCluster(opts...)
	if err != nil {
		l.hangUp()
		return nil, err
	}
	l.cluster = cluster
	return l, nil
}

// Logf is where the library says that a write has failed; it has no other way.
// It says so before it answers the request that needed the write.
func (l *life) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn || !unwritten(format) || !l.hangUp() {
		return
	}
	l.log.Error("the development broker's disk does not take what is written: it has hung up, and starts again with what is on disk when there is room",
		"err", fmt.Sprintf(format, args...))
	close(l.failed)
}

// unwritten reports whether one of the library's messages is of a failed write.
func unwritten(format string) bool {
	for _, start := range []string{"persist ", "endTx: failed to persist", "rebuildSegments ", "compact "} {
		if strings.HasPrefix(format, start) {
			return true
		}
	}
	return false
}

// hangUp closes the port and all connections. It returns false when that has
// been done before.
func (l *life) hangUp() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return false
	}
	l.dead = true
	for _, listener := range l.listen {
		listener.Close()
	}
	for conn := range l.conns {
		conn.Close()
	}
	return true
}

// bind listens, and knows all connections.
func (l *life) bind(network, address string) (net.Listener, error) {
	listener, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.listen = append(l.listen, listener)
	return &lifeListener{Listener: listener, life: l}, nil
}

type lifeListener struct {
	net.Listener
	life *life
}

func (n *lifeListener) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l := n.life
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.conns[conn] = struct{}{}
	return &lifeConn{Conn: conn, life: l}, nil
}

type lifeConn struct {
	net.Conn
	life *life
}

func (c *lifeConn) Close() error {
	c.life.mu.Lock()
	delete(c.life.conns, c.Conn)
	c.life.mu.Unlock()
	return c.Conn.Close()
}

// Between two lives.
const (
	lifePause = time.Second
	lifeRoom  = 4 << 20 // bytes that must be free for another one
)

// revive starts a life with what the last one, whose disk failed, has left in
// dir. It is an error while there is no room.
func revive(port int, dir string, log *slog.Logger) (*life, error) {
	if err := room(dir); err != nil {
		return nil, err
	}
	// The last life's memory of its clients is of things that are not on disk.
	if err := os.Remove(filepath.Join(dir, "session_state.json")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := mend(dir, log); err != nil {
		return nil, err
	}
	return startLife(port, dir, log)
}

// room reports whether dir takes lifeRoom bytes.
func room(dir string) error {
	name := filepath.Join(dir, "room")
	err := os.WriteFile(name, make([]byte, lifeRoom), 0o644)
	return errors.Join(err, os.Remove(name))
}
