package main

import (
	"flag"
	"io"
	"log/slog"
)

// logConfig says how the program logs.
type logConfig struct {
	format string
	level  slog.Level
}

func (c *logConfig) define(flags *flag.FlagSet) {
	flags.StringVar(&c.format, "log-format", "text", "text or json")
	flags.TextVar(&c.level, "log-level", slog.LevelInfo, "debug, info, warn or error")
}

func (c *logConfig) logger(w io.Writer) (*slog.Logger, error) {
	o := &slog.HandlerOptions{Level: c.level}
	switch c.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usagef("--log-format %q: say text or json", c.format)
}

// audit is the log of who read what, which no --log-level silences.
func (c *logConfig) audit(w io.Writer) (*slog.Logger, error) {
	always := *c
	always.level = min(c.level, slog.LevelInfo)
	log, err := always.logger(w)
	if err != nil {
		return nil, err
	}
	return log.With("audit", true), nil
}
