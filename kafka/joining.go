package kafka

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// How long the brokers wait for a member that says nothing, before they give
// its partitions to others.
const (
	longSession = 45 * time.Second // as the driver has it

	// Where the sink itself knows what it has, who only seemed dead does no
	// harm: then it is the shortest that brokers grant unless told otherwise.
	shortSession = 6 * time.Second
)

// joiningPatience is how long to wait for partitions without a word.
const joiningPatience = 2 * time.Second

// A joining tells of a wait for the group's partitions, once: a member that was
// killed keeps them until its session is over.
type joining struct {
	log     *slog.Logger
	session time.Duration
	begun   time.Time
	notice  *time.Timer
	over    bool // the first partitions are there, or nothing need be said of them
}

// begin waits from now on.
func (j *joining) begin() {
	j.begun = time.Now()
	j.notice = time.AfterFunc(joiningPatience, func() {
		j.log.Info("waiting until the group gives partitions: those of a member that was killed are free when the brokers have missed it for the session's time", "session", j.session)
	})
}

// given is called by the driver when the group has made up its mind.
func (j *joining) given(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
	if j.over {
		return // the group gives partitions anew whenever a member comes or goes
	}
	n := 0
	for _, of := range partitions {
		n += len(of)
	}
	unsaid := j.notice.Stop()
	j.over = unsaid || n > 0
	if !unsaid && n > 0 {
		j.log.Info("the group has given partitions", "partitions", n, "after", time.Since(j.begun).Round(time.Millisecond))
	}
}

// end stops waiting.
func (j *joining) end() { j.notice.Stop() }
