package kafka

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A broker that goes away while the group is joined does not end the reading:
// the driver joins again. What asking again does not change ends it.
func TestGroupErrorsThatPass(t *testing.T) {
	r := &reading{Source: &Source{o: SourceOptions{Topic: "orders", Group: "g"}, log: slog.New(slog.DiscardHandler)}}
	for _, c := range []struct {
		err    error
		passes bool
	}{
		{&kgo.ErrGroupSession{Err: io.EOF}, true},
		{&kgo.ErrGroupSession{Err: &net.OpError{Op: "dial", Err: errors.New("connection refused")}}, true},
		{&kgo.ErrGroupSession{Err: kerr.CoordinatorLoadInProgress}, true},
		{&kgo.ErrGroupSession{Err: kerr.UnknownMemberID}, true},
		{&kgo.ErrGroupSession{Err: kerr.GroupAuthorizationFailed}, false},
		{&kgo.ErrGroupSession{Err: errors.New("partition 0 of topic orders was made anew")}, false},
		{kerr.TopicAuthorizationFailed, false},
	} {
		if err := r.check(kgo.NewErrFetch(c.err)); (err == nil) != c.passes {
			t.Errorf("%v: %v", c.err, err)
		}
	}
}

// A Run that has an end gives a group up that does not come back; one that
// follows never does.
func TestLostGroupIsGivenUp(t *testing.T) {
	lost := kgo.NewErrFetch(&kgo.ErrGroupSession{Err: kerr.CoordinatorNotAvailable})
	for _, follow := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := &reading{Source: &Source{o: SourceOptions{Topic: "orders", Group: "g", Follow: follow}, log: slog.New(slog.DiscardHandler)}}
			if err := r.check(lost); err != nil {
				t.Fatal(err)
			}
			time.Sleep(groupPatience - time.Second)
			if err := r.check(lost); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			if err := r.check(lost); (err == nil) != follow {
				t.Errorf("follow %v: %v", follow, err)
			}
		})
	}
}
