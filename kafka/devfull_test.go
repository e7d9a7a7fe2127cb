//go:build unix

package kafka_test

import (
	"context"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/kafka"
)

// The broker's files may not grow, again and again in the middle of rounds:
// what was delivered is there once when they may again. The limit is of a whole
// process, so this is one of its own.
func TestDevBrokerOutlivesFullDisk(t *testing.T) {
	if os.Getenv(childDir) == "" {
		child := exec.Command(os.Args[0], "-test.run=^TestDevBrokerOutlivesFullDisk$", "-test.v")
		child.Env = append(os.Environ(), childDir+"="+t.TempDir())
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // a write beyond the limit is an error, as on a full disk
	dir := os.Getenv(childDir)
	away := &hungUp{Handler: slog.NewTextHandler(os.Stderr, nil), told: make(chan struct{}, 100)}
	dev, err := kafka.StartDevBroker("127.0.0.1:0", dir, slog.New(away))
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	cfg := kafka.Config{Brokers: []string{dev.Addr()}}
	sink := newSink(t, cfg, kafka.SinkOptions{})
	next := uint64(1)
	write := func(n uint64) {
		if err := (penstock.Retry{To: sink}).Write(within(t), run(next, next+n-1)); err != nil {
			t.Error(err)
		}
		next += n
	}
	write(100)
	for round := range uint64(4) {
		limitFiles(t, largest(t, dir)+40+700*round) // some ends of rounds fit, some do not
		written := make(chan struct{})
		go func() {
			defer close(written)
			for range 20 {
				write(100)
			}
		}()
		<-away.told
		limitFiles(t, math.MaxUint64)
		<-written
	}
	onceEach(t, cfg, "orders", next-1)
	sink.Close(context.Background())
}

// hungUp tells when the broker says that it has hung up.
type hungUp struct {
	slog.Handler
	told chan struct{}
}

func (h *hungUp) Handle(ctx context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "has hung up") {
		h.told <- struct{}{}
	}
	return h.Handler.Handle(ctx, r)
}

func limitFiles(t *testing.T, bytes uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(bytes, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}

// largest is the size of the largest of the broker's partitions, in bytes.
func largest(t *testing.T, dir string) (bytes uint64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "*.dat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		bytes = max(bytes, uint64(info.Size()))
	}
	return bytes
}
