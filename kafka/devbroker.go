package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// A DevBroker is a Kafka broker inside this process, for trying things out
// with any Kafka client and no services. It is not a store of record: it does
// not replicate, and what it takes reaches the disk when the kernel likes. The
// journal in front of it is the record.
//
// When its disk is full it hangs up, and starts again with what is on disk as
// soon as there is room; until then it is away, as a real broker would be.
type DevBroker struct {
	addr string
	port int
	dir  string // "" for none
	lock *os.File
	log  *slog.Logger
	stop chan struct{} // closed by Close
	done chan struct{} // closed when nothing runs any more
}

// ErrInUse is in the error of a start on a directory that another development
// broker has.
var ErrInUse = errors.New("another process is using it")

// StartDevBroker starts a development broker that listens on addr, which must
// name the local machine, as 127.0.0.1:9092; port 0 takes a free one. It keeps
// its topics in dir, which is made if need be, and finds them there again. With
// dir "" it keeps them in memory, for tests.
func StartDevBroker(addr, dir string, log *slog.Logger) (*DevBroker, error) {
	port, err := localPort(addr)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var lock *os.File
	if dir != "" {
		if lock, err = openDevDir(dir, log); err != nil {
			return nil, fmt.Errorf("kafka: open the development broker's directory %s: %w", dir, err)
		}
	}
	first, err := startLife(port, dir, log)
	if err != nil {
		lock.Close()
		return nil, fmt.Errorf("kafka: start the development broker on %s: %w; is the port taken?", addr, err)
	}
	b := &DevBroker{addr: first.cluster.ListenAddrs()[0], dir: dir, lock: lock, log: log, stop: make(chan struct{}), done: make(chan struct{})}
	if b.port, err = localPort(b.addr); err != nil {
		panic(err) // it is where we listen
	}
	go b.live(first)
	log.Info("development broker started: for trying things out, not for production", "addr", b.addr, "dir", dir)
	return b, nil
}

func localPort(addr string) (int, error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("kafka: development broker address %q: write it as 127.0.0.1:port: %w", addr, err)
	}
	if host != "localhost" && host != "127.0.0.1" {
		return 0, fmt.Errorf("kafka: the development broker listens on 127.0.0.1 only, not on %q", host)
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("kafka: development broker address %q: %q is not a port", addr, text)
	}
	return int(port), nil
}

// Addr is where clients find the broker, as host:port.
func (b *DevBroker) Addr() string { return b.addr }

// Close writes everything to disk and stops the broker.
func (b *DevBroker) Close() {
	close(b.stop)
	<-b.done
	if b.dir != "" {
		b.lock.Close()
	}
}

// live goes from one life to the next until Close.
func (b *DevBroker) live(l *life) {
	defer close(b.done)
	for l != nil {
		select {
		case <-b.stop:
			l.cluster.Close()
			b.noteClosed(l)
			return
		case <-l.failed:
			l.cluster.Close()
			l = b.next()
		}
	}
}

// next is the life after one whose disk has failed; nil when Close came first.
func (b *DevBroker) next() *life {
	for {
		select {
		case <-b.stop:
			return nil
		case <-time.After(lifePause):
		}
		l, err := revive(b.port, b.dir, b.log)
		if err == nil {
			b.log.Info("the development broker is there again", "addr", b.addr)
			return l
		}
		b.log.Debug("the development broker cannot start again yet", "err", err)
	}
}

// noteClosed notes that the broker was stopped in order, if it was.
func (b *DevBroker) noteClosed(l *life) {
	select {
	case <-l.failed:
		return
	default:
	}
	if b.dir == "" {
		return
	}
	if err := noteClosed(b.dir); err != nil {
		b.log.Warn("cannot note that the development broker was stopped in order; its next start looks for itself", "err", err)
	}
}

// openDevDir takes the directory for this process and mends what a crash has
// left in it. The lock goes with the process.
func openDevDir(dir string, log *slog.Logger) (lock *os.File, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	inOrder, err := takeClosed(dir)
	if err == nil && !inOrder {
		err = mend(dir, log)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}
