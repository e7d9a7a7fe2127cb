package kafka

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A DevBroker is a Kafka broker inside this process, for trying things out
// with any Kafka client and no services. It is not a store of record: it does
// not replicate, and what it takes reaches the disk when the kernel likes. The
// journal in front of it is the record.
type DevBroker struct {
	cluster *kfake.Cluster
	addr    string
	dir     string   // "" for none
	disk    *devDisk // nil without a directory
	lock    *os.File
	log     *slog.Logger
}

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
	opts := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.DefaultNumPartitions(6),
		kfake.AllowAutoTopicCreation(),
		kfake.ClusterID("penstock-development"),
	}
	b := &DevBroker{dir: dir, log: log}
	if dir != "" {
		if b.lock, err = openDevDir(dir, log); err != nil {
			return nil, fmt.Errorf("kafka: open the development broker's directory %s: %w", dir, err)
		}
		b.disk = newDevDisk(dir, log)
		opts = append(opts, kfake.DataDir(dir), kfake.WithLogger(b.disk))
	}
	if b.cluster, err = kfake.NewCluster(opts...); err != nil {
		b.lock.Close()
		return nil, fmt.Errorf("kafka: start the development broker on %s: %w; is the port taken?", addr, err)
	}
	b.addr = b.cluster.ListenAddrs()[0]
	if b.disk != nil {
		b.disk.running.Store(true)
		b.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			b.cluster.KeepControl()
			return b.disk.refuse(req)
		})
	}
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
	if b.disk == nil {
		b.cluster.Close()
		return
	}
	defer b.lock.Close()
	if b.disk.failed.Load() {
		return // it stands still, and would never answer that it has stopped
	}
	b.disk.running.Store(false)
	b.cluster.Close()
	if b.disk.failed.Load() {
		return // the next start looks for itself
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
		return nil, fmt.Errorf("another process is using it: %w", err)
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
