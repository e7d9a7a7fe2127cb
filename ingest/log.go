package ingest

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// complaints logs at most one line of a kind each second, and with it how many
// it kept to itself: an outage must not fill a disk with its own description.
type complaints struct {
	to *slog.Logger

	mu   sync.Mutex
	last map[string]*complaint // by message: a fixed few
}

type complaint struct {
	at     time.Time
	unsaid int
}

func (c *complaints) error(message string, args ...any) { c.say(slog.LevelError, message, args) }
func (c *complaints) warn(message string, args ...any)  { c.say(slog.LevelWarn, message, args) }

func (c *complaints) say(level slog.Level, message string, args []any) {
	unsaid, ok := c.mayspeak(message)
	if !ok {
		return
	}
	if unsaid > 0 {
		args = append(args, "unsaid", unsaid)
	}
	c.to.Log(context.Background(), level, message, args...)
}

func (c *complaints) mayspeak(message string) (unsaid int, ok bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[string]*complaint{}
	}
	last := c.last[message]
	if last == nil {
		last = &complaint{}
		c.last[message] = last
	}
	if now.Sub(last.at) < time.Second {
		last.unsaid++
		return 0, false
	}
	unsaid, last.unsaid, last.at = last.unsaid, 0, now
	return unsaid, true
}
