package main

import (
	"flag"
	"fmt"
	"testing"
)

// TestVariablesMeanOneThing: what the environment sets for one subcommand is
// what it says to all that have such a flag.
func TestVariablesMeanOneThing(t *testing.T) {
	meaning := map[string]string{}
	for _, c := range commands() {
		flags := flag.NewFlagSet("penstock "+c.name, flag.ContinueOnError)
		c.define(flags)
		flags.VisitAll(func(f *flag.Flag) {
			placeholder, _ := flag.UnquoteUsage(f)
			here, name := fmt.Sprintf("%T %s", f.Value, placeholder), variable(flags, f.Name)
			if there, known := meaning[name]; known && there != here {
				t.Errorf("%s is %s to %s, and %s to another subcommand", name, here, c.name, there)
			}
			meaning[name] = here
		})
	}
}
