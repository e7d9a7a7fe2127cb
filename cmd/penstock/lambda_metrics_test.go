package main

import (
	"bytes"
	"testing"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/s3"
)

// A row that newer-wins drops is not written, and is told as what it is, in the
// metrics and by invoke.
func TestMetricsOfDroppedRows(t *testing.T) {
	tally := penstock.Tally{Read: 10, Delivered: 5, Dropped: 3, Rejected: 2}
	line, err := metricsLine("test", s3.Report{
		Notice:  s3.Notice{Object: s3.Object{Bucket: "b", Key: "k"}},
		Outcome: s3.Loaded, Tally: tally, Progress: s3.Progress{Tally: tally, Cut: 10},
	})
	if err != nil {
		t.Fatal(err)
	}
	var reports, log bytes.Buffer
	if _, err := (&functionOutput{reports: &reports, log: &log}).Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	const want = "s3://b/k: loaded, 10 rows in, 5 written, 3 dropped, 2 rejected, 0 unaccounted\n"
	if reports.String() != want || log.Len() > 0 {
		t.Errorf("of %s\ninvoke says %q, want %q", line, reports.String(), want)
	}
}
