package kafka

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The wait of the beginning is told of, and how it ended, once: what the group
// gives later, when members come and go, is no end of that wait.
func TestJoiningTellsOnce(t *testing.T) {
	given := map[string][]int32{"orders": {0, 1}}
	for name, waited := range map[string]bool{"at once": false, "after a wait": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				j := joining{log: slog.New(slog.NewTextHandler(&log, nil)), session: shortSession}
				j.begin()
				want := 0
				if waited {
					time.Sleep(2 * joiningPatience)
					synctest.Wait()
					want = 2 // that it waits, and what came of it
				}
				for range 3 {
					j.given(t.Context(), nil, given)
				}
				j.end()
				if n := strings.Count(log.String(), "\n"); n != want {
					t.Errorf("%d lines, want %d:\n%s", n, want, log.String())
				}
			})
		})
	}
}
