// Package progress says how far a long command has come: a bar on a terminal, or
// a JSON object a line for programs.
//
//	stop := progress.Start(ctx, progress.Options{Out: os.Stderr, Form: progress.Bar}, sample)
//	… work …
//	stop() // the last line, and nothing is written any more
package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// A Form is how progress is written.
type Form uint8

// The forms. The zero Form writes nothing.
const (
	Silent Form = iota
	Bar         // one line that is written over, for a terminal
	JSON        // an object a line
)

// Options say where and how. The zero Options write nothing.
type Options struct {
	Out   io.Writer
	Form  Form
	Every time.Duration // 0 means 200 ms for a bar and 1 s for JSON
}

// A Sample is how far the work has come at one moment.
type Sample struct {
	Bytes, BytesAll int64  // read, and to be read; 0 for all when that is not known
	Records         int64  // done
	Rejected        int64  // of them
	Bound           string // what sets the pace, as "database"; "" when that is not known
}

// A line is a Sample with what follows from the time it took.
type line struct {
	Seconds    float64 `json:"seconds"`
	Bytes      int64   `json:"bytes"`
	BytesAll   int64   `json:"bytes_all,omitempty"`
	Records    int64   `json:"records"`
	Rejected   int64   `json:"rejected"`
	PerSecond  float64 `json:"records_per_second"`
	SecondsETA float64 `json:"seconds_left,omitempty"`
	Bound      string  `json:"bound,omitempty"`
}

// Start writes progress until stop is called or ctx ends; stop waits for the
// last line.
func Start(ctx context.Context, o Options, sample func() Sample) (stop func()) {
	if o.Form == Silent {
		return func() {}
	}
	if o.Every <= 0 {
		o.Every = time.Second
		if o.Form == Bar {
			o.Every = 200 * time.Millisecond
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		began := time.Now()
		tick := time.NewTicker(o.Every)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				o.write(newLine(sample(), time.Since(began)), "\n")
				return
			case <-tick.C:
				o.write(newLine(sample(), time.Since(began)), "")
			}
		}
	})
	return func() {
		cancel()
		wait.Wait()
	}
}

func newLine(s Sample, took time.Duration) line {
	l := line{Seconds: took.Seconds(), Bytes: s.Bytes, BytesAll: s.BytesAll, Records: s.Records, Rejected: s.Rejected, Bound: s.Bound}
	if l.Seconds > 0 {
		l.PerSecond = float64(s.Records) / l.Seconds
	}
	if s.Bytes > 0 && s.BytesAll > s.Bytes {
		l.SecondsETA = l.Seconds * float64(s.BytesAll-s.Bytes) / float64(s.Bytes)
	}
	return l
}

const barCells = 20

func (o Options) write(l line, end string) {
	if o.Form == JSON {
		text, err := json.Marshal(l)
		if err != nil {
			panic("progress: a line is not JSON: " + err.Error())
		}
		fmt.Fprintf(o.Out, "%s\n", text)
		return
	}
	share := ""
	if l.BytesAll > 0 {
		full := int(min(l.Bytes, l.BytesAll) * barCells / l.BytesAll)
		share = fmt.Sprintf("[%s%s] %3d%%  ", strings.Repeat("=", full), strings.Repeat(" ", barCells-full), min(l.Bytes, l.BytesAll)*100/l.BytesAll)
	}
	text := fmt.Sprintf("%s%s  %d records  %.0f/s", share, Size(l.Bytes), l.Records, l.PerSecond)
	if l.Rejected > 0 {
		text += fmt.Sprintf("  %d rejected", l.Rejected)
	}
	if l.SecondsETA > 0 {
		text += "  " + (time.Duration(l.SecondsETA) * time.Second).String() + " left"
	}
	if l.Bound != "" {
		text += "  the pace is set by " + l.Bound
	}
	fmt.Fprintf(o.Out, "\r\x1b[K%s%s", text, end)
}

// Size writes a number of bytes as people do: 1.5 MB.
func Size(bytes int64) string {
	const unit = 1000
	if bytes < unit {
		return fmt.Sprintf("%d B", bytes)
	}
	value, prefix := float64(bytes)/unit, 0
	for value >= unit && prefix < 4 {
		value /= unit
		prefix++
	}
	return fmt.Sprintf("%.1f %cB", value, "kMGTP"[prefix])
}
