package main

import (
	"fmt"
	"slices"

	"github.com/penstock-io/penstock/deploy"
	"github.com/penstock-io/penstock/dynamo"
	"github.com/penstock-io/penstock/stream"
)

// templateConfig is what `penstock lambda template` is told.
type templateConfig struct {
	stack, sha256 string
}

// run prints a CloudFormation template of the environment.
func (c *templateConfig) run(sh shell, l *lambdaConfig, args []string) error {
	if l.env == "" || len(args) > 0 {
		return usagef("lambda template needs --env ENVIRONMENT, and no arguments")
	}
	config, err := deploy.Load(l.env)
	if err != nil {
		return err
	}
	if err := checkStreams(config, l.streams); err != nil {
		return err
	}
	var text []byte
	switch {
	case c.stack == "account" && c.sha256 != "":
		return usagef("--sha256 is for the function's stack: the account's holds no package")
	case c.stack == "account":
		if config.Repository == "" {
			return usagef("the configuration names no repository whose workflows may deploy: write repository: OWNER/NAME")
		}
		text, err = config.AccountStack()
	case c.stack != "function":
		return usagef("--stack %q: write function or account", c.stack)
	case c.sha256 == "":
		return usagef("lambda template needs --sha256 DIGEST, the package's as `penstock lambda package` prints it")
	default:
		text, err = config.FunctionStack(c.sha256)
	}
	if err != nil {
		return err
	}
	_, err = sh.stdout.Write(text)
	return err
}

// checkStreams holds the configuration against the streams' own rules, so that
// a table with the wrong key is found here and not by the first event.
func checkStreams(config *deploy.Config, path string) error {
	var ways routes // keeps the example's folder, where that is what is read
	defer ways.shut()
	rules, err := ways.load(path)
	if err != nil {
		return err
	}
	for _, c := range config.Streams {
		i := slices.IndexFunc(rules, func(s *stream.Stream) bool { return s.Name == c.Name })
		if i < 0 {
			return fmt.Errorf("configuration names stream %s, but there is no stream file of it; say where with --streams", c.Name)
		}
		mode, err := dynamo.ParseMode(c.Mode)
		if err != nil {
			return fmt.Errorf("stream %s: %w", c.Name, err)
		}
		if err := dynamo.CheckKey(rules[i], c.Key.Name, c.Key.Type, mode); err != nil {
			return fmt.Errorf("stream %s: %w", c.Name, err)
		}
	}
	return nil
}
