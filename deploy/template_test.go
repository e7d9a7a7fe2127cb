package deploy

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// someDigest stands for a package's.
var someDigest = strings.Repeat("0123456789abcdef", 4)

// stacks renders both templates of an environment.
func stacks(t *testing.T, c *Config) map[string]string {
	t.Helper()
	function, err := c.FunctionStack(someDigest)
	if err != nil {
		t.Fatal(err)
	}
	account, err := c.AccountStack()
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"function": string(function), "account": string(account)}
}

func load(t *testing.T, environment string) *Config {
	t.Helper()
	c, err := Load(environment)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestTemplatesAreGolden shows in a review what a change does to each
// environment. The golden files are what make check gives to cfn-lint.
func TestTemplatesAreGolden(t *testing.T) {
	for _, environment := range Environments {
		for name, text := range stacks(t, load(t, environment)) {
			golden := filepath.Join("testdata", environment+"-"+name+".yaml")
			if *update {
				if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if text != string(want) {
				t.Errorf("%s is not what is rendered; if that is meant, run go test ./deploy -update and look at the difference", golden)
			}
		}
	}
}

// TestVersionFollowsWhatAVersionKeeps: Lambda refuses a version that differs
// from the last in nothing it keeps, and an alias moves only to a new version.
func TestVersionFollowsWhatAVersionKeeps(t *testing.T) {
	version := func(change func(*Config), sha256 string) string {
		c := load(t, "dev")
		change(c)
		text, err := c.FunctionStack(sha256)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "\n  Version")
		id, _, _ := strings.Cut(after, ":")
		return id
	}
	same := version(func(*Config) {}, someDigest)
	other := strings.Repeat("f", 64)
	for name, c := range map[string]struct {
		id      string
		differs bool
	}{
		"again":       {version(func(*Config) {}, someDigest), false},
		"package":     {version(func(*Config) {}, other), true},
		"memory":      {version(func(c *Config) { c.Function.MemoryMB = 1024 }, someDigest), true},
		"timeout":     {version(func(c *Config) { c.Function.TimeoutSeconds = 100 }, someDigest), true},
		"concurrency": {version(func(c *Config) { c.Function.ReservedConcurrency = 9 }, someDigest), false},
		"alarm":       {version(func(c *Config) { c.Alarms.RejectsPerHour = 9 }, someDigest), false},
		"log":         {version(func(c *Config) { c.Function.LogDays = 7 }, someDigest), false},
	} {
		if (c.id != same) != c.differs {
			t.Errorf("%s: version %s after %s", name, c.id, same)
		}
	}
}

func TestDigestIsChecked(t *testing.T) {
	for _, bad := range []string{"", "abc", strings.Repeat("F", 64), strings.Repeat("0", 63) + "\n", someDigest + "0"} {
		if _, err := load(t, "dev").FunctionStack(bad); err == nil {
			t.Errorf("%q is taken for a digest", bad)
		}
	}
}

// TestSecretsAreGrantedByName: each secret that the configuration refers to,
// and no other.
func TestSecretsAreGrantedByName(t *testing.T) {
	c := load(t, "dev")
	c.Secrets = map[string]string{"A": "ssm:/penstock/dev/a", "B": "secretsmanager:penstock/dev/b#password"}
	account := stacks(t, c)["account"]
	for _, want := range []string{
		`Action: [ssm:GetParameter]
                Resource:
                  - !Sub "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/penstock/dev/a"`,
		`Action: [secretsmanager:GetSecretValue]
                Resource:
                  - !Sub "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:penstock/dev/b-??????"`,
	} {
		if !strings.Contains(account, want) {
			t.Errorf("no statement is\n%s", want)
		}
	}
	if found := judge(t, account); len(found) > 0 {
		t.Error(found)
	}
}

// TestModesAreGranted: a table that is written under a condition is put to, and no
// other; and a batch, which has no conditions, cannot write over what it holds.
func TestModesAreGranted(t *testing.T) {
	c := load(t, "dev")
	if strings.Contains(stacks(t, c)["account"], "Sid: PutRows") {
		t.Error("mode put asks for PutItem")
	}
	c.Streams[0].Mode = "insert"
	if account := stacks(t, c)["account"]; !strings.Contains(account, "Sid: PutRows") || strings.Contains(account, "Sid: WriteRows") {
		t.Error("mode insert does not ask for PutItem alone")
	}
}
