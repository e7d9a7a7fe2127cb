package dump

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	pyHead     = regexp.MustCompile(`^(?:Current thread|Thread) (0x[0-9a-f]+)(?: \[(.*)\])? \(most recent call first\):$`)
	pyFrame    = regexp.MustCompile(`^  File "(.*)", line (\d+) in (.*)$`)
	pyspyHead  = regexp.MustCompile(`^Thread (?:(\d+|0x[0-9A-Fa-f]+)) \(([^)]*)\)(?:: "(.*)")?$`)
	pyspyFrame = regexp.MustCompile(`^    (\S.*) \((.+):(\d+)\)$`)
)

// faulthandler reads what Python prints of all threads on a signal or time-out.
func faulthandler(lines []string) []Thread {
	return python(lines, pyHead, pyFrame, func(m []string) Thread {
		name := "thread " + m[1]
		if m[2] != "" {
			name = m[2]
		}
		return Thread{Name: name}
	}, func(m []string) (function, file, line string) { return m[3], m[1], m[2] })
}

// pyspy reads what py-spy dump prints.
func pyspy(lines []string) []Thread {
	return python(lines, pyspyHead, pyspyFrame, func(m []string) Thread {
		name := "thread " + m[1]
		if m[3] != "" {
			name = m[3]
		}
		return Thread{Name: name, State: m[2]}
	}, func(m []string) (function, file, line string) { return m[1], m[2], m[3] })
}

func python(lines []string, head, frame *regexp.Regexp, thread func([]string) Thread, place func([]string) (function, file, line string)) []Thread {
	var out []Thread
	for _, text := range lines {
		if m := head.FindStringSubmatch(text); m != nil {
			t := thread(m)
			t.Count = 1
			out = append(out, t)
			continue
		}
		if m := frame.FindStringSubmatch(text); m != nil && len(out) > 0 {
			function, file, line := place(m)
			n, err := strconv.Atoi(line)
			if err == nil {
				last := &out[len(out)-1]
				last.Frames = append(last.Frames, Frame{Function: function, File: file, Line: n})
			}
		}
	}
	for i := range out {
		out[i].ownCode()
	}
	return out
}

// ownCode takes off the frames of Python's own threading module, and keeps what they
// say of the wait.
func (t *Thread) ownCode() {
	for len(t.Frames) > 0 && base(t.Frames[0].File) == "threading.py" {
		switch name := t.Frames[0].Function; name[strings.LastIndexByte(name, '.')+1:] {
		case "acquire", "__enter__":
			t.Wait = Lock
		default:
			t.Wait = OtherWait // a condition, an event, a thread's end
		}
		t.Frames = t.Frames[1:]
	}
}
