package main

import (
	"context"
	"encoding/csv"
	"flag"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/penstock-io/penstock/csvfile"
	"github.com/penstock-io/penstock/internal/progress"
	"github.com/penstock-io/penstock/stats"
)

const quantilesMax = 1000 // of --quantiles

// statsConfig is what `penstock stats` is told.
type statsConfig struct {
	columns   string
	by        string
	nan, tie  string
	quantiles string
	approx    float64
	badMax    int64
	json      bool
	histogram bool
	csv       csvConfig
}

func defineStats(flags *flag.FlagSet) runner {
	c := &statsConfig{}
	flags.StringVar(&c.columns, "column", "", "`NAMES` of the columns to compute, with commas; a name with a comma in double quotes")
	flags.StringVar(&c.by, "by", "", "`NAME` of a column: compute for each of its values, of which there may be 1000")
	flags.StringVar(&c.nan, "nan", "reject", "what a cell that says NaN means: reject or omit")
	flags.StringVar(&c.tie, "tie", "smallest", "which of several most frequent values is the mode: smallest or first")
	flags.StringVar(&c.quantiles, "quantiles", "", "besides the median, with commas, as 0.9,0.99")
	flags.Float64Var(&c.approx, "approx", 0, "relative error, 0.001 to 0.25, that median and quantiles may have beyond a million different values of a column, or four million of all groups and columns together; 0 is 0.001. It grows where memory for so many groups needs it, up to 0.25")
	flags.Int64Var(&c.badMax, "max-bad", -1, "compute nothing when more cells than so many are no numbers; -1 is no limit")
	flags.BoolVar(&c.json, "json", false, "print a JSON object")
	flags.BoolVar(&c.histogram, "hist", false, "draw a histogram of each column")
	flags.StringVar(&c.csv.delimiter, "delimiter", ",", "the `character` between cells; tab for a tab")
	flags.StringVar(&c.csv.columns, "columns", "", "`NAMES` of the columns, with commas, of files without a header")
	flags.StringVar(&c.csv.encoding, "encoding", "utf8", "utf8, latin1 or utf16")
	flags.BoolVar(&c.csv.lenient, "lenient", false, "let quotes stand anywhere in a cell")
	flags.IntVar(&c.csv.record, "record-bytes-max", csvfile.DefaultRecordBytesMax, "longest record that is taken")
	return c.run
}

func (c *statsConfig) run(ctx context.Context, sh shell, args []string) error {
	files, err := expand(args)
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.columns) == "" {
		return usagef("which column? say --column NAME, or several with commas")
	}
	columns, err := columnNames(c.columns)
	if err != nil {
		return err
	}
	if err := c.check(files, columns); err != nil {
		return err
	}
	o, err := c.options()
	if err != nil {
		return err
	}
	m := &measuring{config: c, options: o, columns: columns, groups: map[string]group{}, firstBad: map[string]string{}}
	bar := progress.Options{Out: sh.stderr}
	if terminal(sh.stderr) {
		bar.Form = progress.Bar
	}
	all := sizeOf(files)
	stop := progress.Start(ctx, bar, func() progress.Sample {
		return progress.Sample{Bytes: m.bytes.Load(), BytesAll: all, Records: m.records.Load(), Rejected: m.bad.Load()}
	})
	err = m.readAll(ctx, files)
	stop()
	if err != nil {
		return err
	}
	return m.report(sh)
}

// check finds what cannot be meant. A file that is named twice would count twice,
// or be left out in silence.
func (c *statsConfig) check(files, columns []string) error {
	if _, twice := each(files); twice != "" {
		return usagef("%s is named twice: name each file once", twice)
	}
	if c.badMax < -1 {
		return usagef("--max-bad %d: say how many, or -1 for no limit", c.badMax)
	}
	return c.csv.checkColumns(func(name string) bool { return name == c.by || slices.Contains(columns, name) })
}

// columnNames are those of --column: a line of CSV.
func columnNames(list string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(list))
	names, err := r.Read()
	if err != nil {
		return nil, usagef("--column %q: write names with commas between them, as a,b or '\"a,b\",c'", list)
	}
	if _, err := r.Read(); err != io.EOF {
		return nil, usagef("--column %q: write all names in one line", list)
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return nil, usagef("--column names %q twice", name)
		}
	}
	return names, nil
}

// sizeOf is how many bytes the files have together, 0 if one does not say.
func sizeOf(files []string) (all int64) {
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			return 0
		}
		all += info.Size()
	}
	return all
}

// options are those of the accumulators.
func (c *statsConfig) options() (stats.Options, error) {
	o := stats.Options{Approx: c.approx, MaxDistinct: firstDistinct, MaxCells: firstCells}
	if c.nan != "reject" && c.nan != "omit" {
		return o, usagef("--nan %q: say reject or omit", c.nan)
	}
	if _, err := stats.NewAccumulator(o); err != nil {
		return o, usagef("--approx %v: say 0.001 to 0.25, or 0 for 0.001", c.approx)
	}
	switch c.tie {
	case "smallest":
	case "first":
		o.Tie = stats.FirstTie
	default:
		return o, usagef("--tie %q: say smallest or first", c.tie)
	}
	var err error
	o.Quantiles, err = quantilesOf(c.quantiles)
	return o, err
}

// quantilesOf are those of --quantiles.
func quantilesOf(list string) (all []float64, err error) {
	if list == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		p, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return nil, usagef("--quantiles: %q is not a number from 0 to 1", text)
		}
		all = append(all, p)
	}
	if len(all) > quantilesMax {
		return nil, usagef("--quantiles: there are %d, %d are allowed", len(all), quantilesMax)
	}
	return all, nil
}
