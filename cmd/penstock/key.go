package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/ingest"
)

func defineKey(flags *flag.FlagSet) runner {
	user := flags.String("user", "", "make a key that reads this user's rows instead of one that sends")
	users := flags.Bool("users", false, "make a key for a service that reads the rows of any user")
	tenant := flags.String("tenant", "", "with --user or --users: the tenant whose rows they are, where reads have one")
	return func(_ context.Context, sh shell, args []string) error {
		if len(args) != 1 {
			return usagef("give the new key a name: penstock key NAME")
		}
		if err := checkGiven(flags, "user", "tenant"); err != nil {
			return err
		}
		right := "streams: [\"*\"]"
		switch {
		case *user != "" && *users:
			return usagef("a key is one user's with --user, or a service's with --users: give one of them")
		case *tenant != "" && *user == "" && !*users:
			return usagef("--tenant goes with --user or --users")
		case *users:
			right = `users: "*"`
		case *user != "":
			right = fmt.Sprintf("user: %q", *user)
		}
		if *tenant != "" {
			right += fmt.Sprintf("\n    tenant: %q", *tenant)
		}
		secret, hash := ingest.NewKey()
		lines := fmt.Sprintf("  - name: %q\n    hash: %s\n    %s\n", args[0], hash, right)
		if _, err := ingest.ParseKeys([]byte("keys:\n" + lines)); err != nil {
			return usagef("line %v", err)
		}
		// Apart, so that the lines can be appended to the file, which holds no secrets.
		fmt.Fprintf(sh.stderr, "secret: %s\nit is shown once and kept nowhere; its holder sends it as Authorization: Bearer SECRET\nfor the keys file, below `keys:`:\n", secret)
		_, err := fmt.Fprint(sh.stdout, lines)
		return err
	}
}

// checkGiven refuses flags that were given with nothing in them, or spaces
// around it: an empty --user "$ID" must not make a key that sends.
func checkGiven(flags *flag.FlagSet, names ...string) (err error) {
	flags.Visit(func(f *flag.Flag) {
		if v := f.Value.String(); slices.Contains(names, f.Name) && (v == "" || strings.TrimSpace(v) != v) {
			err = usagef("--%s %q is empty, or has spaces around it", f.Name, v)
		}
	})
	return err
}
