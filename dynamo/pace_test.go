package dynamo

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestPaceHalvesOncePerThrottling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(8)
		for range 8 {
			if err := p.enter(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		for i := range 4 {
			if lowered := p.leaveThrottled(time.Now()); lowered != (i == 0) {
				t.Errorf("request %d of the same moment: lowered %v", i, lowered)
			}
		}
		if p.limit != 4 {
			t.Errorf("limit %v, want 4", p.limit)
		}
		for range 100 {
			time.Sleep(time.Second)
			p.busy++
			p.leaveThrottled(time.Now())
		}
		if p.limit != 1 {
			t.Errorf("limit %v, want 1: it never ends altogether", p.limit)
		}
		for range 100 {
			p.busy++
			p.leave()
		}
		if p.limit != 8 {
			t.Errorf("limit %v, want 8 again", p.limit)
		}
	})
}

func TestPaceNeverLetsInMoreThanItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPace(3)
		var wait sync.WaitGroup
		var mu sync.Mutex
		inside, most, through := 0, 0, 0
		for i := range 60 {
			wait.Go(func() {
				// Every third one gives up while it waits.
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%3*1000)*time.Second)
				defer cancel()
				if p.enter(ctx) != nil {
					return
				}
				mu.Lock()
				inside++
				through++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				inside--
				mu.Unlock()
				p.leave()
			})
		}
		wait.Wait()
		if most != 3 || through < 40 {
			t.Errorf("%d at once, want 3; %d came through, want at least the 40 that wait", most, through)
		}
		if p.busy != 0 || len(p.queue) != 0 {
			t.Errorf("%d busy and %d waiting at the end", p.busy, len(p.queue))
		}
	})
}
