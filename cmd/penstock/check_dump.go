package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/dump"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/report"
)

// diagnose explains a hung process by a dump of its threads.
func (c checkFlags) diagnose(ctx context.Context, sh shell, args []string) error {
	if c.fix || c.unsafe || c.diff || c.baseline != "" || c.observed != "" {
		return usagef("--dump explains a process that hangs: it goes with --format and paths only; to mend the source, check it without --dump")
	}
	threads, err := readDump(sh.stdin, c.dump)
	if err != nil {
		return err
	}
	r, err := check.Diagnose(ctx, check.Options{Paths: args}, threads)
	if err != nil {
		return err
	}
	for _, p := range r.Problems {
		fmt.Fprintln(sh.stderr, p)
	}
	if c.format == "text" {
		err = report.Text(sh.stdout, r.Findings, report.Explain)
	} else {
		err = c.print(sh.stdout, r.Findings)
	}
	if err != nil {
		return err
	}
	deadlocks := 0
	for _, f := range r.Findings {
		if f.Level.Fails() {
			deadlocks++
		}
	}
	if c.format == "text" {
		fmt.Fprintf(sh.stderr, "read %s: %s, %s outside of one\n", plural(len(threads), "thread"), plural(deadlocks, "deadlock"), plural(len(r.Findings)-deadlocks, "wait"))
	}
	if deadlocks > 0 {
		return errFindings
	}
	return nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func readDump(stdin io.Reader, name string) ([]dump.Thread, error) {
	if name == "-" {
		return dump.Read(stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the dump: %w", err)
	}
	defer f.Close()
	threads, err := dump.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return threads, nil
}

// observedSummary says how what runs have shown fits what was read.
func observedSummary(t locks.Tally) string {
	return fmt.Sprintf("observed: %d lock orders were seen, %d of them not in what was read; of %d that were read, %d were never seen; %d were seen where no lock is known to be taken",
		t.Seen, t.Added, t.Read, t.Unseen, t.Unplaced)
}
