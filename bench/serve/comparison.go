package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

// A comparison is one row: penstock and a rival measured in turn, and the
// least ratio that was promised.
type comparison struct {
	title, rival string
	floor        float64
	load         load // of penstock
	drained      bool // penstock's time ends when the broker has it all
	against      func(context.Context) (measured, error)
	rounds       [][2]measured // penstock, rival
}

func (c *comparison) run(ctx context.Context, rounds int, p *server) error {
	for range rounds {
		rival, err := c.against(ctx)
		if err != nil {
			return err
		}
		begin := time.Now()
		ours, err := c.load.to(p)(ctx)
		if err != nil {
			return err
		}
		if err := p.awaitDrained(ctx); err != nil {
			return err
		}
		if c.drained {
			ours.elapsed = time.Since(begin)
		}
		c.rounds = append(c.rounds, [2]measured{ours, rival})
	}
	return nil
}

// ratio is the median over the rounds of ours to the rival.
func (c *comparison) ratio() float64 {
	var ratios []float64
	for _, r := range c.rounds {
		ratios = append(ratios, r[0].perSecond()/r[1].perSecond())
	}
	return median(ratios)
}

func (c *comparison) print(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", c.title)
	for side, name := range []string{"penstock serve", c.rival} {
		var rates, p50, p99 []float64
		for _, r := range c.rounds {
			rates = append(rates, r[side].perSecond())
			p50 = append(p50, float64(r[side].percentile(0.50)))
			p99 = append(p99, float64(r[side].percentile(0.99)))
		}
		fmt.Fprintf(out, "  %-50s %10.0f /s", name, median(rates))
		if median(p50) > 0 {
			fmt.Fprintf(out, "   p50 %v  p99 %v", round(median(p50)), round(median(p99)))
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintf(out, "  ratio %.2f (the aim: at least %.2f)\n", c.ratio(), c.floor)
}

func round(ns float64) time.Duration { return time.Duration(ns).Round(10 * time.Microsecond) }

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	return s[len(s)/2]
}
