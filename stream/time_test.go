package stream

import (
	"strings"
	"testing"
	"time"
)

// FuzzTime holds parseTime against time.Parse, made strict.
func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2026-01-31T12:34:56Z", "2026-01-31t12:34:56z", "2026-01-31T12:34:56.1Z", "2026-01-31T12:34:56.123456789+02:00",
		"2024-02-29T00:00:00-23:59", "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "0000-01-01T00:00:00Z",
		"0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999999-00:01", "9999-12-31T23:59:59Z", "1969-12-31T23:59:59.5Z",
		"2016-12-31T23:59:60Z", "2026-01-31T24:00:00Z", "2026-01-31 12:34:56Z", "2026-01-31T12:34:56", "2026-01-31T12:34:56.Z",
		"2026-01-31T12:34:56.1234567890Z", "2026-01-31T12:34:56.1234567891Z", "2026-01-31T12:34:56+24:00", "2026-01-31T12:34:56+0200",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-31T12:34:56,5Z",
		"2026-1-31T12:34:56Z", "-026-01-31T12:34:56Z", "2026-01-31T12:34:56z0", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seconds, nanos, ok := parseTime([]byte(text))
		want, strict := strictTime(text)
		if ok != strict {
			t.Fatalf("%q: taken %v, want %v", text, ok, strict)
		}
		if ok && (seconds != want.Unix() || int(nanos) != want.Nanosecond()) {
			t.Fatalf("%q is %d.%09d, want %d.%09d", text, seconds, nanos, want.Unix(), want.Nanosecond())
		}
	})
}

// strictTime is time.Parse without its leniencies: hours of one digit, a comma
// in the fraction, digits cut off, any offset.
func strictTime(text string) (time.Time, bool) {
	upper := strings.ToUpper(text)
	if len(upper) != len(text) || len(text) < 20 || strings.Contains(text, ",") || text[13] != ':' {
		return time.Time{}, false
	}
	if point := strings.IndexByte(text, '.'); point >= 0 {
		end := point + 1
		for end < len(text) && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		if end > point+10 && strings.Trim(text[point+10:end], "0") != "" {
			return time.Time{}, false
		}
	}
	at, err := time.Parse(time.RFC3339Nano, upper)
	if err != nil {
		return time.Time{}, false
	}
	if sign := len(text) - 6; text[sign] == '+' || text[sign] == '-' {
		if text[sign+1:sign+3] > "23" || text[sign+4:] > "59" {
			return time.Time{}, false
		}
	}
	year := at.UTC().Year()
	return at, year >= 0 && year <= 9999
}
