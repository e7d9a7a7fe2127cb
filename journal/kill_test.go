package journal_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/penstock-io/penstock/journal"
)

// killedDir tells a child of TestKill9 where to write.
const killedDir = "JOURNAL_TEST_KILLED_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		writeUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

// writeUntilKilled writes from several goroutines, drains, and prints the ID of
// each event once it is acknowledged, until it is killed.
func writeUntilKilled(dir string) {
	j, err := journal.Open(dir, journal.Options{SegmentBytes: 32 << 10, Log: quiet})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	first := j.Recovery().Next
	for w := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", first, w, n)
				b := batch(event(id, fmt.Sprint(w), strings.Repeat(id, 20)), event(id+"'", fmt.Sprint(w), id))
				if err := j.Write(context.Background(), b); err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Printf("%s\n%s'\n", id, id)
				mu.Unlock()
			}
		}()
	}
	select {}
}

// TestKill9 kills real processes while they write, and holds the journal they
// leave against what they had acknowledged.
func TestKill9(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acked := map[string]bool{}
	for range rounds {
		n := len(acked)
		killOne(t, dir, acked)
		if len(acked) == n {
			t.Error("the process was killed before it had acknowledged anything")
		}
	}
	j := open(t, dir, journal.Options{})
	if r := j.Recovery(); len(r.Damage) > 0 {
		t.Errorf("%+v", r.Damage)
	}
	var sink collected
	drain(t, j, &sink)
	times := map[string]int{}
	for _, e := range sink.events {
		times[string(e.ID)]++
	}
	for id := range acked {
		if times[id] != 1 {
			t.Errorf("%s was acknowledged and came through %d times", id, times[id])
		}
	}
	t.Logf("%d acknowledged, %d stored", len(acked), len(sink.events))
}

func killOne(t *testing.T, dir string, acked map[string]bool) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), killedDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	limit := 20 + rand.IntN(400)
	for n := 0; lines.Scan(); n++ {
		if text, failed := strings.CutPrefix(lines.Text(), "error "); failed {
			t.Error(text)
		}
		acked[lines.Text()] = true
		if n == limit {
			if err := child.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	ended := time.AfterFunc(10*time.Second, func() { child.Process.Kill() })
	defer ended.Stop()
	if err := child.Wait(); err == nil {
		t.Error("the process ended by itself")
	}
}
