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
		lines := fmt.Sprintf("  - name: %q\n    hash: %s\n    streams: [\"*\"]\n", args[0], hash)
		if _, err := ingest.ParseKeys([]byte("keys:\n" + lines)); err != nil {
			return usagef("line %v", err)
		}
		// Apart, so that the lines can be appended to the file, which holds no secrets.
		fmt.Fprintf(sh.stderr, "secret: %s\nit is shown once and kept nowhere; its holder sends it as Authorization: Bearer SECRET\nfor the keys file, below `keys:`:\n", secret)
		_, err := fmt.Fprint(sh.stdout, lines)
		return err
	}
}
