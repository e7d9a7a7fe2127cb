package check

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sources are what a folder and those below it have to read.
type sources struct {
	golang bool // there are Go files
	python []string
	hidden map[string][]byte // by the absolute path of Go files that cannot be read: what the go command shall see
	left   []Problem
	passed []string // what is no file
}

// walk looks for Go and Python files. What cannot be read is left out, and no
// reason to leave out the rest.
func (s *sources) walk(dir string) error {
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && name == dir:
			return err
		case err != nil:
			s.left = append(s.left, Problem{Text: err.Error()})
			return nil
		case d.IsDir() && name != dir && passedOver(d.Name()):
			return fs.SkipDir
		case d.IsDir():
			return nil
		}
		return s.file(name, d)
	})
}

// passedOver reports whether a folder has what is not the program's own.
func passedOver(name string) bool {
	switch name {
	case "testdata", "node_modules", "venv", "site-packages", "vendor":
		return true
	}
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

func (s *sources) file(name string, d fs.DirEntry) error {
	golang, python := strings.HasSuffix(name, ".go"), strings.HasSuffix(name, ".py")
	if !golang && !python {
		return nil
	}
	if err := regular(name, d); err != nil {
		s.passed = append(s.passed, err.Error())
		if golang {
			return s.hide(name)
		}
		return nil
	}
	s.golang = s.golang || golang
	if python {
		s.python = append(s.python, name)
	}
	return nil
}

// regular tells why a file cannot be read: a link that leads nowhere, a pipe.
func regular(name string, d fs.DirEntry) error {
	mode := d.Type()
	if mode&fs.ModeSymlink != 0 {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("%s is a link that leads nowhere: %w", name, err)
		}
		mode = info.Mode()
	}
	if mode.IsDir() || mode.IsRegular() {
		return nil
	}
	return fmt.Errorf("%s is no file of text but %v", name, mode.Type())
}

// hide puts an empty file in the place of one that the go command could not
// read either.
func (s *sources) hide(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if s.hidden == nil {
		s.hidden = map[string][]byte{}
	}
	s.hidden[abs] = []byte("//go:build ignore\n\npackage ignore\n")
	return nil
}
