package vet_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/penstock-io/penstock/check/vet"
)

// TestAnalyzer runs the analyzer as go vet would: both kinds of findings, and
// the comment that allows one.
func TestAnalyzer(t *testing.T) {
	analysistest.Run(t, analysistest.TestData(), vet.Analyzer, "a")
}
