package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/report"
)

// TestTextMethodValue: a method value, which has no place in the source, is no call on
// the way to its method.
func TestTextMethodValue(t *testing.T) {
	f := sample()
	f.Steps[0].Via, f.Steps[0].Names = []ir.Span{{}}, []string{"inner", "inner"}
	var b bytes.Buffer
	if err := report.Text(&b, []finding.Finding{f}, report.Explain); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "via") {
		t.Errorf("a call is told:\n%s", b.String())
	}
}
