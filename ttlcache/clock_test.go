//go:build unix

package ttlcache

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// In a bubble the processor's counter means nothing.
func TestClockInBubble(t *testing.T) {
	if inBubble() {
		t.Fatal("a test outside of all bubbles is taken for one inside")
	}
	synctest.Test(t, func(t *testing.T) {
		if !inBubble() {
			t.Fatal("runtime.Stack no longer says that a goroutine is in a bubble: look for another way")
		}
		c := newClock()
		if c.counted {
			t.Error("the counter is used in a bubble")
		}
		due := c.now() + 1000
		if !c.alive(due) {
			t.Error("dead before its deadline")
		}
		time.Sleep(1000)
		if c.alive(due) {
			t.Error("alive at its deadline")
		}
	})
}

// Whatever the counter's path says must be what the exact clock says.
func TestCounterAgreesWithTheClock(t *testing.T) {
	c := newClock()
	if !c.counted {
		t.Skip("the counter is not trusted here: it takes Linux on amd64 whose kernel keeps time by the TSC")
	}
	byCounter := 0
	for i := range 2_000_000 {
		before := c.now()
		due := before + int64(i%400-100)*int64(time.Millisecond)
		old := c.last.Load()
		alive := c.alive(due)
		after := c.now()
		if alive && due <= before {
			t.Fatalf("alive %d ns after the deadline", before-due)
		}
		if !alive && due > after {
			t.Fatalf("dead %d ns before the deadline", due-after)
		}
		if alive && old != nil && c.last.Load() == old && due-old.now > readingMargin {
			byCounter++
		}
	}
	if byCounter == 0 {
		t.Error("the counter decided nothing")
	}
}

// A process may be stopped between any two instructions, for any time. The
// child reads entries that live for 120 ms, near the margin, and says so if it
// ever gets one past its deadline; the parent stops it now and then for longer
// than they live.
func TestStoppedProcess(t *testing.T) {
	if os.Getenv("PENSTOCK_STOPPED") != "" {
		readWhileStopped()
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestStoppedProcess$")
	child.Env = append(os.Environ(), "PENSTOCK_STOPPED=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || lines.Text() != "ready" {
		t.Fatalf("the child said %q", lines.Text())
	}
	for range 6 {
		child.Process.Signal(syscall.SIGSTOP)
		<-time.After(150 * time.Millisecond)
		child.Process.Signal(syscall.SIGCONT)
		<-time.After(40 * time.Millisecond)
	}
	child.Process.Signal(syscall.SIGTERM)
	last := ""
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "read") {
			last = lines.Text()
		}
		if strings.HasPrefix(lines.Text(), "expired") {
			t.Error(lines.Text())
		}
	}
	child.Wait()
	var hits, pauses int
	if _, err := fmt.Sscanf(last, "read %d pauses %d", &hits, &pauses); err != nil || hits == 0 || pauses == 0 {
		t.Errorf("the child saw no stop: %q", last)
	}
}

// readWhileStopped runs in the child until it is terminated, for a while.
func readWhileStopped() {
	const ttl = 120 * time.Millisecond
	var c Cache[int, time.Time]
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Println("ready")
	hits, pauses := 0, 0
	last := time.Now()
	for i := 0; len(terminated) == 0; i++ {
		asked := time.Now()
		if asked.Sub(last) > 100*time.Millisecond {
			pauses++
		}
		last = asked
		dead, ok := c.Get(i % 8)
		if !ok {
			c.Set(i%8, time.Now().Add(ttl+time.Millisecond), ttl)
			// No sooner than here was the deadline fixed, no later than that.
			c.Compute(i%8, func(time.Time, bool) (time.Time, time.Duration, Action) { return time.Now().Add(ttl), 0, Amend })
			continue
		}
		hits++
		if !asked.Before(dead) {
			fmt.Printf("expired: a value was returned %v after its deadline\n", asked.Sub(dead))
		}
	}
	fmt.Printf("read %d pauses %d\n", hits, pauses)
	os.Exit(0)
}
