package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/penstock-io/penstock"
	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/internal/progress"
)

// useRejects has the load read the files' rejects, where there are any, in
// their place.
func (l *loading) useRejects() {
	var rejects []string
	for _, name := range l.files {
		if _, err := os.Stat(l.out(name) + ".csv"); err == nil {
			rejects = append(rejects, l.out(name)+".csv")
		}
	}
	l.files = rejects
}

// replaceRejects puts what was refused again in the place of what was tried
// again: a.csv.rejects.csv.rejects.csv becomes a.csv.rejects.csv.
func (l *loading) replaceRejects(name string) (string, error) {
	stem := strings.TrimSuffix(name, ".csv")
	if err := l.rejects.Retried(stem); err != nil {
		return "", err
	}
	for _, end := range []string{".jsonl", ".csv"} { // the one that is read last
		err := os.Rename(l.out(name)+end, stem+end)
		if errors.Is(err, os.ErrNotExist) {
			if err = os.Remove(stem + end); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
		}
		if err != nil {
			return "", err
		}
	}
	return stem + ".csv", nil
}

// A loadSummary is what is said in the end.
type loadSummary struct {
	Stream    string           `json:"stream"`
	To        string           `json:"to,omitempty"`
	Job       string           `json:"job,omitempty"`
	Read      int64            `json:"read"`
	Delivered int64            `json:"delivered"`
	Dropped   int64            `json:"dropped"`
	Rejected  int64            `json:"rejected"`
	Pending   int64            `json:"pending"`
	Before    int64            `json:"loaded_before"` // records that the ledger had when this run began, or that other loaders loaded
	Codes     map[string]int64 `json:"rejects_by_code,omitempty"`
	Files     []string         `json:"reject_files,omitempty"`
	Elsewhere int64            `json:"rejects_elsewhere,omitempty"` // kept by other loaders
	Retried   int64            `json:"rejects_retried,omitempty"`   // loaded or refused again by --retry-rejects, and not written once more
	Kept      []string         `json:"reject_files_kept,omitempty"` // left as they were found, mended
	Bytes     int64            `json:"bytes"`
	Seconds   float64          `json:"seconds"`
	Error     string           `json:"error,omitempty"`

	tally    penstock.Tally
	examples []csvfile.RejectLine
}

// report says what became of the load, and how it ends.
func (l *loading) report(ctx context.Context, sh shell, failed error) error {
	sum := l.summarise(failed)
	for _, name := range l.ignoredInVain() {
		l.log.Warn("--ignore-columns names a column that no file has: is it written right?", "column", name)
	}
	if l.target != nil && failed == nil {
		if err := l.settleAll(ctx, sum); err != nil {
			return err
		}
	}
	if l.target != nil && errors.Is(failed, errTooMany) && !l.config.retryRejects {
		if err := l.merge(ctx, sum); err != nil {
			return errors.Join(failed, err)
		}
		l.listRejects(sum)
	}
	t := sum.tally
	sum.Read, sum.Delivered, sum.Dropped, sum.Rejected, sum.Pending = t.Read, t.Delivered, t.Dropped, t.Rejected, t.Pending
	if l.config.json {
		if err := json.NewEncoder(sh.stdout).Encode(sum); err != nil {
			return err
		}
	} else {
		sum.print(sh.stdout, l.config.dryRun)
	}
	switch {
	case errors.Is(failed, context.Canceled):
		return errStopped
	case errors.Is(failed, errTooMany) && l.target != nil:
		return fmt.Errorf("%w: what is loaded stays; look at the reasons, and run the same command with a higher limit to go on", failed)
	case failed != nil:
		return failed
	case t.Rejected > sum.Retried || len(sum.Kept) > 0:
		return errFindings
	}
	return nil
}

// ignoredInVain are the names of --ignore-columns that no file has as a column,
// as far as all files' columns are known; those of rejects are a part.
func (l *loading) ignoredInVain() (names []string) {
	var columns []string
	for _, file := range l.files {
		header := l.source.Header(file)
		if header == nil || l.config.retryRejects {
			return nil
		}
		columns = append(columns, header...)
	}
	for _, name := range l.source.Ignore {
		if name != "" && name != "-" && !slices.Contains(columns, name) {
			names = append(names, name)
		}
	}
	return names
}

func (l *loading) summarise(failed error) *loadSummary {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, read := l.source.Progress()
	sum := &loadSummary{
		Stream: l.stream.Name, Bytes: read, Seconds: time.Since(l.began).Seconds(), Codes: l.countCodes(), examples: l.examples, tally: l.total.Tally(),
	}
	if l.target != nil {
		sum.Job = l.job
	}
	if failed != nil {
		sum.Error = failed.Error()
	}
	return sum
}

