package main

import (
	"runtime"
	"slices"
	"strings"
	"testing"
)

// smapsOfPIE is cut from a position-independent penstock's: the third mapping is
// read-only and written.
const smapsOfPIE = `556fd8400000-556fd9b4d000 r-xp 00400000 fe:00 123 /usr/bin/penstock
Size:              24372 kB
Rss:               13880 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
556fd9b4d000-556fdae00000 r--p 01b4d000 fe:00 123 /usr/bin/penstock
Rss:                9000 kB
Anonymous:             0 kB
556fdae00000-556fdb233000 r--p 02e00000 fe:00 123 /usr/bin/penstock
Rss:                4300 kB
Anonymous:          4300 kB
556fdb233000-556fdb31b000 rw-p 03233000 fe:00 123 /usr/bin/penstock
Anonymous:             0 kB
7f0000000000-7f0000100000 r-xp 00000000 fe:00 9 /usr/lib/libc.so.6
Anonymous:             0 kB
7f0000200000-7f0000300000 r--p 00000000 00:00 0
Anonymous:             0 kB
`

func TestCleanMappings(t *testing.T) {
	got, err := cleanMappings(strings.NewReader(smapsOfPIE), "/usr/bin/penstock")
	want := []mapping{{0x556fd8400000, 0x556fd9b4d000}, {0x556fd9b4d000, 0x556fdae00000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%x, %v, want %x", got, err, want)
	}
}

// TestDropStartPages goes on afterwards; `go test -buildmode=pie -run
// DropStartPages` is the build in which it once did not.
func TestDropStartPages(t *testing.T) {
	if err := dropStartPages(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
}
