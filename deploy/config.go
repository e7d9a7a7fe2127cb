// Package deploy is what the function `penstock lambda` runs with in each
// environment, and what it is deployed with: one configuration for both, so
// that they cannot differ.
//
//	c, err := deploy.Load("prod")            // deploy/config/prod.yaml over base.yaml, inside the program
//	c, err := deploy.Load("./mine.yaml")     // a file of one's own, over base.yaml
//
// A member that does not exist is an error. There are no secrets in it: what is
// secret is named, and looked up where it is used.
package deploy

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

//go:embed config/*.yaml
var files embed.FS

// Environments are the environments there are, in the order of promotion.
var Environments = []string{"dev", "staging", "prod"}

// Config is one environment.
type Config struct {
	Environment string `yaml:"environment"`

	// Bucket is where objects come in; Streams say which of them are read.
	Bucket  string   `yaml:"bucket"`
	Streams []Stream `yaml:"streams"`

	Rejects Place  `yaml:"rejects"`
	Ledger  Ledger `yaml:"ledger"`

	Function Function `yaml:"function"`
	Alarms   Alarms   `yaml:"alarms"`
}

// Stream is a prefix of the bucket, the stream its objects are read by, and the
// table they go to.
type Stream struct {
	Name   string `yaml:"name"`
	Prefix string `yaml:"prefix"`
	Table  string `yaml:"table"`
	Key    Key    `yaml:"key"`
	Mode   string `yaml:"mode"` // put, insert or newer-wins
}

// Key is the table's partition key.
type Key struct {
	Name string `yaml:"name"`
	Type string `yaml:"type"` // S or N
}

// Place is a bucket and a prefix in it.
type Place struct {
	Bucket string `yaml:"bucket"`
	Prefix string `yaml:"prefix"`
}

// Ledger is the table of progress.
type Ledger struct {
	Table    string `yaml:"table"`
	KeepDays int    `yaml:"keep_days"` // of objects that are done
}

// Function is how the function runs.
type Function struct {
	Name                string  `yaml:"name"`
	Alias               string  `yaml:"alias"`
	Architecture        string  `yaml:"architecture"` // arm64 or x86_64
	MemoryMB            int     `yaml:"memory_mb"`
	TimeoutSeconds      int     `yaml:"timeout_seconds"`
	ReservedConcurrency int     `yaml:"reserved_concurrency"` // of invocations at once: it protects the table
	WritesAtOnce        int     `yaml:"writes_at_once"`       // requests to the table, of one invocation
	MarginSeconds       float64 `yaml:"margin_seconds"`       // before the timeout, to hand over
	LeaseSeconds        float64 `yaml:"lease_seconds"`
	RejectRatioMax      float64 `yaml:"reject_ratio_max"`
	LogDays             int     `yaml:"log_days"`
	Canary              string  `yaml:"canary"` // how traffic moves to a new version, by CodeDeploy's name
}

// Alarms are the thresholds that stop a deployment and call a person.
type Alarms struct {
	Topic              string `yaml:"topic"` // SNS topic that is told; "" is nobody
	DurationP99Seconds int    `yaml:"duration_p99_seconds"`
	RejectsPerHour     int    `yaml:"rejects_per_hour"`
}

// Load reads an environment by its name, or a file when the name is a path.
func Load(environment string) (*Config, error) {
	base, err := files.ReadFile("config/base.yaml")
	if err != nil {
		return nil, err
	}
	c := &Config{}
	if err := decode("base.yaml", base, c); err != nil {
		return nil, err
	}
	text, err := read(environment)
	if err != nil {
		return nil, err
	}
	if err := decode(environment, text, c); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", environment, err)
	}
	return c, nil
}

func read(environment string) ([]byte, error) {
	if strings.ContainsAny(environment, "./") {
		return os.ReadFile(environment)
	}
	text, err := files.ReadFile("config/" + environment + ".yaml")
	if err != nil || environment == "base" {
		return nil, fmt.Errorf("there is no environment %q; there are %s, and any file by its path", environment, strings.Join(Environments, ", "))
	}
	return text, nil
}

// decode reads members over those that are there, and none that do not exist.
func decode(name string, text []byte, c *Config) error {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration %s: %w", name, err)
	}
	return nil
}

// The limits of AWS that no one else checks offline.
const (
	memoryMin, memoryMax = 128, 10240
	timeoutMax           = 900
)

func (c *Config) check() error {
	f := c.Function
	var errs []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	must(c.Environment != "", "environment must be named")
	must(c.Bucket != "" && c.Rejects.Bucket != "" && c.Ledger.Table != "", "bucket, rejects.bucket and ledger.table must be named")
	must(len(c.Streams) > 0, "streams: there is none to read")
	must(f.MemoryMB >= memoryMin && f.MemoryMB <= memoryMax, "function.memory_mb %d: Lambda has %d to %d", f.MemoryMB, memoryMin, memoryMax)
	must(f.TimeoutSeconds > 0 && f.TimeoutSeconds <= timeoutMax, "function.timeout_seconds %d: Lambda has 1 to %d", f.TimeoutSeconds, timeoutMax)
	must(f.MarginSeconds > 0 && f.MarginSeconds < float64(f.TimeoutSeconds), "function.margin_seconds %v must be less than the timeout of %d", f.MarginSeconds, f.TimeoutSeconds)
	must(f.ReservedConcurrency > 0, "function.reserved_concurrency must be at least 1: it is what protects the table")
	must(f.Architecture == "arm64" || f.Architecture == "x86_64", "function.architecture %q: write arm64 or x86_64", f.Architecture)
	for _, s := range c.Streams {
		must(s.Name != "" && s.Table != "", "streams: each needs name and table")
		must(s.Key.Name != "" && (s.Key.Type == "S" || s.Key.Type == "N"), "stream %s: key needs name, and type S or N", s.Name)
		must(c.Bucket != c.Rejects.Bucket || !overlap(s.Prefix, c.Rejects.Prefix),
			"stream %s is read from where rejects are written, and each would be read again: give rejects a prefix or a bucket of their own", s.Name)
	}
	return errors.Join(errs...)
}

func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// Margin is how long before its deadline an invocation hands over.
func (f Function) Margin() time.Duration {
	return time.Duration(f.MarginSeconds * float64(time.Second))
}

// Lease is how long an object stays with a worker that says nothing.
func (f Function) Lease() time.Duration {
	return time.Duration(f.LeaseSeconds * float64(time.Second))
}
