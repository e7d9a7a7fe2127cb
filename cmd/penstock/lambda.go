package main

import (
	"context"
	"flag"
	"fmt"
	"time"

	"github.com/penstock-io/penstock/s3"
)

// lambdaConfig is what `penstock lambda` is told.
type lambdaConfig struct {
	log logConfig

	// local
	bucket, table, streams, rejects, ledger string

	env   string // of all that works with AWS
	again bool   // replay

	invoke invokeConfig

	template templateConfig
	pack     packageConfig
	wait     time.Duration // of smoke
}

func defineLambda(flags *flag.FlagSet) runner {
	c := &lambdaConfig{}
	c.log.define(flags)
	flags.StringVar(&c.bucket, "bucket", "", "local: the `folder` that stands for the bucket; each file in it is an object")
	flags.StringVar(&c.table, "table", "sqlite:penstock.db", "local: sqlite:FILE, or dynamodb:NAME at AWS_ENDPOINT_URL_DYNAMODB")
	flags.StringVar(&c.streams, "streams", "", "stream `file` or folder; without it the orders example")
	flags.StringVar(&c.rejects, "rejects", "", "local: `folder` of the rejects (default the bucket's name and .rejects)")
	flags.StringVar(&c.ledger, "ledger", "", "local: `folder` of the ledger (default one for each table, in the bucket's name and .ledger)")
	flags.StringVar(&c.env, "env", "", "dev, staging, prod or a configuration file: `environment` of all but local and package")
	flags.BoolVar(&c.again, "again", false, "replay: objects that are done, too")
	c.invoke.define(flags)
	flags.StringVar(&c.template.stack, "stack", "function", "template: function, or account: the roles and the bucket of packages")
	flags.StringVar(&c.template.sha256, "sha256", "", "template: `digest` of the package, as package prints it")
	flags.StringVar(&c.pack.out, "out", "", "package: `file` to write, as dist/penstock.zip; its bill of materials goes beside it")
	flags.StringVar(&c.pack.arch, "arch", "arm64", "package: arm64 or x86_64")
	flags.StringVar(&c.pack.bootstrap, "bootstrap", "", "package: a `program` that is built already; without it Go builds it from the source here")
	flags.StringVar(&c.pack.version, "release", "", "package: what the program's version is to be")
	flags.DurationVar(&c.wait, "wait", 3*time.Minute, "smoke: how long the function has")
	return c.run
}

func (c *lambdaConfig) run(ctx context.Context, sh shell, args []string) error {
	if len(args) == 0 {
		return usagef("say what to do: local, invoke, replay, status, template, package or smoke")
	}
	what, rest := args[0], args[1:]
	switch what {
	case "local":
		return c.local(ctx, sh, rest)
	case "invoke":
		return c.invoke.run(ctx, sh, c)
	case "bootstrap":
		return runFunction(ctx, sh)
	case "replay":
		return c.replay(ctx, sh, rest)
	case "status":
		return c.status(ctx, sh, rest)
	case "template":
		return c.template.run(sh, c, rest)
	case "package":
		return c.pack.run(ctx, sh, c, rest)
	case "smoke":
		return c.smoke(ctx, sh, rest)
	}
	return usagef("there is no penstock lambda %s; there are local, invoke, replay, status, template, package and smoke", what)
}

// status prints what the ledger has of an object.
func (c *lambdaConfig) status(ctx context.Context, sh shell, args []string) error {
	if len(args) != 1 {
		return usagef("say which object: its key in the environment's bucket")
	}
	f, err := openFunction(ctx, c.env, c.streams, sh)
	if err != nil {
		return err
	}
	defer f.close()
	p, there, err := f.door.Status(ctx, f.config.Bucket, args[0])
	if err != nil {
		return err
	}
	if !there {
		fmt.Fprintf(sh.stdout, "%s: nothing is known of it\n", args[0])
		return errFindings
	}
	printProgress(sh, p)
	return nil
}

func printProgress(sh shell, p s3.Progress) {
	fmt.Fprintf(sh.stdout, "%v: %s, stream %s, %v, text byte %d, invocation %d, %s\n",
		p.Object, p.State, p.Stream, p.Tally, p.Offset, p.Hop+1, p.At.Format(time.RFC3339))
	if p.Why != "" {
		fmt.Fprintln(sh.stdout, p.Why)
	}
}
