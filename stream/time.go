package stream

import "time"

// parseTime reads an RFC 3339 date-time: Unix seconds and the nanoseconds
// within. T and Z may be lower case, as the RFC allows. Format date-time means
// this and nothing else, at every door. What an instant to the nanosecond
// cannot hold exactly is refused rather than bent: leap seconds (:60), digits
// other than 0 beyond the ninth of a fraction, and times whose year in UTC is
// not 0000 to 9999.
func parseTime(text []byte) (seconds int64, nanos uint32, ok bool) {
	if len(text) < len("2006-01-02T15:04:05Z") {
		return 0, 0, false
	}
	year := pair(text, 0)*100 + pair(text, 2)
	month, day := pair(text, 5), pair(text, 8)
	hour, minute, second := pair(text, 11), pair(text, 14), pair(text, 17)
	// A pair that is no pair is far below zero.
	if year|month|day|hour|minute|second < 0 ||
		text[4] != '-' || text[7] != '-' || text[10]|0x20 != 't' || text[13] != ':' || text[16] != ':' ||
		month-1 > 11 || month == 0 || day == 0 || day > monthDays(year, month) ||
		hour > 23 || minute > 59 || second > 59 {
		return 0, 0, false
	}
	nanos, rest, ok := parseFraction(text[19:])
	if !ok {
		return 0, 0, false
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return 0, 0, false
	}
	seconds = daysSinceEpoch(year, month, day)*86400 + int64(hour*3600+minute*60+second-offset)
	return seconds, nanos, seconds >= yearZero && seconds < yearTenThousand
}

var (
	yearZero        = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	yearTenThousand = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
)

// pair reads two digits; it is negative when they are none.
func pair(text []byte, i int) int {
	a, b := text[i]-'0', text[i+1]-'0'
	if a > 9 || b > 9 {
		return -1 << 20
	}
	return int(a)*10 + int(b)
}

func parseFraction(text []byte) (nanos uint32, rest []byte, ok bool) {
	if text[0] != '.' {
		return 0, text, true
	}
	i, unit := 1, uint32(100_000_000)
	for ; i < len(text) && text[i]-'0' < 10; i++ {
		d := uint32(text[i] - '0')
		if unit == 0 && d != 0 {
			return 0, nil, false
		}
		nanos += d * unit
		unit /= 10
	}
	return nanos, text[i:], i > 1
}

// parseOffset reads Z or ±hh:mm as seconds east of UTC.
func parseOffset(text []byte) (east int, ok bool) {
	if len(text) == 1 {
		return 0, text[0]|0x20 == 'z'
	}
	if len(text) != len("+00:00") || text[3] != ':' {
		return 0, false
	}
	hour, minute := pair(text, 1), pair(text, 4)
	if hour|minute < 0 || hour > 23 || minute > 59 {
		return 0, false
	}
	east = hour*3600 + minute*60
	switch text[0] {
	case '+':
		return east, true
	case '-':
		return -east, true
	}
	return 0, false
}

func monthDays(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts days in the Gregorian calendar from 1970-01-01. The
// year is taken to begin in March, so that the leap day is its last.
func daysSinceEpoch(year, month, day int) int64 {
	year += 400 // above zero, by one whole cycle of the calendar
	if month < 3 {
		month += 12
		year--
	}
	const daysPerCycle, epoch = 146097, 719468
	ofYear := (153*(month-3)+2)/5 + day - 1
	return int64(365*year+year/4-year/100+year/400+ofYear) - daysPerCycle - epoch
}
