package main

import (
	"flag"
	"fmt"
	"testing"
)

// TestEmptyVariables: a variable that is empty is as good as none, as where compose
// passes on what is not set, but not where the flag's help says that empty is
// something of its own.
func TestEmptyVariables(t *testing.T) {
	for _, c := range []struct {
		environment                map[string]string
		admin, data, adminWithFlag string
	}{
		{map[string]string{}, "127.0.0.1:8081", "penstock-data", ":1"},
		{map[string]string{"PENSTOCK_ADMIN": "", "PENSTOCK_DATA": "", "PENSTOCK_DRAIN_TIMEOUT": ""}, "", "penstock-data", ":1"},
		{map[string]string{"PENSTOCK_ADMIN": ":2", "PENSTOCK_DATA": "d"}, ":2", "d", ":1"},
	} {
		flags := flag.NewFlagSet("penstock serve", flag.ContinueOnError)
		defineServe(flags)
		err := fromEnvironment(flags, func(name string) (string, bool) {
			value, set := c.environment[name]
			return value, set
		})
		admin, data := flags.Lookup("admin").Value.String(), flags.Lookup("data").Value.String()
		if err != nil || admin != c.admin || data != c.data {
			t.Errorf("%v: admin %q, data %q, %v", c.environment, admin, data, err)
		}
		if _, err := parse(flags, []string{"--admin", ":1"}); err != nil || flags.Lookup("admin").Value.String() != c.adminWithFlag {
			t.Errorf("%v: the command line does not win: %v", c.environment, err)
		}
	}
}

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
