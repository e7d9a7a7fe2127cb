package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropStartPages gives back the pages of the program file that only starting
// needed: the initialization of every library, used or not, touches some 28 MB
// of code and tables, much of it never again. What is needed still comes back
// from the page cache at the next touch.
func dropStartPages() error {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find the program file: %w", err)
	}
	maps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("read the process's mappings: %w", err)
	}
	defer maps.Close()
	clean, err := cleanMappings(maps, program)
	if err != nil {
		return fmt.Errorf("read the process's mappings: %w", err)
	}
	for _, m := range clean {
		if _, _, errno := unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED); errno != 0 {
			return fmt.Errorf("give back the program's pages: %w", errno)
		}
	}
	return nil
}

type mapping struct{ from, to uintptr }

// cleanMappings are the read-only mappings of the program file that hold what
// the file holds. Others are read-only and do not: the linker has written the
// addresses into those of a position-independent program, and a debugger its
// breakpoints. Their pages are anonymous, and would be lost.
func cleanMappings(smaps io.Reader, program string) ([]mapping, error) {
	var clean []mapping
	var m mapping
	candidate := false
	lines := bufio.NewScanner(smaps)
	for lines.Scan() {
		var from, to uintptr
		var mode, offset, device, inode, file string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s %s %s %s %s", &from, &to, &mode, &offset, &device, &inode, &file); n >= 3 {
			m, candidate = mapping{from, to}, file == program && mode[0] == 'r' && !strings.Contains(mode, "w")
			continue
		}
		if size, is := strings.CutPrefix(lines.Text(), "Anonymous:"); is && candidate && strings.TrimSpace(size) == "0 kB" {
			clean = append(clean, m)
		}
	}
	return clean, lines.Err()
}
