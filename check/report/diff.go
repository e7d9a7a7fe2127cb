package report

import (
	"io"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/penstock-io/penstock/check/ir"
)

// Diff prints how a file changes, as a unified diff that patch -p1 applies.
func Diff(w io.Writer, f *ir.File, mended []byte) error {
	_, err := w.Write(diff.Diff("a/"+f.Path, f.Text, "b/"+f.Path, mended))
	return err
}
