package csvfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/penstock-io/penstock"
)

// A written says what a job has written to a file of rejects, or is about to:
// a crash may come before or after the file is in its place. It stands beside the
// job's parts, and what has been retried of them in a file of its own.
type written struct {
	Target    string   `json:"target"` // see Rejects
	Sum       string   `json:"sha256"` // of the file as it was written
	Parts     []string `json:"parts"`  // whose rejects are in it
	Next      string   `json:"next_sha256,omitempty"`
	NextParts []string `json:"next_parts,omitempty"`
}

func (r Rejects) writtenName(out string) string {
	return filepath.Join(r.Dir, filepath.Base(out)+".written")
}

// readWritten reads a record; the zero written is one that is not there.
func readWritten(name string) (w written, err error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return w, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &w)
	}
	if err != nil {
		return w, fmt.Errorf("read what rejects were written (%s): %w", name, err)
	}
	return w, nil
}

// writeWritten puts a record in its place, durably.
func writeWritten(name string, w written) error {
	text, err := json.Marshal(w)
	if err != nil {
		return err
	}
	f, err := create(name)
	if err != nil {
		return err
	}
	f.Write(text)
	return f.close(nil, Merged{Rejects: 1})
}

// Publish is Merge for the rejects of a job that people mend: it leaves out what
// was retried, and overwrites nothing but what the job has written there itself,
// or what is the same. Where the file holds something else and no reject would be
// new in it, it is left alone; else the error says what to do.
func (r Rejects) Publish(out string, header []string, comma byte, chunks []penstock.Chunk) (m Merged, err error) {
	there, err := sumOf(out + ".csv")
	if err != nil {
		return m, err
	}
	was, err := r.wrote(out, there)
	if err != nil {
		return m, err
	}
	due, parts, err := r.due(out, chunks, &m)
	if err != nil {
		return m, err
	}
	next, err := r.sum(header, comma, due)
	if err != nil {
		return m, err
	}
	if there != "" && there != was.Sum && there != next {
		if !slices.ContainsFunc(parts, func(part string) bool { return !slices.Contains(was.Parts, part) }) {
			m.Kept = true
			return m, nil
		}
		return m, fmt.Errorf("%s.csv is not as this job would write it: it was mended, or is of another load. What is loaded stays; "+
			"load that file with --retry-rejects or move it away, then the same command writes this job's rejects", out)
	}
	was.Target, was.Next, was.NextParts = r.Target, next, parts
	if err := writeWritten(r.writtenName(out), was); err != nil {
		return m, err
	}
	merged, err := r.Merge(out, header, comma, due)
	if err != nil {
		return m, err
	}
	m.Rejects, m.Missing = merged.Rejects, merged.Missing
	now := written{Target: r.Target, Parts: parts}
	if now.Sum, err = sumOf(out + ".csv"); err != nil || now.Sum == "" {
		return m, err
	}
	return m, r.note(out, now)
}

// wrote is what the job has written to out, whose sum is there: nothing, if the
// file was moved away.
func (r Rejects) wrote(out, there string) (written, error) {
	was, err := readWritten(r.writtenName(out))
	switch {
	case there == "":
		was = written{}
	case there == was.Next:
		was = written{Sum: was.Next, Parts: was.NextParts}
	}
	return was, err
}

// due are the chunks whose rejects were not retried, and the parts here that
// hold them. It counts the others.
func (r Rejects) due(out string, chunks []penstock.Chunk, m *Merged) (due []penstock.Chunk, parts []string, err error) {
	retried, err := readWritten(r.writtenName(out) + "-retried")
	if err != nil {
		return nil, nil, err
	}
	for _, c := range chunks {
		part := r.part(c, c.Loader)
		if c.Rejects > 0 && slices.Contains(retried.Parts, filepath.Base(part)) {
			m.Retried += c.Rejects
			continue
		}
		due = append(due, c)
		if _, err := os.Stat(part); c.Rejects > 0 && err == nil {
			parts = append(parts, filepath.Base(part))
		}
	}
	return due, parts, nil
}

// note notes what the job has written to out; what other jobs had written there
// was the same, or was moved away.
func (r Rejects) note(out string, now written) error {
	others, err := jobsIn(filepath.Dir(out))
	if err != nil {
		return err
	}
	for _, other := range others {
		if filepath.Clean(other.Dir) == filepath.Clean(r.Dir) {
			continue
		}
		theirs, err := readWritten(other.writtenName(out))
		if err != nil {
			return err
		}
		if theirs.Sum == now.Sum {
			continue
		}
		if err := os.Remove(other.writtenName(out)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return writeWritten(r.writtenName(out), now)
}

// sum is that of the file which the chunks' rejects make.
func (r Rejects) sum(header []string, comma byte, chunks []penstock.Chunk) (string, error) {
	h := sha256.New()
	records := bufio.NewWriter(h)
	if _, err := r.mergeTo(records, bufio.NewWriter(io.Discard), header, comma, chunks); err != nil {
		return "", err
	}
	err := records.Flush()
	return hex.EncodeToString(h.Sum(nil)), err
}

// Retried notes that the rejects in out.csv were loaded into the target, or
// refused again: whichever jobs of that target have written them do not write
// them once more.
func (r Rejects) Retried(out string) error {
	jobs, err := jobsIn(filepath.Dir(out))
	for _, job := range jobs {
		err = errors.Join(err, job.retire(out, r.Target))
	}
	return err
}

// jobsIn are the jobs whose rejects go to a folder.
func jobsIn(dir string) (jobs []Rejects, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), DirPrefix) {
			jobs = append(jobs, Rejects{Dir: filepath.Join(dir, e.Name())})
		}
	}
	return jobs, err
}

// retire moves what the job has written to out for the target to what was
// retried of it.
func (r Rejects) retire(out, target string) error {
	name := r.writtenName(out)
	was, err := readWritten(name)
	if err != nil || was.Sum == "" || was.Target != target {
		return err
	}
	retried, err := readWritten(name + "-retried")
	if err != nil {
		return err
	}
	retried.Parts = append(retried.Parts, was.Parts...)
	if err := writeWritten(name+"-retried", retried); err != nil {
		return err
	}
	return os.Remove(name)
}

// sumOf is the SHA-256 of a file; "" when there is none.
func sumOf(name string) (sum string, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), err
}
