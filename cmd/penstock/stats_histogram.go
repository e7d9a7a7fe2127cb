package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/penstock-io/penstock/stats"
)

const (
	histogramBins  = 12
	histogramCells = 40 // of the longest bar
)

type binStats struct {
	Low   stats.Number `json:"low"`
	High  stats.Number `json:"high"`
	Count uint64       `json:"count"`
}

func binsOf(a *stats.Accumulator) []binStats {
	bins := []binStats{}
	for _, b := range a.Histogram(histogramBins) {
		bins = append(bins, binStats{stats.Number(b.Low), stats.Number(b.High), b.Count})
	}
	return bins
}

// drawing says what bars are made of: eighths of a cell on a terminal that
// shows UTF-8, else hashes.
func drawing(sh shell) (cells []string) {
	locale := ""
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale = strings.ToLower(sh.getenv(name)); locale != "" {
			break
		}
	}
	if terminal(sh.stdout) && (strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")) {
		return strings.Split("▏▎▍▌▋▊▉█", "")
	}
	return []string{"#"}
}

// drawHistograms draws what --hist wants below the table.
func drawHistograms(out io.Writer, all []columnStats, cells []string) error {
	for _, l := range all {
		title := legible(l.Column)
		if l.By != nil {
			title += ", " + legible(*l.By)
		}
		fmt.Fprintf(out, "\n%s\n", title)
		if len(l.Histogram) == 0 {
			fmt.Fprintln(out, "no finite values")
		}
		most := uint64(0)
		for _, b := range l.Histogram {
			most = max(most, b.Count)
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		digits := digitsApart(l.Histogram)
		for _, b := range l.Histogram {
			fmt.Fprintf(w, "%.*g\tto %.*g\t%d\t  %s\n", digits, float64(b.Low), digits, float64(b.High), b.Count, bar(b.Count, most, cells))
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// digitsApart is with how many digits, six or more, the edges of bins differ.
func digitsApart(bins []binStats) int {
	digits := 6
	alike := func(b binStats) bool {
		return b.Low != b.High && fmt.Sprintf("%.*g", digits, float64(b.Low)) == fmt.Sprintf("%.*g", digits, float64(b.High))
	}
	for digits < 17 && slices.ContainsFunc(bins, alike) {
		digits++
	}
	return digits
}

// bar is as long as n is beside most, but not empty unless n is 0.
func bar(n, most uint64, cells []string) string {
	steps := uint64(len(cells))
	length := uint64(float64(n) / float64(most) * float64(histogramCells*steps))
	if n > 0 {
		length = max(length, 1)
	}
	text := strings.Repeat(cells[steps-1], int(length/steps))
	if part := length % steps; part > 0 {
		text += cells[part-1]
	}
	return text
}
