package deploy

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A File is one file of a package.
type File struct {
	Name string // by slashes, below the package's root
	Mode fs.FileMode
	Body []byte
}

// PackageBytesMax is what Lambda unpacks at most.
const PackageBytesMax = 250 << 20

// packed is when every file of a package was changed: the first moment that the
// ZIP format knows. A clock would make two packages of the same files differ.
var packed = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Archive makes the package of a function: a ZIP file whose bytes depend on
// the files alone, in whatever order they come and whenever it is made.
func Archive(files []File) ([]byte, error) {
	files = slices.SortedFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	total := 0
	for i, f := range files {
		if !fs.ValidPath(f.Name) || i > 0 && f.Name == files[i-1].Name {
			return nil, fmt.Errorf("package: %q cannot be the name of a file, or is there twice", f.Name)
		}
		if total += len(f.Body); total > PackageBytesMax {
			return nil, fmt.Errorf("package: more than %d MB, and Lambda unpacks no more", PackageBytesMax>>20)
		}
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: packed}
		h.SetMode(f.Mode)
		to, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := to.Write(f.Body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

var machines = map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64}

// CheckBootstrap reports whether a program can be the bootstrap of a function
// of the architecture: Linux's format, the right machine, nothing to link.
func CheckBootstrap(program []byte, architecture string) error {
	f, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return fmt.Errorf("bootstrap: no program for Linux: %w", err)
	}
	if f.Machine != machines[architecture] {
		return fmt.Errorf("bootstrap: built for %v, but the function is %s: give --arch, or build it with GOARCH", f.Machine, architecture)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("bootstrap: it needs libraries of its machine; build it with CGO_ENABLED=0")
		}
	}
	return nil
}
