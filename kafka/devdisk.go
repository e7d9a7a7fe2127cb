package kafka

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// roomMin is what must be free on the disk for the development broker to take
// events. The rest is for the ends of transactions that are open by then.
const roomMin = 16 << 20

// A devDisk keeps a development broker from telling more than its disk holds.
//
// The broker answers that a transaction has ended also when the disk had no room
// for the end: an aborted one is then committed by the next of its producer. So
// nothing is taken while room is short, and if a write fails all the same, the
// broker never answers again, as if it had been killed at that moment; its next
// start mends what is then on the disk.
type devDisk struct {
	dir     string
	log     *slog.Logger
	roomMin atomic.Uint64 // which only tests change
	short   atomic.Bool   // was said
	running atomic.Bool   // neither starting nor closing
	failed  atomic.Bool   // a write has
}

func newDevDisk(dir string, log *slog.Logger) *devDisk {
	d := &devDisk{dir: dir, log: log}
	d.roomMin.Store(roomMin)
	return d
}

func freeBytes(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), nil
}

// Logf hears of the writes that the broker could not make. The broker calls it
// before it answers, so what waits here for ever is never answered.
func (d *devDisk) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn || !strings.HasPrefix(format, "persist ") && !strings.HasPrefix(format, "endTx: failed to persist") {
		return
	}
	if !d.failed.Swap(true) {
		d.log.Error("the development broker could not write, and stands still until it is started again: make room on its disk, then start penstock anew",
			"dir", d.dir, "err", fmt.Sprintf(format, args...))
	}
	d.hang()
}

// hang waits for ever, unless the broker is starting or closing.
func (d *devDisk) hang() {
	if d.running.Load() {
		select {}
	}
}

// refuse refuses what is produced while room is short.
func (d *devDisk) refuse(req kmsg.Request) (kmsg.Response, error, bool) {
	if d.failed.Load() {
		d.hang()
	}
	free, err := freeBytes(d.dir)
	least := d.roomMin.Load()
	if err == nil && free >= least {
		d.short.Store(false)
		return nil, nil, false
	}
	if !d.short.Swap(true) {
		d.log.Error("the development broker takes nothing while its disk has too little room: make room, and it goes on by itself",
			"dir", d.dir, "free_bytes", free, "free_bytes_min", least, "err", err)
	}
	produce, ok := req.(*kmsg.ProduceRequest)
	if !ok || produce.Acks == 0 {
		return nil, errors.New("no room"), true // which nobody reads: the connection is closed
	}
	return refuseProduce(produce), nil, true
}

// refuseProduce answers that nothing was stored; whoever asks may try again.
func refuseProduce(req *kmsg.ProduceRequest) *kmsg.ProduceResponse {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.KafkaStorageError.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}
