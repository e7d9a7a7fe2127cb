package deploy

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"text/template"
)

//go:embed stack/function.yaml
var functionText string

//go:embed stack/account.yaml
var accountText string

// digest is what a package is named by.
var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// FunctionStack renders the CloudFormation template of the environment: the
// function, what starts it, what it writes to, its alarms, and how traffic moves
// to a new version. sha256 is the digest of the package, in hexadecimal; the
// package is at that name in the bucket of packages. The same configuration and
// digest give the same bytes.
func (c *Config) FunctionStack(sha256 string) ([]byte, error) {
	if !digest.MatchString(sha256) {
		return nil, fmt.Errorf("%q is no SHA-256: write 64 hexadecimal digits, as `penstock lambda package` prints them", sha256)
	}
	t, err := parse("function.yaml", functionText)
	if err != nil {
		return nil, err
	}
	data := c.view(sha256)
	// Lambda makes a version only of what differs from the last one, so the
	// version's resource has the name of all that a version keeps.
	var versioned bytes.Buffer
	if err := t.ExecuteTemplate(&versioned, "versioned", data); err != nil {
		return nil, err
	}
	data.VersionID = "Version" + short(versioned.Bytes())
	var out bytes.Buffer
	err = t.Execute(&out, data)
	return out.Bytes(), err
}

// AccountStack renders the template that a person applies to the account before
// the first deployment and whenever permissions change: the roles of the
// function, of CodeDeploy, of CloudFormation and of the two workflows, and the
// bucket of packages.
func (c *Config) AccountStack() ([]byte, error) {
	t, err := parse("account.yaml", accountText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, c.view(""))
	return out.Bytes(), err
}

func parse(name, text string) (*template.Template, error) {
	return template.New(name).Funcs(template.FuncMap{
		"q":      quote,
		"join":   func(words []string) string { return strings.Join(words, ", ") },
		"bucket": func(id, name string) tableView { return tableView{ID: id, Name: name} },
	}).Parse(text)
}

// CodeSha256 is the package's digest as Lambda writes it, in base64.
func (v *view) CodeSha256() (string, error) {
	sum, err := hex.DecodeString(v.Sha256)
	return base64.StdEncoding.EncodeToString(sum), err
}

// quote writes a YAML string that stands for text and nothing else.
func quote(text string) (string, error) {
	out, err := json.Marshal(text)
	return string(out), err
}

func short(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:12]
}

// A view is what the templates see: the configuration, and what follows from it.
type view struct {
	*Config
	Sha256    string
	VersionID string
	Tables    []tableView
	AlarmList []alarm
	Grants    []Grant
}

// A tableView is a named resource; of a table, with its key.
type tableView struct {
	ID, Name string
	Key      Key
	Expires  string // the attribute of DynamoDB's time to live; "" is for ever
}

// expires is the attribute by which package dynamo's Register says how long a
// text is kept.
const expires = "expires"

func (c *Config) view(sha256 string) *view {
	v := &view{Config: c, Sha256: sha256, AlarmList: c.alarms(), Grants: c.Grants()}
	seen := map[string]bool{}
	for _, s := range c.Streams {
		if !seen[s.Table] {
			seen[s.Table] = true
			v.Tables = append(v.Tables, tableView{ID: "Table" + short([]byte(s.Table)), Name: s.Table, Key: s.Key})
		}
	}
	v.Tables = append(v.Tables, tableView{ID: "Ledger", Name: c.Ledger.Table, Key: Key{"name", "S"}, Expires: expires})
	return v
}

// Smoked are the streams that have a smoke test.
func (c *Config) Smoked() []Stream {
	var all []Stream
	for _, s := range c.Streams {
		if s.Smoke.Good != "" {
			all = append(all, s)
		}
	}
	return all
}

// What follows are the names of resources, as CloudFormation's Sub completes
// them with partition, region and account.

func regional(service, resource string) string {
	return "arn:${AWS::Partition}:" + service + ":${AWS::Region}:${AWS::AccountId}:" + resource
}

// FunctionARN is the function's.
func (c *Config) FunctionARN() string { return regional("lambda", "function:"+c.Function.Name) }

// StackARN is that of the environment's stack, whatever its id.
func (c *Config) StackARN() string {
	return regional("cloudformation", "stack/"+c.Function.Name+"/*")
}

// QueueARN is that of the queue of failed events.
func (c *Config) QueueARN() string { return regional("sqs", c.Function.Name+"-failed") }

// LogARN is the log group's.
func (c *Config) LogARN() string {
	return regional("logs", "log-group:/aws/lambda/"+c.Function.Name)
}

// LedgerARN is that of the table of progress.
func (c *Config) LedgerARN() string { return regional("dynamodb", "table/"+c.Ledger.Table) }

// TableARNs are those of the streams' tables, each once.
func (c *Config) TableARNs() []string {
	var all []string
	seen := map[string]bool{}
	for _, s := range c.Streams {
		if !seen[s.Table] {
			seen[s.Table] = true
			all = append(all, regional("dynamodb", "table/"+s.Table))
		}
	}
	return all
}
