package kafka_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/internal/realtest"
	"github.com/penstock-io/penstock/kafka"
)

// The development broker finds everything again: topics, events, progress.
func TestDevBrokerKeepsItsData(t *testing.T) {
	dir, addr := t.TempDir(), realtest.Addr(t)
	for start := range uint64(3) {
		dev, err := kafka.StartDevBroker(addr, dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg := kafka.Config{Brokers: []string{addr}} // each time the same port
		sink := newSink(t, cfg, kafka.SinkOptions{})
		if n, err := sink.Position(within(t), door); n != start*100 || err != nil {
			t.Fatalf("start %d begins at %d: %v", start, n, err)
		}
		if err := (penstock.Retry{To: sink}).Write(within(t), run(1, start*100+100)); err != nil {
			t.Fatal(err)
		}
		onceEach(t, cfg, "orders", start*100+100)
		sink.Close(context.Background())
		dev.Close()
	}
}

func TestDevBrokerStaysLocal(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:9092", ":9092", "example.com:9092", "127.0.0.1", "127.0.0.1:x"} {
		if dev, err := kafka.StartDevBroker(addr, "", nil); err == nil {
			dev.Close()
			t.Errorf("started on %q", addr)
		}
	}
}

// A process with a development broker in it is killed in the middle of rounds.
// The next one finds every committed event, and no event twice.
func TestDevBrokerOutlivesKill9(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv(childDir) != "" {
		writeForEver(t, os.Getenv(childDir))
		return
	}
	t.Parallel()
	kills := 6
	if os.Getenv("PENSTOCK_SOAK") != "" {
		kills = 200
	}
	for kill := range kills {
		child := exec.Command(os.Args[0], "-test.run=^TestDevBrokerOutlivesKill9$")
		child.Env = append(os.Environ(), childDir+"="+dir)
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		child.Stderr = &said
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		// A child that stands still says where, and dies.
		stuck := time.AfterFunc(5*time.Minute, func() { child.Process.Signal(syscall.SIGQUIT) })
		delivered := uint64(0)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "delivered %d", &delivered); err == nil && delivered >= uint64(kill+1)*3000 {
				break
			}
		}
		child.Process.Kill()
		for lines.Scan() { // what it had said before it died
			fmt.Sscanf(lines.Text(), "delivered %d", &delivered)
		}
		child.Wait()
		stuck.Stop()
		if delivered < uint64(kill+1)*3000 {
			t.Fatalf("the child died by itself at %d, or stood still for five minutes:\n%s", delivered, said.Bytes())
		}

		dev, err := kafka.StartDevBroker("127.0.0.1:0", dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg := kafka.Config{Brokers: []string{dev.Addr()}}
		sink := newSink(t, cfg, kafka.SinkOptions{})
		found, err := sink.Position(within(t), door)
		if err != nil || found < delivered {
			t.Fatalf("kill %d: %d were delivered, %d are there: %v", kill, delivered, found, err)
		}
		onceEach(t, cfg, "orders", found)
		sink.Close(context.Background())
		dev.Close()
	}
}

const childDir = "PENSTOCK_TEST_CHILD_DIR"

// writeForEver is the life of the child.
func writeForEver(t *testing.T, dir string) {
	dev, err := kafka.StartDevBroker("127.0.0.1:0", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	sink := newSink(t, kafka.Config{Brokers: []string{dev.Addr()}}, kafka.SinkOptions{})
	next, err := sink.Position(context.Background(), door)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b := run(next+1, next+100)
		told := func(err error, attempt int, _ time.Duration) { fmt.Fprintln(os.Stderr, "attempt", attempt, err) }
		if err := (penstock.Retry{To: sink, OnError: told}).Write(context.Background(), b); err != nil {
			t.Fatal(err)
		}
		next += 100
		fmt.Printf("delivered %d\n", next)
	}
}

// The broker dies when some partitions have the end of a transaction and others
// have not: committed anywhere means committed everywhere. Where none has it,
// the transaction never was.
func TestHalfEndedTransaction(t *testing.T) {
	for _, c := range []struct {
		name  string
		keeps func(partition string) bool // the marker of the last transaction
		want  uint64
	}{
		{"OnlyProgressHasIt", func(p string) bool { return strings.HasPrefix(p, kafka.ProgressTopic) }, 100},
		{"OneOfOrdersHasIt", func(p string) bool { return p == "orders-3" }, 100},
		{"NoneHasIt", func(string) bool { return false }, 50},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			cfg, stop := onDir(t, dir)
			sink := newSink(t, cfg, kafka.SinkOptions{})
			for _, from := range []uint64{1, 51} {
				if err := (penstock.Retry{To: sink}).Write(within(t), run(from, from+49)); err != nil {
					t.Fatal(err)
				}
			}
			sink.Close(context.Background())
			stop()
			folders, err := filepath.Glob(filepath.Join(dir, "partitions", "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, folder := range folders {
				if !c.keeps(filepath.Base(folder)) {
					cutLastBatch(t, folder)
				}
			}
			for _, name := range []string{"closed-in-order", "session_state.json"} {
				os.Remove(filepath.Join(dir, name)) // a crash leaves neither
			}
			for range 2 { // and another crash does not change it
				cfg, stop := onDir(t, dir)
				heir := newSink(t, cfg, kafka.SinkOptions{})
				if n, err := heir.Position(within(t), door); n != c.want || err != nil {
					t.Fatalf("begins at %d, not %d: %v", n, c.want, err)
				}
				onceEach(t, cfg, "orders", c.want)
				heir.Close(context.Background())
				stop()
				os.Remove(filepath.Join(dir, "closed-in-order"))
			}
		})
	}
}

func onDir(t *testing.T, dir string) (cfg kafka.Config, stop func()) {
	t.Helper()
	dev, err := kafka.StartDevBroker("127.0.0.1:0", dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kafka.Config{Brokers: []string{dev.Addr()}}, dev.Close
}

// cutLastBatch takes the newest batch, which is a transaction's marker, out of
// a partition's files, as if it had never been written.
func cutLastBatch(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.dat"))
	if err != nil || len(files) > 1 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		last, batches := 0, 0
		for at := 0; at < len(data); batches++ {
			last = at
			at += 12 + int(binary.BigEndian.Uint32(data[at+8:]))
		}
		if data[last+22]&0x20 == 0 {
			t.Fatalf("%s does not end in a marker", file)
		}
		if err := os.Truncate(file, int64(last)); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(strings.TrimSuffix(file, "dat")+"idx", int64(15*(batches-1))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDevBrokerDirIsForOneProcess(t *testing.T) {
	dir := t.TempDir()
	_, stop := onDir(t, dir)
	defer stop()
	if second, err := kafka.StartDevBroker("127.0.0.1:0", dir, nil); err == nil {
		second.Close()
		t.Fatal("two brokers on one directory")
	}
}
