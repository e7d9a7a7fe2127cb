package main

import (
	"context"
	"flag"

	"github.com/penstock-io/penstock/internal/orders"
)

// genConfig is what `penstock gen` is told.
type genConfig struct {
	orders.Generator
	form        string
	from, count uint64
}

func defineGen(flags *flag.FlagSet) runner {
	c := &genConfig{}
	flags.Uint64Var(&c.count, "count", 10, "how many orders")
	flags.Uint64Var(&c.from, "from", 0, "number of the first order; order n has order_id n+1")
	flags.Uint64Var(&c.Seed, "seed", 1, "the same seed makes the same orders")
	flags.IntVar(&c.Users, "users", 4096, "how many users the orders are of")
	flags.Float64Var(&c.Bad, "bad", 0, "share of bad orders, 0 to 1")
	flags.StringVar(&c.form, "form", "ndjson", "ndjson, array, csv, cloudevents or cloudevents-batch")
	return c.run
}

func (c *genConfig) run(_ context.Context, sh shell, args []string) error {
	if len(args) > 0 {
		return usagef("gen takes no arguments, but got %q", args)
	}
	form, err := orders.ParseForm(c.form)
	if err != nil {
		return usagef("--form: %v", err)
	}
	if c.Bad < 0 || c.Bad > 1 {
		return usagef("--bad %v: a share is between 0 and 1", c.Bad)
	}
	return c.Write(sh.stdout, form, c.from, c.count)
}
