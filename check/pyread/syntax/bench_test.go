package syntax_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// rival parses the files named on stdin with CPython's ast, each read before
// the clock starts, and prints the CPU seconds.
const rival = `
import ast, sys, time, warnings
warnings.simplefilter("ignore")
spent = 0
for name in sys.stdin.read().split("\n"):
    text = open(name, "rb").read()
    began = time.process_time()
    try:
        ast.parse(text)
    except (SyntaxError, ValueError):
        pass
    spent += time.process_time() - began
print(spent)
`

// cpu is the CPU time of this process: a collector that runs on the other core
// is part of what reading costs.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCPython reads the standard library of python3 in turns with its
// own ast, and reports how many times the CPU time ast takes (the median of
// the rounds), with both speeds. "make bench-check" runs five rounds.
func BenchmarkCPython(b *testing.B) {
	files := library(b)
	texts := make([][]byte, len(files))
	size := 0
	for i, name := range files {
		var err error
		if texts[i], err = os.ReadFile(name); err != nil {
			b.Fatal(err)
		}
		size += len(texts[i])
	}
	var ours, theirs, ratios []float64
	for b.Loop() {
		began := cpu(b)
		for i, text := range texts {
			syntax.Parse(files[i], text)
		}
		own := (cpu(b) - began).Seconds()
		cmd := exec.Command(python(b), "-c", rival)
		cmd.Stdin = strings.NewReader(strings.Join(files, "\n"))
		out, err := cmd.Output()
		if err != nil {
			b.Fatal(err)
		}
		var ast float64
		if _, err := fmt.Fscan(bytes.NewReader(out), &ast); err != nil {
			b.Fatal(err)
		}
		ours, theirs, ratios = append(ours, own), append(theirs, ast), append(ratios, ast/own)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(size)/1e6/median(ours), "MB/s")
	b.ReportMetric(float64(size)/1e6/median(theirs), "ast-MB/s")
	b.ReportMetric(median(ratios), "ratio")
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// BenchmarkParse reads one file of medium size.
func BenchmarkParse(b *testing.B) {
	text, err := os.ReadFile("testdata/py/current.py")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		syntax.Parse("current.py", text)
	}
}
