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
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/penstock-io/penstock/secrets"
)

//go:embed config/*.yaml
var files embed.FS

// Environments are the environments there are, in the order of promotion.
var Environments = []string{"dev", "staging", "prod"}

// Config is one environment.
type Config struct {
	Environment string `yaml:"environment"`

	// Repository is where the workflows run that may deploy, as owner/name.
	Repository string `yaml:"repository"`

	// Bucket is where objects come in; Streams say which of them are read.
	Bucket  string   `yaml:"bucket"`
	Streams []Stream `yaml:"streams"`

	Rejects Place  `yaml:"rejects"`
	Ledger  Ledger `yaml:"ledger"`

	// Secrets say where the secrets that stream files name as ${NAME} are kept:
	// NAME: ssm:PARAMETER, or secretsmanager:SECRET or secretsmanager:SECRET#FIELD.
	// They are all that the function may read.
	Secrets map[string]string `yaml:"secrets"`

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
	Smoke  Smoke  `yaml:"smoke"`
}

// Smoke are two records of a stream, each a line of JSON: one that is written
// and one that is rejected. After each deployment an object with both is put
// into the bucket; "$NOW" in them becomes the time. No Good is no smoke test.
type Smoke struct {
	Good string `yaml:"good"`
	Bad  string `yaml:"bad"`
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
	KeepDays int    `yaml:"keep_days"` // of an object that nothing happens to any more; 0 is for ever
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
	LeaseSeconds        float64 `yaml:"lease_seconds"`        // of an object, until a worker that is silent is taken for dead
	BatchKB             int     `yaml:"batch_kb"`             // of text between two entries of the ledger: 1 to 1024
	RejectRatioMax      float64 `yaml:"reject_ratio_max"`     // of an object of at least 100 records; 1 is that none is given up for its rejects
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
		return plainly(name, err)
	}
	var more yaml.Node
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("configuration %s: there is a second document behind ---, which nobody would read: make it one", name)
	}
	return nil
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// The limits of AWS that no one else checks offline.
const (
	memoryMin, memoryMax = 128, 10240
	timeoutMax           = 900
)

// The limits of our own: of package dynamo's requests at once, and of the days
// that a time may lie ahead.
const (
	writesMax = 1000
	keepMax   = 36500
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
	c.checkNames(must)
	must(f.Name != "" && f.Alias != "" && f.Canary != "", "function.name, function.alias and function.canary must be named")
	must(c.Bucket != "" && c.Rejects.Bucket != "" && c.Ledger.Table != "", "bucket, rejects.bucket and ledger.table must be named")
	must(len(c.Streams) > 0, "streams: there is none to read")
	must(f.MemoryMB >= memoryMin && f.MemoryMB <= memoryMax, "function.memory_mb %d: Lambda has %d to %d", f.MemoryMB, memoryMin, memoryMax)
	must(f.TimeoutSeconds > 0 && f.TimeoutSeconds <= timeoutMax, "function.timeout_seconds %d: Lambda has 1 to %d", f.TimeoutSeconds, timeoutMax)
	must(f.MarginSeconds > 0 && f.MarginSeconds < float64(f.TimeoutSeconds), "function.margin_seconds %v: it is above 0, and less than the timeout of %d", f.MarginSeconds, f.TimeoutSeconds)
	must(f.LeaseSeconds >= 0.1 && f.LeaseSeconds <= timeoutMax, "function.lease_seconds %v: it is 0.1 to %d", f.LeaseSeconds, timeoutMax)
	must(f.WritesAtOnce >= 1 && f.WritesAtOnce <= writesMax, "function.writes_at_once %d: it is 1 to %d", f.WritesAtOnce, writesMax)
	must(f.RejectRatioMax > 0 && f.RejectRatioMax <= 1, "function.reject_ratio_max %v: it is above 0, up to 1; 1 gives no object up for its rejects", f.RejectRatioMax)
	must(c.Ledger.KeepDays >= 0 && c.Ledger.KeepDays <= keepMax, "ledger.keep_days %d: it is 0, for ever, to %d", c.Ledger.KeepDays, keepMax)
	must(c.Alarms.RejectsPerHour >= 0, "alarms.rejects_per_hour %d cannot be below 0", c.Alarms.RejectsPerHour)
	must(c.Alarms.DurationP99Seconds >= 1 && c.Alarms.DurationP99Seconds <= timeoutMax, "alarms.duration_p99_seconds %d: it is 1 to %d", c.Alarms.DurationP99Seconds, timeoutMax)
	must(f.ReservedConcurrency > 0, "function.reserved_concurrency must be at least 1: it is what protects the table")
	must(f.Architecture == "arm64" || f.Architecture == "x86_64", "function.architecture %q: write arm64 or x86_64", f.Architecture)
	must(f.BatchKB >= 1 && f.BatchKB <= 1024, "function.batch_kb %d: it is 1 to 1024", f.BatchKB)
	for name, reference := range c.Secrets {
		r, err := secrets.Parse(reference)
		must(err == nil, "secret %s: %v", name, err)
		must(variable.MatchString(name), "secret %s: no stream file can name it so; write letters, digits and _, as for ${CUSTOMERS_DSN}", name)
		must(err != nil || secretName.MatchString(r.Name), "secret %s: its name must be as %s, so that a policy can name it", name, secretName)
	}
	for i, s := range c.Streams {
		for _, other := range c.Streams[:i] {
			inner, outer := s, other
			if len(inner.Prefix) < len(outer.Prefix) {
				inner, outer = outer, inner
			}
			must(!overlap(s.Prefix, other.Prefix), "streams %s and %s: prefix %q lies in %q, and S3 notifies of neither", inner.Name, outer.Name, inner.Prefix, outer.Prefix)
			must(s.Table != other.Table || s.Key == other.Key, "streams %s and %s write table %s by different keys", s.Name, other.Name, s.Table)
		}
		must(s.Name != "" && s.Table != "", "streams: each needs name and table")
		must(s.Table != c.Ledger.Table, "stream %s: its table %s is the ledger's: give each one of its own", s.Name, s.Table)
		must(s.Key.Name != "" && (s.Key.Type == "S" || s.Key.Type == "N"), "stream %s: key needs name, and type S or N", s.Name)
		must(c.Bucket != c.Rejects.Bucket || !overlap(s.Prefix, c.Rejects.Prefix),
			"stream %s is read from where rejects are written, and each would be read again: give rejects a prefix or a bucket of their own", s.Name)
	}
	return errors.Join(errs...)
}

