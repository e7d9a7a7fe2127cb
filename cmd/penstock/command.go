package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The exit codes of every subcommand.
const (
	exitDone     = 0
	exitFindings = 1 // done, but there are findings or rejects to look at
	exitUsage    = 2
	exitFailed   = 3
)

// shell is what a subcommand has of the world outside.
type shell struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	lookupEnv      func(string) (string, bool) // nil: what getenv says
}

// variable is an environment variable, and whether it is set, if only to nothing.
func (sh shell) variable(name string) (string, bool) {
	if sh.lookupEnv != nil {
		return sh.lookupEnv(name)
	}
	value := sh.getenv(name)
	return value, value != ""
}

// A command is one subcommand: define declares its flags and returns what runs
// once they are parsed.
type command struct {
	name   string
	args   string // what follows the flags, for the usage line
	about  string // one line
	define func(*flag.FlagSet) runner
}

// A runner carries a subcommand out with what followed the flags.
type runner func(ctx context.Context, sh shell, args []string) error

func commands() []command {
	return []command{
		{"serve", "", "take events in by HTTP, check and enrich them, publish to Kafka", defineServe},
		{"sink", "", "put a topic's events into a database table, each exactly once", defineSink},
		{"load", "FILE...", "load CSV files into a database, judged by a stream's rules, each record once", defineLoad},
		{"stats", "FILE...", "mean, median and mode of CSV columns, exactly", defineStats},
		{"tail", "STREAM", "print a stream's events from Kafka", defineTail},
		{"replay", "STREAM", "send a stream's rejects to the HTTP door again", defineReplay},
		{"journal", "verify|repair|export DIR", "look into a stream's journal, mend it, print it", defineJournal},
		{"gen", "", "make up orders, good and bad, in any form a door reads", defineGen},
		{"key", "NAME", "make a new API key (on stderr) and its lines for the keys file", defineKey},
		{"check", "[PATH...]", "find deadlocks and SQL injection in Go and Python, explain and mend them; what is only possible fails no check", defineCheck},
		{"role", "", "print the SQL of the PostgreSQL role that reads are answered with", defineRole},
		{"lambda", "local|invoke|replay|status|template|package|smoke", "S3 objects into DynamoDB, as an AWS Lambda function or on this machine", defineLambda},
		{"version", "", "print the version", defineVersion},
	}
}

// usageError is a mistake in how the program was called.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errFindings ends a subcommand that did its work and found something to look at.
var errFindings = errors.New("findings")

// run carries out one call of the program and returns its exit code.
func run(ctx context.Context, args []string, sh shell) int {
	if len(args) > 1 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "-h")
	}
	if len(args) == 0 || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help" {
		printHelp(sh.stdout)
		return exitDone
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], sh)
		}
	}
	fmt.Fprintf(sh.stderr, "penstock: there is no subcommand %q; penstock -h lists them\n", args[0])
	return exitUsage
}

func (c command) run(ctx context.Context, args []string, sh shell) int {
	flags := flag.NewFlagSet("penstock "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	start := c.define(flags)
	err := fromEnvironment(flags, sh.variable)
	var rest []string
	if err == nil {
		rest, err = parse(flags, args)
		err = plainly(flags, err)
	}
	if err == nil {
		err = refuseSecrets(flags)
	}
	switch {
	case errors.Is(err, flag.ErrHelp):
		c.printHelp(sh.stdout, flags)
		return exitDone
	case err != nil:
		err = usagef("%v", err)
	default:
		err = start(ctx, sh, rest)
	}
	return c.report(err, sh.stderr)
}

// parse reads flags before, between and behind the arguments, which it returns.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		args = flags.Args()
		if len(args) == 0 {
			return rest, nil
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// report says what went wrong, once, and chooses the exit code.
func (c command) report(err error, stderr io.Writer) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFindings):
		return exitFindings
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "penstock %s: %s\npenstock %s -h shows how to call it\n", c.name, readable(err.Error()), c.name)
		return exitUsage
	}
	fmt.Fprintf(stderr, "penstock %s: %s\n", c.name, readable(err.Error()))
	return exitFailed
}

// emptyFlags are those of which empty is a choice that their default is not. An
// empty variable of any other is as good as none.
var emptyFlags = []string{"admin"}

// fromEnvironment sets each flag from its environment variable; the command
// line, parsed afterwards, wins.
func fromEnvironment(flags *flag.FlagSet, lookup func(string) (string, bool)) error {
	var err error
	flags.VisitAll(func(f *flag.Flag) {
		name := variable(flags, f.Name)
		value, set := lookup(name)
		if value == "" && !(set && slices.Contains(emptyFlags, f.Name)) || err != nil {
			return
		}
		if e := f.Value.Set(value); e != nil {
			err = fmt.Errorf("%s=%q: %s", name, value, wanted(f, e.Error()))
		}
	})
	return err
}

// secretFlags hold nothing but a secret.
var secretFlags = []string{"kafka-password"}

// passwordInside finds a password in a URL: postgres://me:secret@db/shop, or
// postgres://db/shop?password=secret.
var passwordInside = regexp.MustCompile(`://[^/@]*:[^/@]*@|[?&](ssl)?password=`)

