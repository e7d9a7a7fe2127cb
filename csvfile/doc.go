// Package csvfile is the CSV door: it reads files of records, cuts them into
// chunks that can be loaded by themselves, and decodes the records into a
// stream's values.
//
//	in, err := csvfile.Open("orders.csv.zst", csvfile.UTF8)
//	sc, err := csvfile.NewScanner(in, csvfile.Options{})
//	for row, err := range sc.Rows() { … row.Cell(2) … }   // without a stream
//
//	err := csvfile.Source{Stream: orders, Inputs: inputs}.Run(ctx, sink)
//
// The grammar is RFC 4180 as encoding/csv reads it: cells may be quoted, quotes
// within are doubled, line breaks within stay; lines end in LF or CR LF; empty
// lines are no records. Two things differ: a line break within quotes stays as
// it is, CR LF included, and one malformed record does not end the reading: it
// is a reject, with its bytes.
package csvfile