// The names of what AWS keeps; none has what a policy takes for "any".
var (
	bucketName      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	prefixText      = regexp.MustCompile(`^[A-Za-z0-9_.=/-]*$`)
	tableName       = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	attributeName   = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,255}$`)
	functionName    = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`) // roles and buckets are named after it
	aliasName       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,127}$`)
	environmentName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	shiftName       = regexp.MustCompile(`^(CodeDeployDefault\.Lambda(AllAtOnce|Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1Minute|(2|3|10)Minutes))|[A-Za-z0-9-]{1,100})$`)
	topicARN        = regexp.MustCompile(`^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$`)
	secretName      = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]+$`)
	repositoryName  = regexp.MustCompile(`^[A-Za-z0-9-]+/[A-Za-z0-9_.-]+$`)
)

// logDays are the days for which CloudWatch keeps logs.
var logDays = []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func (c *Config) checkNames(must func(bool, string, ...any)) {
	name := func(rule *regexp.Regexp, what, text string) {
		must(text == "" || rule.MatchString(text), "%s %q: it must be as %s", what, text, rule)
	}
	name(environmentName, "environment", c.Environment)
	name(repositoryName, "repository", c.Repository)
	name(bucketName, "bucket", c.Bucket)
	name(bucketName, "rejects.bucket", c.Rejects.Bucket)
	name(prefixText, "rejects.prefix", c.Rejects.Prefix)
	name(tableName, "ledger.table", c.Ledger.Table)
	name(functionName, "function.name", c.Function.Name)
	name(aliasName, "function.alias", c.Function.Alias)
	name(shiftName, "function.canary", c.Function.Canary)
	name(topicARN, "alarms.topic", c.Alarms.Topic)
	must(slices.Contains(logDays, c.Function.LogDays), "function.log_days %d: CloudWatch has %v", c.Function.LogDays, logDays)
	for _, s := range c.Streams {
		name(prefixText, "stream "+s.Name+": prefix", s.Prefix)
		name(tableName, "stream "+s.Name+": table", s.Table)
		name(attributeName, "stream "+s.Name+": key.name", s.Key.Name)
	}
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
