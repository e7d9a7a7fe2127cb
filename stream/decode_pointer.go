package stream

import (
	"strconv"
	"strings"
)

// pointerAt returns the JSON pointer of the innermost value that holds the
// byte at index at, or of the member whose name begins there when name is so.
// It walks the text again: only rejects pay for it. Everything before at has
// been scanned and is well formed.
func pointerAt(data []byte, at int, ofName bool) string {
	w := pointerWalk{data: data, at: at}
	w.walk()
	if ofName {
		end := closingQuote(data, at)
		w.path = append(w.path[:max(len(w.path)-1, 0)], pathToken{name: string(data[at+1 : end])})
	}
	var b strings.Builder
	for _, t := range w.path {
		if t.none {
			continue
		}
		if b.Len() > pointerBytesMax {
			b.WriteString("/…")
			break
		}
		b.WriteByte('/')
		if t.array {
			b.WriteString(strconv.Itoa(t.index))
			continue
		}
		name := string(appendUnescaped(nil, []byte(t.name)))
		b.WriteString(escapePointer(strings.ToValidUTF8(name, "\uFFFD")))
	}
	return b.String()
}

// pointerBytesMax bounds what a hostile text can make a pointer of.
const pointerBytesMax = 1000

// A pathToken is one open container and the member or element within it.
type pathToken struct {
	array bool
	none  bool // an object, between two members
	index int
	name  string // as it stands in the text
}

type pointerWalk struct {
	data []byte
	at   int
	path []pathToken
}

// walk stops in front of the token that holds at.
func (w *pointerWalk) walk() {
	isName := false
	for i := 0; i < w.at && i < len(w.data); {
		switch b := w.data[i]; b {
		case '{', '[':
			w.path = append(w.path, pathToken{array: b == '[', none: b == '{'})
			isName = b == '{'
		case '}', ']':
			if len(w.path) > 0 {
				w.path = w.path[:len(w.path)-1]
			}
		case ',':
			isName = w.nextMember()
		case '"':
			end := closingQuote(w.data, i)
			if end >= w.at {
				return
			}
			if isName {
				top := &w.path[len(w.path)-1]
				top.name, top.none = string(w.data[i+1:end]), false
				isName = false
			}
			i = end
		}
		i++
	}
}

func (w *pointerWalk) nextMember() (isName bool) {
	if len(w.path) == 0 {
		return false
	}
	top := &w.path[len(w.path)-1]
	top.index++
	top.none = !top.array
	return !top.array
}

// closingQuote returns the index of the quote that closes the string at i, or
// the length of data.
func closingQuote(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(data)
}
