package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/check"
	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/report"
)

// checkFlags are the flags of `penstock check`.
type checkFlags struct {
	explain, diff, fix, unsafe bool
	format, baseline           string
	rule                       string
	writeBaseline              bool
}

func defineCheck(flags *flag.FlagSet) runner {
	var c checkFlags
	flags.BoolVar(&c.explain, "explain", false, "tell each finding as the interleaving of its threads, and how to mend it")
	flags.BoolVar(&c.diff, "diff", false, "print the fixes as a unified diff")
	flags.BoolVar(&c.fix, "fix", false, "apply the fixes that change nothing but the fault")
	flags.BoolVar(&c.unsafe, "unsafe-fixes", false, "apply, or show with --diff, those too that change more, as their text says")
	flags.StringVar(&c.format, "format", "text", "`FORMAT` of the findings: text, json, sarif or github")
	flags.StringVar(&c.baseline, "baseline", "", "`FILE` of findings that are known and let pass")
	flags.BoolVar(&c.writeBaseline, "write-baseline", false, "write what is found to the --baseline file")
	flags.StringVar(&c.rule, "explain-rule", "", "print the documentation of a `RULE`, or of all")
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
	r, err := check.Run(ctx, check.Options{Paths: args, Mend: true})
	if err != nil {
		return err
	}
	if r.Files == 0 && len(r.Problems) == 0 {
		return errors.New("there is no Go or Python file to check: name a file, a folder that has some, or a Go package")
	}
	for _, p := range r.Problems {
		fmt.Fprintf(sh.stderr, "%v: not read: %s\n", p.At, p.Text)
	}
	if c.baseline != "" {
		if c.writeBaseline {
			return check.WriteBaseline(c.baseline, r.Findings)
		}
		known, err := check.ReadBaseline(c.baseline)
		if err != nil {
			return err
		}
		r.Findings = known.News(r.Findings)
	}
	return c.finish(sh, r)
}

// finish prints the findings, or mends them.
func (c checkFlags) finish(sh shell, r *check.Report) error {
	mended := 0
	if c.fix || c.unsafe && !c.diff {
		var err error
		if r.Findings, mended, err = c.apply(r.Findings); err != nil {
			return err
		}
	}
	if err := c.print(sh.stdout, r.Findings); err != nil {
		return err
	}
	if c.diff {
		if err := c.printDiff(sh.stdout, r.Findings); err != nil {
			return err
		}
	}
	if c.format == "text" {
		fmt.Fprintln(sh.stderr, summary(r, mended))
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
	switch n := len(r.Findings); {
	case n == 0:
		return text + "nothing found"
	case n == 1:
		return text + "1 finding"
	default:
		return text + fmt.Sprintf("%d findings", n)
	}
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
	if c.explain {
		depth = report.Explain
	}
	return report.Text(w, found, depth)
}

// wanted reports whether the flags ask for a fix of that tier.
func (c checkFlags) wanted(f finding.Finding) bool {
	return len(f.Fixes) > 0 && (f.Fixes[0].Tier == finding.Safe || c.unsafe)
}

// apply writes the wanted fixes to their files, and returns what is left.
func (c checkFlags) apply(found []finding.Finding) (left []finding.Finding, mended int, err error) {
	var edits []finding.Edit
	for _, f := range found {
		if c.wanted(f) {
			edits = append(edits, f.Fixes[0].Edits...)
			mended++
		} else {
			left = append(left, f)
		}
	}
	texts, err := check.Mended(edits)
	if err != nil {
		return nil, 0, fmt.Errorf("two fixes change the same lines: mend one, then check again: %w", err)
	}
	for name, text := range texts {
		info, err := os.Stat(name)
		if err != nil {
			return nil, 0, fmt.Errorf("write the fix: %w", err)
		}
		if err := os.WriteFile(name, text, info.Mode().Perm()); err != nil {
			return nil, 0, fmt.Errorf("write the fix: %w", err)
		}
	}
	return left, mended, nil
}

func (c checkFlags) printDiff(w io.Writer, found []finding.Finding) error {
	var edits []finding.Edit
	files := map[string]*ir.File{}
	for _, f := range found {
		if c.wanted(f) {
			for _, e := range f.Fixes[0].Edits {
				edits = append(edits, e)
				files[e.Span.File.Abs] = e.Span.File
			}
		}
	}
	texts, err := check.Mended(edits)
	if err != nil {
		return fmt.Errorf("two fixes change the same lines: mend one, then check again: %w", err)
	}
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := report.Diff(w, files[name], texts[name]); err != nil {
			return err
		}
	}
	return nil
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
