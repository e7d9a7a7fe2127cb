package progress

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestForms(t *testing.T) {
	for form, want := range map[Form]string{
		Silent: "",
		Bar: "\r\x1b[K[=====               ]  25%  250 B  10 records  10/s  2 rejected  3s left  the pace is set by database" +
			"\r\x1b[K[=====               ]  25%  250 B  10 records  7/s  2 rejected  4s left  the pace is set by database\n",
		JSON: `{"seconds":1,"bytes":250,"bytes_all":1000,"records":10,"rejected":2,"records_per_second":10,"seconds_left":3,"bound":"database"}` + "\n" +
			`{"seconds":1.5,"bytes":250,"bytes_all":1000,"records":10,"rejected":2,"records_per_second":6.666666666666667,"seconds_left":4.5,"bound":"database"}` + "\n",
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			stop := Start(t.Context(), Options{Out: &out, Form: form, Every: time.Second}, func() Sample {
				return Sample{Bytes: 250, BytesAll: 1000, Records: 10, Rejected: 2, Bound: "database"}
			})
			time.Sleep(1500 * time.Millisecond)
			stop()
			if out.String() != want {
				t.Errorf("form %d:\n got %q\nwant %q", form, out.String(), want)
			}
		})
	}
}

func TestNothingIsKnownOfTheEnd(t *testing.T) {
	var out bytes.Buffer
	Options{Out: &out, Form: Bar}.write(newLine(Sample{Bytes: 5_250_000_000, Records: 3}, time.Second), "\n")
	if got := out.String(); strings.Contains(got, "%") || strings.Contains(got, "left") || !strings.Contains(got, "5.2 GB  3 records") {
		t.Errorf("%q", got)
	}
}
