package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// resume sets the offsets at which partitions that the group has just given to
// this member are read on: where the sink's own record of them ends. The driver
// calls it while the group assigns, before anything of them is fetched.
func (r *reading) resume(ctx context.Context, given map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	select {
	case <-r.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	at, err := r.o.Positions(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask how far topic %s was read: %w", r.o.Topic, err)
	}
	ends, err := kadm.NewClient(r.client).ListEndOffsets(ctx, r.o.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("find the end of topic %s: %w", r.o.Topic, err)
	}
	for topic, partitions := range given {
		for p := range partitions {
			next, known := at[doorOf(topic, p)]
			if !known {
				partitions[p] = r.beginning()
				continue
			}
			// From a topic that was made anew, everything would pass for read.
			if end, ok := ends.Lookup(topic, p); ok && int64(next) > end.Offset {
				return nil, fmt.Errorf("partition %d of topic %s ends at %d, but was read to %d: the topic was made anew or has lost its end; "+
					"read it as another group, which begins at its start", p, topic, end.Offset, next)
			}
			partitions[p] = kgo.NewOffset().At(int64(next))
		}
	}
	return given, nil
}

func (s *Source) beginning() kgo.Offset {
	if s.o.From == FromEnd {
		return kgo.NewOffset().AtEnd()
	}
	return kgo.NewOffset().AtStart()
}
