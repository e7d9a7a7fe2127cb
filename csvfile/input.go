package csvfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// An Encoding is how a file writes characters.
type Encoding uint8

// The encodings. UTF8 takes the bytes as they are, and what is not UTF-8 in a
// cell is found when the cell is decoded; a byte order mark is passed over, one
// of UTF-16 heeded. Latin1 is read as Windows-1252, as browsers do: the two
// differ in 27 characters that nobody means in Latin-1. UTF16 goes by its byte
// order mark and without one is little-endian.
const (
	UTF8 Encoding = iota
	Latin1
	UTF16
)

var encodings = [...]string{"utf8", "latin1", "utf16"}

// String is the encoding's name on a command line.
func (e Encoding) String() string { return encodings[e] }

// ParseEncoding reads an encoding's name: utf8, latin1 or utf16.
func ParseEncoding(name string) (Encoding, error) {
	for e, n := range encodings {
		if n == strings.ReplaceAll(strings.ToLower(name), "-", "") {
			return Encoding(e), nil
		}
	}
	return 0, fmt.Errorf("no encoding %q: say %s", name, strings.Join(encodings[:], ", "))
}

// A File is an open input: Read gives its text, decompressed, in UTF-8, without
// a byte order mark.
type File struct {
	text   io.Reader
	closes []func() error
	read   atomic.Int64
	size   int64
}

// Open opens a file; "-" is standard input. gzip and zstd are told by the
// file's first bytes, not by its name.
func Open(name string, encoding Encoding) (*File, error) {
	in, size := os.Stdin, int64(-1)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		info, err := file.Stat()
		if err == nil && info.IsDir() {
			err = fmt.Errorf("%s is a folder: name its files, as %s/*.csv", name, strings.TrimRight(name, "/"))
		}
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		in, size = file, info.Size()
	}
	return openText(name, in, size, encoding)
}

// openText is Open of what is open already and has so many bytes, -1 when that
// is not known. The File closes it.
func openText(name string, in io.ReadCloser, size int64, encoding Encoding) (*File, error) {
	f := &File{size: size, closes: []func() error{in.Close}}
	text, err := f.decode(in, encoding)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), f.Close())
	}
	f.text = text
	return f, nil
}

// Read reads text.
func (f *File) Read(p []byte) (int, error) { return f.text.Read(p) }

// Progress is how many bytes of the file, compressed as it may be, have been
// read, and how many there are: -1 when that is not known. It may be called at
// any time.
func (f *File) Progress() (read, size int64) { return f.read.Load(), f.size }

// Close closes the file.
func (f *File) Close() error {
	var errs []error
	for i := len(f.closes) - 1; i >= 0; i-- {
		errs = append(errs, f.closes[i]())
	}
	f.closes = nil
	return errors.Join(errs...)
}

// counted counts what is read of the file itself.
type counted struct {
	in io.Reader
	n  *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// An archive says of a read error what it means for the file.
type archive struct {
	text io.Reader
	form string
}

func (a archive) Read(p []byte) (int, error) {
	n, err := a.text.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("the %s file is cut off or damaged: %w", a.form, err)
	}
	return n, err
}

func (f *File) decode(in io.Reader, encoding Encoding) (io.Reader, error) {
	head := bufio.NewReaderSize(counted{in, &f.read}, 64<<10)
	text, err := f.decompress(head)
	if err != nil {
		return nil, err
	}
	mark, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case encoding == Latin1:
		return transform.NewReader(text, charmap.Windows1252.NewDecoder()), nil
	case encoding == UTF16 || bytes.HasPrefix(mark, []byte{0xff, 0xfe}) || bytes.HasPrefix(mark, []byte{0xfe, 0xff}):
		return transform.NewReader(text, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), nil
	case string(mark) == "\ufeff":
		if _, err := text.Discard(len(mark)); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// decompress reads gzip and zstd, all members or frames of the file.
func (f *File) decompress(in *bufio.Reader) (*bufio.Reader, error) {
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		text, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("read gzip: %w", err)
		}
		f.closes = append(f.closes, func() error { text.Close(); return nil }) // its error is what Read said before
		return bufio.NewReaderSize(archive{text, "gzip"}, 64<<10), nil
	case string(magic) == "\x28\xb5\x2f\xfd":
		text, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(1<<30))
		if err != nil {
			return nil, fmt.Errorf("read zstd: %w", err)
		}
		f.closes = append(f.closes, func() error { text.Close(); return nil })
		return bufio.NewReaderSize(archive{text, "zstd"}, 64<<10), nil
	}
	return in, nil
}

// fingerprintBytes is how much of each end of a file, and fingerprintSamples
// how many pieces between, a fingerprint takes in.
const (
	fingerprintBytes   = 1 << 20
	fingerprintSamples = 64
	sampleBytes        = 4 << 10
)

// Fingerprint tells a file from one that was changed: by its size, the time of
// its last change, and a hash of its two ends and of samples between, so that a
// file of any size takes no time. For "-" and for pipes there is none: it is "".
func Fingerprint(name string) (string, error) {
	if name == "-" {
		return "", nil
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", err // a pipe is opened once, by who reads it
	}
	file, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	return fingerprint(file, true)
}

// fingerprint is that of an open file, with the time of its change or without.
func fingerprint(file *os.File, dated bool) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	size, hash := info.Size(), sha256.New()
	parts := [][2]int64{{0, fingerprintBytes}, {max(0, size-fingerprintBytes), fingerprintBytes}}
	for i := range int64(fingerprintSamples) {
		parts = append(parts, [2]int64{size / fingerprintSamples * i, sampleBytes})
	}
	for _, p := range parts {
		if _, err := io.Copy(hash, io.NewSectionReader(file, p[0], p[1])); err != nil {
			return "", fmt.Errorf("take the fingerprint: %w", err)
		}
	}
	changed := ""
	if dated {
		changed = info.ModTime().UTC().Format(" changed=2006-01-02T15:04:05.999999999Z")
	}
	return fmt.Sprintf("size=%d%s sha256=%s", size, changed, hex.EncodeToString(hash.Sum(nil)[:16])), nil
}
