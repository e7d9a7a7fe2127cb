package main

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/penstock-io/penstock/s3"
)

// lambdaConfig is what `penstock lambda` is told.
type lambdaConfig struct {
	log logConfig

	// local
	bucket, table, streams, rejects, ledger string

	env   string // of all that works with AWS
	again bool   // local, replay

	invoke invokeConfig

	template templateConfig
	pack     packageConfig
	wait     time.Duration // of smoke
}

// A lambdaAction is one of the things that `penstock lambda` does, with the flags
// that it heeds.
type lambdaAction struct {
	name  string
	flags []string
	run   func(context.Context, shell, []string) error
}

func (c *lambdaConfig) actions() []lambdaAction {
	return []lambdaAction{
		{"local", []string{"bucket", "table", "streams", "rejects", "ledger", "again", "log-format", "log-level"}, c.local},
		{"invoke", []string{"env", "streams", "event", "duplicate", "shuffle", "seed", "kill-after", "throttle", "timeout"}, c.runInvoke},
		{"replay", []string{"env", "streams", "event", "again"}, c.replay},
		{"status", []string{"env", "streams"}, c.status},
		{"template", []string{"env", "streams", "stack", "sha256"}, c.runTemplate},
		{"package", []string{"streams", "out", "arch", "bootstrap", "release"}, c.runPackage},
		{"smoke", []string{"env", "wait"}, c.smoke},
	}
}

func (c *lambdaConfig) runInvoke(ctx context.Context, sh shell, args []string) error {
	return c.invoke.run(ctx, sh, c, args)
}

func (c *lambdaConfig) runTemplate(_ context.Context, sh shell, args []string) error {
	return c.template.run(sh, c, args)
}

func (c *lambdaConfig) runPackage(ctx context.Context, sh shell, args []string) error {
	return c.pack.run(ctx, sh, c, args)
}

func defineLambda(flags *flag.FlagSet) runner {
	c := &lambdaConfig{}
	c.log.define(flags)
	flags.StringVar(&c.bucket, "bucket", "", "the `folder` that stands for the bucket; each file in it is an object")
	flags.StringVar(&c.table, "table", "sqlite:penstock.db", "sqlite:FILE, or dynamodb:NAME at AWS_ENDPOINT_URL_DYNAMODB")
	flags.StringVar(&c.streams, "streams", "", "stream `file or folder` of them; empty: the orders example")
	flags.StringVar(&c.rejects, "rejects", "", "`folder` of the rejects (default the bucket's name and .rejects)")
	flags.StringVar(&c.ledger, "ledger", "", "`folder` of the ledger (default one for each table, in the bucket's name and .ledger)")
	flags.StringVar(&c.env, "env", "", "dev, staging, prod or a configuration file: the `environment`")
	flags.BoolVar(&c.again, "again", false, "read objects that are done once more, and those whose entry in the ledger is damaged")
	c.invoke.define(flags)
	flags.StringVar(&c.template.stack, "stack", "function", "function, or account: the roles and the bucket of packages")
	flags.StringVar(&c.template.sha256, "sha256", "", "`digest` of the package, as package prints it")
	flags.StringVar(&c.pack.out, "out", "", "`file` to write, as dist/penstock.zip; its bill of materials goes beside it")
	flags.StringVar(&c.pack.arch, "arch", "arm64", "arm64 or x86_64")
	flags.StringVar(&c.pack.bootstrap, "bootstrap", "", "a `program` that is built already; without it Go builds it from the source here")
	flags.StringVar(&c.pack.version, "release", "", "what the program's version is to be")
	flags.DurationVar(&c.wait, "wait", 3*time.Minute, "how long the function has")
	actions := c.actions()
	flags.VisitAll(func(f *flag.Flag) { f.Usage = strings.Join(heeding(actions, f.Name), ", ") + ": " + f.Usage })
	return func(ctx context.Context, sh shell, args []string) error {
		if len(args) > 0 && args[0] == "bootstrap" { // as Lambda starts it
			return runFunction(ctx, sh)
		}
		action, err := chooseAction(actions, flags, args)
		if err != nil {
			return err
		}
		return action.run(ctx, sh, args[1:])
	}
}

// heeding are the names of the actions that heed a flag.
func heeding(actions []lambdaAction, name string) []string {
	var names []string
	for _, a := range actions {
		if slices.Contains(a.flags, name) {
			names = append(names, a.name)
		}
	}
	return names
}

// chooseAction finds the action, and refuses flags of the command line that it
// would not heed: who gives one expects something of it.
func chooseAction(actions []lambdaAction, flags *flag.FlagSet, args []string) (lambdaAction, error) {
	var names []string
	for _, a := range actions {
		names = append(names, a.name)
	}
	all := strings.Join(names, ", ")
	if len(args) == 0 {
		return lambdaAction{}, usagef("say what to do: %s", all)
	}
	i := slices.Index(names, args[0])
	if i < 0 {
		return lambdaAction{}, usagef("there is no penstock lambda %s; there are %s", args[0], all)
	}
	var err error
	flags.Visit(func(f *flag.Flag) {
		if err == nil && !slices.Contains(actions[i].flags, f.Name) {
			err = usagef("lambda %s does not heed --%s, which is for %s", args[0], f.Name, strings.Join(heeding(actions, f.Name), ", "))
		}
	})
	return actions[i], err
}

// status prints what the ledger has of an object.
func (c *lambdaConfig) status(ctx context.Context, sh shell, args []string) error {
	if len(args) != 1 || args[0] == "" {
		return usagef("say which object: its key in the environment's bucket")
	}
	f, err := openFunction(ctx, c.env, c.streams, sh)
	if err != nil {
		return err
	}
	defer f.close()
	p, there, err := f.door.Status(ctx, f.config.Bucket, f.key(args[0]))
	if err != nil {
		return advised(err)
	}
	if !there {
		fmt.Fprintf(sh.stdout, "%s: nothing is known of it\n", printable(args[0]))
		return errFindings
	}
	printProgress(sh, p)
	if p.State == s3.Failed {
		return errFindings
	}
	return nil
}

// key is an object's key, which may be given as its address.
func (f *function) key(object string) string {
	return strings.TrimPrefix(object, "s3://"+f.config.Bucket+"/")
}

func printProgress(sh shell, p s3.Progress) {
	fmt.Fprintf(sh.stdout, "%s: %s, stream %s, %v, text byte %d, invocation %d, %s\n",
		printable(p.Object.String()), p.State, printable(p.Stream), p.Tally, p.Offset, p.Hop+1, p.At.Format(time.RFC3339))
	if p.Why != "" {
		fmt.Fprintln(sh.stdout, readable(p.Why))
	}
}
