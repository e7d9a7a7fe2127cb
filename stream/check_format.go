package stream

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A format is one value of the keyword format that is asserted. Of the formats
// of JSON Schema those are taken whose meaning is settled; any other is an
// error at load.
type format struct {
	name  string
	valid func(text []byte) bool
	wants string // what would be right, for people

	least, most int // characters of the shortest and the longest; most is -1 where there is none
}

var formats = []*format{
	{"date-time", validDateTime, "an RFC 3339 time with its offset and at most 9 digits of a second, as 2026-01-31T12:00:00Z", 20, -1},
	{"date", validDate, "a day that exists, as 2026-01-31", 10, 10},
	{"uuid", validUUID, "a UUID, as 123e4567-e89b-12d3-a456-426614174000", 36, 36},
	{"email", validEmail, "an e-mail address, as name@example.com", 3, 254},
	{"hostname", validHostname, "a host name of letters, digits and inner hyphens, as www.example.com", 1, 254},
	{"ipv4", validIPv4, "an IPv4 address, as 192.0.2.1", 7, 15},
	{"ipv6", validIPv6, "an IPv6 address without zone, as 2001:db8::1", 2, 45},
	{"uri", validURI, "an absolute URI, as https://example.com/a", 2, -1},
}

func formatNamed(name string) *format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return nil
}

// formatNames lists what the keyword format may say.
func formatNames() []string {
	names := make([]string, 0, len(formats)+1)
	for _, f := range formats {
		names = append(names, f.name)
	}
	return append(names, "decimal(p,s)")
}

var decimalFormat = regexp.MustCompile(`^decimal\(([0-9]{1,3}),([0-9]{1,3})\)$`)

// parseDecimalFormat reads decimal(p,s); ok is false when the name is another.
func parseDecimalFormat(name string) (precision, scale uint8, ok bool, err error) {
	if !strings.HasPrefix(name, "decimal") {
		return 0, 0, false, nil
	}
	m := decimalFormat.FindStringSubmatch(name)
	if m == nil {
		return 0, 0, true, fmt.Errorf("the format %q is not decimal(p,s); write digits in all and digits after the point, as decimal(12,2)", name)
	}
	p, _ := strconv.Atoi(m[1])
	s, _ := strconv.Atoi(m[2])
	if p < 1 || p > 18 || s > p {
		return 0, 0, true, fmt.Errorf("the format %s is out of range; p is 1 to 18 and s is 0 to p, as decimal(12,2)", name)
	}
	return uint8(p), uint8(s), true, nil
}

// digitsAt counts the digits text begins with.
func digitsAt(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

func validDateTime(text []byte) bool {
	_, _, ok := parseTime(text)
	return ok
}

func validDate(text []byte) bool {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return false
	}
	// A pair that is no pair is far below zero.
	year, month, day := pair(text, 0)*100+pair(text, 2), pair(text, 5), pair(text, 8)
	return year|month|day >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= monthDays(year, month)
}

func validUUID(text []byte) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range text {
		switch i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f') {
				return false
			}
		}
	}
	return true
}

// validEmail takes the addresses of RFC 5321: a dot-atom or a quoted local
// part, then a host name or an address literal.
func validEmail(text []byte) bool {
	at := bytes.LastIndexByte(text, '@')
	if at < 0 || at > 64 || len(text) > 254 {
		return false
	}
	local, domain := text[:at], text[at+1:]
	if len(local) > 1 && local[0] == '"' && local[len(local)-1] == '"' {
		if bytes.ContainsAny(local[1:len(local)-1], `\"`) {
			return false
		}
	} else if !validDotAtom(local) {
		return false
	}
	if len(domain) > 1 && domain[0] == '[' && domain[len(domain)-1] == ']' {
		literal := domain[1 : len(domain)-1]
		if rest, ok := bytes.CutPrefix(literal, []byte("IPv6:")); ok {
			return validIPv6(rest)
		}
		return validIPv4(literal)
	}
	return validHostname(domain)
}

func validDotAtom(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	before := byte('.')
	for _, c := range text {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-/=?^_`{|}~.", c) < 0 || c == '.' && before == '.' {
			return false
		}
		before = c
	}
	return before != '.'
}

func validHostname(text []byte) bool {
	text = bytes.TrimSuffix(text, []byte("."))
	if len(text) == 0 || len(text) > 253 {
		return false
	}
	label := 0
	for i, c := range text {
		switch {
		case c == '.':
			if label == 0 || text[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case c == '-':
			if label == 0 {
				return false
			}
		case !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'):
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && text[len(text)-1] != '-'
}

func validIPv4(text []byte) bool {
	for part := range 4 {
		n := digitsAt(text)
		if n == 0 || n > 3 || n > 1 && text[0] == '0' {
			return false
		}
		value := 0
		for _, c := range text[:n] {
			value = value*10 + int(c-'0')
		}
		if value > 255 {
			return false
		}
		text = text[n:]
		if part == 3 {
			break
		}
		if len(text) == 0 || text[0] != '.' {
			return false
		}
		text = text[1:]
	}
	return len(text) == 0
}

func validIPv6(text []byte) bool {
	if len(text) > 45 || bytes.IndexByte(text, ':') < 0 {
		return false
	}
	a, err := netip.ParseAddr(string(text))
	return err == nil && a.Zone() == ""
}

func validURI(text []byte) bool {
	u, err := url.Parse(string(text))
	if err != nil || !u.IsAbs() {
		return false
	}
	// net/url takes http://::1/ for a host; RFC 3986 wants it in brackets.
	host := u.Hostname()
	if strings.Contains(host, ":") {
		return strings.Contains(u.Host, "[") && strings.Contains(u.Host, "]") && validIPv6([]byte(host))
	}
	return true
}
