package main

import (
	"context"
	"flag"
	"fmt"

	"github.com/penstock-io/penstock/ingest"
)

func defineKey(*flag.FlagSet) runner {
	return func(_ context.Context, sh shell, args []string) error {
		if len(args) != 1 {
			return usagef("give the new key a name: penstock key NAME")
		}
		secret, hash := ingest.NewKey()
		fmt.Fprintf(sh.stderr, "the secret below is shown once and kept nowhere; its holder sends it as Authorization: Bearer SECRET\n")
		fmt.Fprintf(sh.stdout, "# secret: %s\n  - name: %q\n    hash: %s\n    streams: [\"*\"]\n", secret, args[0], hash)
		return nil
	}
}
