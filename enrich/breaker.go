package enrich

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	failuresMax = 5                // failures in a row before a source is left alone
	restMin     = time.Second      // for so long at first,
	restMax     = 15 * time.Second // and twice as long each time, up to this
)

// A breaker spares a source that fails: after failuresMax failures in a row
// questions fail at once while it rests. Then one question is let through; its
// answer ends the rest, its failure doubles it.
type breaker struct {
	log *slog.Logger

	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // the end of the rest
	rest     time.Duration
	last     error // the last failure
}

// A restingError is the answer of a source that is left alone.
type restingError struct {
	failures int
	wait     time.Duration
	last     error
}

func (e *restingError) Error() string {
	return fmt.Sprintf("failed %d times in a row and is asked again in %v; the last failure: %v", e.failures, e.wait.Round(time.Millisecond), e.last)
}

func (e *restingError) Unwrap() error { return e.last }

// A valueError is the failure of one question: the source is well and will not
// have this value, or what it says of it is of no use.
type valueError struct{ error }

func (e valueError) Unwrap() error { return e.error }

// allow returns an error while the source rests.
func (b *breaker) allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < failuresMax {
		return nil
	}
	now := time.Now()
	if now.Before(b.until) {
		return &restingError{b.failures, b.until.Sub(now), b.last}
	}
	b.until = now.Add(b.rest) // for those who come while this one question is out
	return nil
}

// report counts an answer (nil) or a failure. A valueError is an answer: else
// a sender of nonsense could have the source left alone for all others.
func (b *breaker) report(err error) {
	if errors.As(err, new(valueError)) {
		err = nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		if b.failures > 0 {
			b.log.Info("look-up source answers again", "failures", b.failures)
		}
		b.failures, b.rest, b.last = 0, 0, nil
		return
	}
	b.failures++
	b.last = err
	if b.failures == 1 {
		b.log.Warn("look-up source failed", "err", err)
	}
	if b.failures < failuresMax {
		return
	}
	b.rest = min(max(2*b.rest, restMin), restMax)
	b.until = time.Now().Add(b.rest)
	b.log.Error("look-up source keeps failing, it is left alone for a while", "failures", b.failures, "rest", b.rest, "err", err)
}