// refuseSecrets refuses a secret on the command line, which everybody on the
// machine can read there, and the shell remembers.
func refuseSecrets(flags *flag.FlagSet) error {
	var err error
	flags.Visit(func(f *flag.Flag) { // those of the command line; fromEnvironment sets values without that being noted
		switch {
		case slices.Contains(secretFlags, f.Name):
			err = fmt.Errorf("--%s is a secret, and everybody on this machine can read the command line; put it into the environment as %s", f.Name, variable(flags, f.Name))
		case passwordInside.MatchString(f.Value.String()):
			err = fmt.Errorf("--%s has a password in it, and everybody on this machine can read the command line; %s", f.Name, passwordBelongs(flags, f))
		}
	})
	return err
}

// passwordBelongs says where to put a password instead.
func passwordBelongs(flags *flag.FlagSet, f *flag.Flag) string {
	switch {
	case flags.Name() == "penstock lambda":
		return "no flag of lambda takes such an address: " + flags.Name() + " -h shows what this one takes"
	case strings.HasPrefix(f.Value.String(), "postgres"):
		return "put all of it into the environment as " + variable(flags, f.Name) + ", or the password alone into PGPASSWORD or a PGPASSFILE"
	}
	return "put all of it into the environment as " + variable(flags, f.Name)
}

// ownVariables are the flags that mean something else than the other
// subcommands' flag of that name, which the environment is set for.
var ownVariables = []string{"key users", "replay group", "replay to", "tail rejects"}

// variable is the environment variable of a subcommand's flag. One variable
// means one thing to all subcommands.
func variable(flags *flag.FlagSet, name string) string {
	own := strings.TrimPrefix(flags.Name(), "penstock ") + " " + name
	if slices.Contains(ownVariables, own) {
		name = own
	}
	return "PENSTOCK_" + strings.ToUpper(strings.NewReplacer("-", "_", " ", "_").Replace(name))
}

// refusedFlag is what package flag says of a value, or of a flag that is none.
var refusedFlag = regexp.MustCompile(`^(?s:invalid (?:boolean )?value (".*") for (?:flag )?|(flag provided but not defined: )|flag needs an argument: )-([^:]*)(?:: (?s:(.*)))?$`)

// plainly says what package flag has refused in our words: what, and what to
// write instead.
func plainly(flags *flag.FlagSet, err error) error {
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	m := refusedFlag.FindStringSubmatch(err.Error())
	switch {
	case m == nil:
		return err
	case m[2] != "":
		return fmt.Errorf("there is no flag --%s; %s -h lists them", m[3], flags.Name())
	case m[1] == "":
		return fmt.Errorf("--%s needs a value", m[3])
	}
	return fmt.Errorf("--%s %s: %s", m[3], m[1], wanted(flags.Lookup(m[3]), m[4]))
}

// wanted is what to write as the flag's value where package flag only says that
// it cannot be parsed.
func wanted(f *flag.Flag, reason string) string {
	if g, is := f.Value.(flag.Getter); is {
		switch g.Get().(type) {
		case bool:
			return "write true or false"
		case time.Duration:
			return "write a number with its unit, as 30s or 5m"
		case float64:
			return "write a number, as 0.5"
		case int, int64:
			if strings.HasSuffix(reason, "out of range") {
				return "a smaller number"
			}
			return "write a whole number"
		case uint, uint64:
			return "write a whole number from 0"
		case *slog.Level, slog.Level:
			return "write debug, info, warn or error"
		}
	}
	return reason
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "Penstock takes events in, checks and enriches them by one set of rules, and puts\nthem where they belong, each exactly once.\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  penstock %-8s %s\n", c.name, c.about)
	}
	fmt.Fprint(w, "\npenstock SUBCOMMAND -h shows its flags. Exit codes: 0 done, 1 findings or rejects,\n2 called wrongly, 3 failed.\n")
}

func (c command) printHelp(w io.Writer, flags *flag.FlagSet) {
	usage := "penstock " + c.name + " [flags]"
	if c.args != "" {
		usage += " " + c.args
	}
	fmt.Fprintf(w, "%s\n\n%s.\n", usage, strings.ToUpper(c.about[:1])+c.about[1:])
	first := true
	flags.VisitAll(func(f *flag.Flag) {
		if first {
			fmt.Fprint(w, "\nFlags, each with its environment variable (an empty one counts as not set, but where empty is said to be none):\n")
			first = false
		}
		value, usage := flag.UnquoteUsage(f)
		fmt.Fprintf(w, "  --%s", f.Name)
		if value != "" {
			fmt.Fprintf(w, " %s", value)
		}
		if f.DefValue != "" {
			fmt.Fprintf(w, " (default %s)", f.DefValue)
		}
		fmt.Fprintf(w, "\n        %s\n        %s\n", usage, variable(flags, f.Name))
	})
	fmt.Fprintf(w, "\nExit codes: %d done, %d done with findings or rejects to look at, %d called wrongly, %d failed.\n", exitDone, exitFindings, exitUsage, exitFailed)
}
