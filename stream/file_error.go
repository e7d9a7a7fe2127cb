package stream

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A FileError is one mistake in a stream file or in a schema file it names:
// where it stands, what is wrong and what to write instead.
type FileError struct {
	File string
	Line int // counted from 1
	Text string
}

// Error is file:line: text, which editors jump to.
func (e *FileError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text) }

// lineError is a mistake at node's line. The file's name is added by inFile,
// once it is known which file the node was read from.
func lineError(node *yaml.Node, format string, args ...any) error {
	line := 1
	if node != nil && node.Line > 0 {
		line = node.Line
	}
	return &FileError{Line: line, Text: fmt.Sprintf(format, args...)}
}

// sorted lists the mistakes joined in err by file and line, each once.
func sorted(err error) error {
	var all []error
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, part := range joined.Unwrap() {
				walk(part)
			}
			return
		}
		all = append(all, err)
	}
	if err == nil {
		return nil
	}
	walk(err)
	slices.SortStableFunc(all, func(a, b error) int {
		var x, y *FileError
		if !errors.As(a, &x) || !errors.As(b, &y) {
			return 0
		}
		return cmp.Or(strings.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	all = slices.CompactFunc(all, func(a, b error) bool { return a.Error() == b.Error() })
	return errors.Join(all...)
}

// inFile names the file in every FileError of err that has none yet.
func inFile(file string, err error) error {
	switch e := err.(type) {
	case nil:
		return nil
	case *FileError:
		if e.File == "" {
			e.File = file
		}
	case interface{ Unwrap() []error }:
		for _, part := range e.Unwrap() {
			inFile(file, part)
		}
	default:
		if inner := errors.Unwrap(err); inner != nil {
			inFile(file, inner)
		}
	}
	return err
}
