package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/penstock-io/penstock/journal"
)

// journalConfig is what `penstock journal` is told.
type journalConfig struct {
	within journal.Range
	id     string
}

func defineJournal(flags *flag.FlagSet) runner {
	c := &journalConfig{}
	flags.Uint64Var(&c.within.First, "first", 0, "export: number of the first event")
	flags.Uint64Var(&c.within.Last, "last", 0, "export: number of the last event; 0 is to the end")
	flags.StringVar(&c.id, "id", "", "repair: the journal's identity, 32 hex `digits`, where none can be read any more")
	return c.run
}

func (c *journalConfig) run(_ context.Context, sh shell, args []string) error {
	if len(args) != 2 {
		return usagef("say what to do with which journal: verify, repair or export, and its folder, as penstock-data/journal/orders")
	}
	switch what, dir := args[0], args[1]; what {
	case "verify":
		report, err := journal.Verify(dir)
		return printReport(sh.stdout, report, err)
	case "repair":
		report, err := journal.Repair(dir, c.id)
		return printReport(sh.stdout, report, err)
	case "export":
		n, err := journal.Export(dir, sh.stdout, c.within)
		fmt.Fprintf(sh.stderr, "%d events\n", n)
		return err
	default:
		return usagef("%q is not something to do with a journal: verify, repair or export", what)
	}
}

// printReport says what was found. Damage and loss are findings.
func printReport(out io.Writer, r journal.Recovery, err error) error {
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "segments %d, events %d (%d to %d), bytes %d\n", r.Segments, r.Events, r.First, r.Last, r.Bytes)
	fmt.Fprintf(out, "drained to %d, %d events wait for Kafka\n", r.Drained, r.Last-min(r.Last, r.Drained))
	if r.InUse {
		fmt.Fprintln(out, "a running penstock has it open: its end is in motion, and what looks torn may only be unfinished")
	}
	if r.Checkpoint != "" {
		fmt.Fprintln(out, "checkpoint:", r.Checkpoint)
	}
	for _, t := range r.Torn {
		fmt.Fprintf(out, "torn tail: %s at byte %d, %d bytes, %d events that were never acknowledged\n", t.Segment, t.Offset, t.Bytes, t.Events)
	}
	for _, d := range r.Damage {
		fmt.Fprintf(out, "damage: %s at byte %d, %d bytes", d.Segment, d.Offset, d.Bytes)
		if d.Lost.First > 0 {
			fmt.Fprintf(out, ", events %d to %d", d.Lost.First, d.Lost.Last)
		}
		if d.Drained {
			fmt.Fprint(out, ", which Kafka has")
		}
		if d.Quarantine != "" {
			fmt.Fprintf(out, "; the bytes are kept in %s", d.Quarantine)
		}
		fmt.Fprintln(out)
	}
	for _, l := range r.Lost {
		fmt.Fprintf(out, "LOST: events %d to %d were acknowledged, are not in Kafka by the checkpoint, and cannot be read\n", l.First, l.Last)
	}
	if len(r.Damage) > 0 || len(r.Lost) > 0 || r.Checkpoint != "" {
		return errFindings
	}
	return nil
}
