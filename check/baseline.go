package check

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/penstock-io/penstock/check/finding"
)

// A Baseline is findings that are known and let pass, by key and number: a key
// stays equal while lines move.
type Baseline map[string]int

// ReadBaseline reads a baseline file.
func ReadBaseline(name string) (Baseline, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the baseline: %w; name the file that --write-baseline has written, or write it", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", err)
	}
	var b Baseline
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("read the baseline %s: %w; write it anew with --write-baseline", name, err)
	}
	return b, nil
}

// WriteBaseline keeps the keys of findings for the next check.
func WriteBaseline(name string, found []finding.Finding) error {
	text, err := json.MarshalIndent(keys(found), "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write the baseline: %w", err)
	}
	return nil
}

// News returns the findings that a baseline does not know.
func (b Baseline) News(found []finding.Finding) []finding.Finding {
	left := Baseline{}
	for k, n := range b {
		left[k] = n
	}
	return slices.DeleteFunc(slices.Clone(found), func(f finding.Finding) bool {
		left[f.Key]--
		return left[f.Key] >= 0
	})
}
