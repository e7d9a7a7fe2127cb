package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/report"
)

// checkFlags are the flags of `penstock check`.
type checkFlags struct {
	explain, diff, fix, unsafe bool
	format, baseline           string
	rule                       string
	writeBaseline              bool
	observed, dump, driver     string
}

func defineCheck(flags *flag.FlagSet) runner {
	var c checkFlags
	flags.BoolVar(&c.explain, "explain", false, "tell each finding as the interleaving of its threads, and how to mend it")
	flags.BoolVar(&c.diff, "diff", false, "print the fixes as a unified diff")
	flags.BoolVar(&c.fix, "fix", false, "apply the fixes that change nothing but the fault, where it is likely or certain")
	flags.BoolVar(&c.unsafe, "unsafe-fixes", false, "apply, or show with --diff, those too that change more, as their text says")
	flags.StringVar(&c.format, "format", "text", "`FORMAT` of the findings: text, json, sarif or github")
	flags.StringVar(&c.baseline, "baseline", "", "`FILE` of findings that are known and let pass")
	flags.BoolVar(&c.writeBaseline, "write-baseline", false, "write what is found to the --baseline file")
	flags.StringVar(&c.rule, "explain-rule", "", "print the documentation of a `RULE`, or of all")
	flags.StringVar(&c.observed, "observed", "", "`FILE` of lock orders that runs have shown (LOCKORDER_OBSERVED), joined with those of the source")
	flags.StringVar(&c.driver, "driver", "", "database `LIBRARY` of Python files, and driver of Go packages, that import none, as sqlite3, psycopg or pgx: it decides how a parameter is written")
	flags.StringVar(&c.dump, "dump", "", "explain a hung process by the `FILE` with its threads: Go's goroutine dump, Python's faulthandler, py-spy; - is standard input")
	return func(ctx context.Context, sh shell, args []string) error { return c.run(ctx, sh, args) }
}

func (c checkFlags) run(ctx context.Context, sh shell, args []string) error {
	if c.rule != "" {
		return explainRule(sh.stdout, c.rule)
	}
	if !slices.Contains([]string{"text", "json", "sarif", "github"}, c.format) {
		return usagef("--format %s: say text, json, sarif or github", c.format)
	}
	if c.writeBaseline && c.baseline == "" {
		return usagef("--write-baseline needs --baseline FILE")
	}
	if c.driver != "" && !slices.Contains(check.Drivers(), c.driver) {
		return usagef("--driver %s is not known: say one of %s", c.driver, strings.Join(check.Drivers(), ", "))
	}
	if c.dump != "" {
		return c.diagnose(ctx, sh, args)
	}
	o := check.Options{Paths: args, Mend: true, Driver: c.driver}
	if c.observed != "" {
		var err error
		if o.Observed, err = check.ReadObserved(c.observed); err != nil {
			return err
		}
	}
	r, err := check.Run(ctx, o)
	if err != nil {
		return err
	}
	for _, text := range r.Passed {
		fmt.Fprintln(sh.stderr, "passed over:", text)
	}
	if r.Files == 0 && len(r.Problems) == 0 {
		return errors.New("there is no Go or Python file to check: name a file, a folder that has some, or a Go package")
	}
	for _, p := range r.Problems {
		fmt.Fprintln(sh.stderr, p)
	}
	var known check.Baseline
	if c.baseline != "" {
		if c.writeBaseline {
			return check.WriteBaseline(c.baseline, r.Findings)
		}
		if known, err = check.ReadBaseline(c.baseline); err != nil {
			return err
		}
		r.Findings = known.News(r.Findings)
	}
	var done mending
	if c.fix || c.unsafe && !c.diff {
		again := func() (*check.Report, error) {
			r, err := check.Run(ctx, o)
			if err == nil && c.baseline != "" {
				r.Findings = known.News(r.Findings)
			}
			return r, err
		}
		if r, err = c.mend(ctx, r, again, &done); err != nil {
			return err
		}
	}
	return c.finish(sh, r, &done)
}

// finish prints the findings, and what was mended.
func (c checkFlags) finish(sh shell, r *check.Report, done *mending) error {
	r.Findings = finding.Gather(r.Findings)
	if err := c.print(sh.stdout, r.Findings); err != nil {
		return err
	}
	if c.diff {
		if err := c.printDiff(sh.stdout, r.Findings, done); err != nil {
			return err
		}
	}
	if c.format == "text" {
		fmt.Fprintln(sh.stderr, summary(r, done.findings))
		if done.findings > 0 && slices.ContainsFunc(r.Findings, c.wanted) {
			fmt.Fprintln(sh.stderr, "more can be mended on top of this: run the same again")
		}
		if c.observed != "" {
			fmt.Fprintln(sh.stderr, observedSummary(r.Tally))
		}
	}
	if r.Fails() {
		return errFindings
	}
	if len(r.Problems) > 0 {
		return fmt.Errorf("%d places could not be read, the rest is clean", len(r.Problems))
	}
	return nil
}

func summary(r *check.Report, mended int) string {
	text := fmt.Sprintf("checked %d files, %d lines: ", r.Files, r.Lines)
	if mended > 0 {
		text += fmt.Sprintf("%d mended, ", mended)
	}
	switch n := len(r.Findings); n {
	case 0:
		return text + "nothing found"
	case 1:
		text += "1 finding"
	default:
		text += fmt.Sprintf("%d findings", n)
	}
	if !r.Fails() {
		text += ", only possible: the check does not fail"
	}
	return text
}

func (c checkFlags) print(w io.Writer, found []finding.Finding) error {
	switch c.format {
	case "json":
		return report.JSON(w, found)
	case "sarif":
		return report.SARIF(w, found, report.Rules())
	case "github":
		return report.GitHub(w, found)
	}
	depth := report.Brief
	switch {
	case c.explain:
		depth = report.Explain
	case c.fix, c.unsafe, c.diff:
		depth = report.Withheld
	}
	return report.Text(w, found, depth)
}

func explainRule(w io.Writer, id string) error {
	if id == "all" {
		for _, r := range report.Rules() {
			fmt.Fprintf(w, "%-16s %s\n", r.ID, r.Title)
		}
		return nil
	}
	r, ok := report.FindRule(id)
	if !ok {
		var names []string
		for _, r := range report.Rules() {
			names = append(names, r.ID)
		}
		return usagef("there is no rule %q; the rules are %s", id, strings.Join(names, ", "))
	}
	_, err := io.WriteString(w, r.Markdown())
	return err
}
