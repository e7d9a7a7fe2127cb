package dump

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	goHead    = regexp.MustCompile(`^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\]]*)\](?:\{[^}]*\})?:$`)
	goPlace   = regexp.MustCompile(`^\s+(.+):(\d+)(?: \+0x[0-9a-f]+)?(?: fp=.*)?$`)
	goProfile = regexp.MustCompile(`^(\d+) @( 0x[0-9a-f]+)+$`)
	goLock    = regexp.MustCompile(`^(?:internal/)?sync\.\(\*(?:RW)?Mutex\)\.(?:lockSlow|R?Lock)\((0x[0-9a-f]+)\)$`)
	goLine    = regexp.MustCompile(`^#\t0x[0-9a-f]+\t(\S+?)\+0x[0-9a-f]+\t+(.+):(\d+)$`)
)

// goroutines reads a traceback of all goroutines.
func goroutines(lines []string) []Thread {
	var out []Thread
	var current *Thread
	function, argument := "", ""
	for _, text := range lines {
		if m := goHead.FindStringSubmatch(text); m != nil {
			out = append(out, Thread{Name: "goroutine " + m[1], State: m[2], Count: 1})
			current, function = &out[len(out)-1], ""
			continue
		}
		switch {
		case current == nil:
		case strings.TrimSpace(text) == "":
			current = nil
		case strings.HasPrefix(text, "created by "):
			current = nil // the place of the go statement is no frame
		case function != "" && goPlace.MatchString(text):
			m := goPlace.FindStringSubmatch(text)
			n, err := strconv.Atoi(m[2])
			if err == nil {
				current.Frames = append(current.Frames, Frame{function, m[1], n, argument})
			}
			function = ""
		default:
			function, argument = calledName(text), ""
			if m := goLock.FindStringSubmatch(text); m != nil {
				argument = m[1] // with ? behind it, it may be an old one
			}
		}
	}
	return settle(out)
}

// calledName strips the arguments from a traceback's line: main.(*T).f(0x1, ...).
func calledName(text string) string {
	if !strings.HasSuffix(text, ")") {
		return ""
	}
	depth := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				return text[:i]
			}
		}
	}
	return ""
}

// profile reads a goroutine profile of debug=1, which counts goroutines that
// stand alike.
func profile(lines []string) []Thread {
	var out []Thread
	for _, text := range lines {
		if m := goProfile.FindStringSubmatch(text); m != nil {
			n, err := strconv.Atoi(m[1])
			if err == nil {
				out = append(out, Thread{Name: "goroutines of group " + strconv.Itoa(len(out)+1), Count: n})
			}
			continue
		}
		if m := goLine.FindStringSubmatch(text); m != nil && len(out) > 0 {
			n, err := strconv.Atoi(m[3])
			if err == nil {
				last := &out[len(out)-1]
				last.Frames = append(last.Frames, Frame{Function: m[1], File: m[2], Line: n})
			}
		}
	}
	return settle(out)
}

// settle takes off the frames of the runtime and of the lock library, and keeps
// what they say of the wait.
func settle(threads []Thread) []Thread {
	for i := range threads {
		t := &threads[i]
		t.Wait = OtherWait
		for len(t.Frames) > 0 && library(t.Frames[0].Function) {
			switch name := t.Frames[0].Function; {
			case strings.HasSuffix(name, "RWMutex).RLock"), strings.HasSuffix(name, "lockorder.(*reader).Lock"):
				t.Wait = ReadLock
			case strings.HasSuffix(name, "Mutex).Lock"), strings.HasSuffix(name, "Mutex).lockSlow"):
				t.Wait = Lock
			case strings.HasSuffix(name, "sync.(*rlocker).Lock"):
				t.Wait = ReadLock
			}
			if addr := t.Frames[0].argument; addr != "" {
				t.Addr = addr // a Mutex is what its own mutex and an RWMutex begin with
			}
			t.Frames = t.Frames[1:]
		}
	}
	return threads
}

// library reports whether a function is the runtime's or a lock's own.
func library(function string) bool {
	for _, prefix := range []string{"runtime.", "sync.", "internal/sync.", "internal/runtime/", "internal/poll.", "github.com/penstock-io/penstock/lockorder.("} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}