// settleAll takes the job's tally from the ledger, which knows of all loaders
// and runs, and puts the rejects together.
func (l *loading) settleAll(ctx context.Context, sum *loadSummary) error {
	run := sum.tally
	sum.tally = penstock.Tally{}
	for _, job := range []string{l.job, l.job + csvfile.AgainSuffix} {
		done, err := l.target.Done(ctx, job)
		if err != nil {
			return err
		}
		for _, c := range done {
			if !slices.Contains(l.files, c.Source) {
				continue // loaded by an earlier run with other files
			}
			if job == l.job {
				sum.tally.Read += c.Count
				sum.tally.Delivered += c.Count
			}
			sum.tally.Delivered -= c.Rejects
			sum.tally.Rejected += c.Rejects
		}
	}
	sum.Before = sum.tally.Read - run.Read + run.Dropped
	if err := l.merge(ctx, sum); err != nil {
		return err
	}
	if !l.config.retryRejects {
		l.listRejects(sum)
		return nil
	}
	for _, name := range l.files {
		rejects, err := l.replaceRejects(name)
		if err != nil {
			return fmt.Errorf("put the remaining rejects in the place of those tried again: %w", err)
		}
		if _, err := os.Stat(rejects); err == nil {
			sum.Files = append(sum.Files, rejects)
		}
	}
	return nil
}

// listRejects notes which files have rejects.
func (l *loading) listRejects(sum *loadSummary) {
	for _, name := range l.files {
		rejects := l.out(name) + ".csv"
		if _, err := os.Stat(rejects); err == nil {
			sum.Files = append(sum.Files, rejects)
		}
	}
}

// merge puts the rejects of each file together, and says in the summary which of
// them are not there. Those of rejects loaded again go by way of a file of their
// own, which nobody mends.
func (l *loading) merge(ctx context.Context, sum *loadSummary) error {
	put := l.rejects.Publish
	if l.config.retryRejects {
		put = l.rejects.Merge
	}
	bySource := map[string][]penstock.Chunk{}
	for _, job := range []string{l.job, l.job + csvfile.AgainSuffix} {
		done, err := l.target.Done(ctx, job)
		if err != nil {
			return err
		}
		for _, c := range done {
			bySource[c.Source] = append(bySource[c.Source], c)
		}
	}
	for _, name := range l.files {
		m, err := put(l.out(name), l.source.Header(name), l.source.Options.Comma, bySource[name])
		if err != nil {
			return err
		}
		sum.Elsewhere += m.Missing
		sum.Retried += m.Retried
		if m.Kept {
			sum.Kept = append(sum.Kept, l.out(name)+".csv")
		}
	}
	return nil
}

func (s *loadSummary) print(out io.Writer, dryRun bool) {
	if dryRun {
		fmt.Fprintln(out, "dry run: nothing is loaded; what would be, but for records that only the table would refuse, as of a key that is there twice:")
	}
	fmt.Fprintln(out, s.tally)
	if s.Before > 0 {
		fmt.Fprintf(out, "of these, %d records were loaded before this run or by other loaders\n", s.Before)
	}
	fmt.Fprintf(out, "%s in %.2f s\n", progress.Size(s.Bytes), s.Seconds)
	for _, code := range slices.Sorted(maps.Keys(s.Codes)) {
		fmt.Fprintf(out, "  %-14s %d\n", code, s.Codes[code])
	}
	for i, e := range s.examples {
		if i == 0 {
			fmt.Fprintln(out, "the first rejects:")
		}
		where := e.Column
		if where != "" {
			where += fmt.Sprintf(" %q: ", e.Value)
		}
		fmt.Fprintf(out, "  %s:%d: %s%s (%s)\n", e.File, e.Line, where, e.Reason, e.Code)
	}
	if len(s.Files) > 0 {
		fmt.Fprintf(out, "rejects, to be mended and loaded with --retry-rejects: %s\n", strings.Join(s.Files, ", "))
	}
	if len(s.Kept) > 0 {
		fmt.Fprintf(out, "left as found, since they are not as this job wrote them: %s\n", strings.Join(s.Kept, ", "))
	}
	if s.Retried > 0 {
		fmt.Fprintf(out, "%d of the rejects were retried and are not written again\n", s.Retried)
	}
	if s.Elsewhere > 0 {
		fmt.Fprintf(out, "%d more rejects are with other loaders\n", s.Elsewhere)
	}
}
