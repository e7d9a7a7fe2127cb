package deploy

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEveryEnvironmentLoads(t *testing.T) {
	for _, name := range Environments {
		c, err := Load(name)
		if err != nil {
			t.Fatal(err)
		}
		if c.Environment != name || !strings.Contains(c.Bucket, name) || !strings.Contains(c.Function.Name, name) {
			t.Errorf("%s is not set apart: %+v", name, c)
		}
	}
}

func TestConfigurationIsStrict(t *testing.T) {
	good, err := files.ReadFile("config/dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, want string }{
		{"bucket:", "buckets:", `x.yaml:LINE: there is no "buckets" here; there are environment, repository, bucket, streams`},
		{"type: N", "typ: N", `x.yaml:LINE: there is no "typ" here; there are name, type`},
		{"name: penstock-dev\n", "name: penstock-dev\n  memory_mb: much\n", `"much" is not what belongs here; write a whole number`},
		{"environment: dev", "environment: {x: y}", "write text"},
		{"environment: dev", "environment: [", "x.yaml"},
		{"ledger:", "secrets: none\nledger:", "write names and texts"},
		{"name: penstock-dev\n", "name: penstock-dev\n  margin_seconds: 0\n", "function.margin_seconds 0: it is above 0"},
		{"name: penstock-dev\n", "name: penstock-dev\n  memory_mb: 64\n", "Lambda has 128 to 10240"},
		{"name: penstock-dev\n", "name: penstock-dev\n  timeout_seconds: 901\n", "Lambda has 1 to 900"},
		{"name: penstock-dev\n", "name: penstock-dev\n  margin_seconds: 300\n", "less than the timeout of 300"},
		{"name: penstock-dev\n", "name: penstock-dev\n  reserved_concurrency: 0\n", "protects the table"},
		{"penstock-io-dev-rejects, prefix: rejects/", "penstock-io-dev-in, prefix: orders/rejects/", "each would be read again"},
		{"type: N", "type: Q", "type S or N"},
		{"prefix: orders/\n", "prefix: orders/*\n", "prefix \"orders/*\": it must be as"},
		{"penstock-io-dev-in", "Penstock", "bucket \"Penstock\": it must be as"},
		{"name: penstock-dev\n", "name: penstock-*\n", "function.name \"penstock-*\": it must be as"},
		{"environment: dev", "environment: 'dev:prod'", "environment \"dev:prod\": it must be as"},
		{"name: penstock-dev\n", "name: penstock-dev\n  log_days: 31\n", "function.log_days 31: CloudWatch has"},
		{"name: penstock-dev\n", "name: penstock-dev\nalarms: {topic: me@example.com}\n", "alarms.topic"},
		{"bucket:", "repository: owner\nbucket:", "repository \"owner\": it must be as"},
		{"bucket:", "secrets: {X: 'ssm:/a*'}\nbucket:", "so that a policy can name it"},
		{"name: penstock-dev\n", "name: penstock-dev\n---\nbucket: penstock-other\n", "there is a second document"},
		{"name: penstock-dev\n", "name: penstock-dev\n---\n", "there is a second document"},
		{"name: penstock-dev\n", "name: penstock-dev\n--- {\n", "there is a second document"},
		{"table: penstock-dev-ledger", "table: penstock-dev-orders", "its table penstock-dev-orders is the ledger's"},
		{"table: penstock-dev-ledger", "table: penstock-dev-ledger, keep_days: -1", "ledger.keep_days -1: it is 0"},
		{"name: penstock-dev\n", "name: ''\n", "function.name, function.alias and function.canary must be named"},
		{"name: penstock-dev\n", "name: penstock-dev\n  lease_seconds: 0\n", "function.lease_seconds 0: it is 0.1 to 900"},
		{"name: penstock-dev\n", "name: penstock-dev\n  lease_seconds: -3\n", "function.lease_seconds -3"},
		{"name: penstock-dev\n", "name: penstock-dev\n  lease_seconds: .nan\n", "function.lease_seconds NaN"},
		{"name: penstock-dev\n", "name: penstock-dev\n  lease_seconds: 901\n", "function.lease_seconds 901"},
		{"name: penstock-dev\n", "name: penstock-dev\n  writes_at_once: 0\n", "function.writes_at_once 0: it is 1 to 1000"},
		{"name: penstock-dev\n", "name: penstock-dev\n  writes_at_once: 1001\n", "function.writes_at_once 1001"},
		{"name: penstock-dev\n", "name: penstock-dev\n  reject_ratio_max: 0\n", "function.reject_ratio_max 0: it is above 0, up to 1"},
		{"name: penstock-dev\n", "name: penstock-dev\n  reject_ratio_max: -1\n", "function.reject_ratio_max -1"},
		{"name: penstock-dev\n", "name: penstock-dev\n  reject_ratio_max: 7\n", "function.reject_ratio_max 7"},
		{"name: penstock-dev\n", "name: penstock-dev\n  reject_ratio_max: .nan\n", "function.reject_ratio_max NaN"},
		{"name: penstock-dev\n", "name: penstock-dev\n  margin_seconds: .nan\n", "function.margin_seconds NaN"},
		{"name: penstock-dev\n", "name: penstock-dev\n  canary: CodeDeployDefault.LambdaCanary10Percent7Minutes\n", "function.canary"},
		{"name: penstock-dev\n", "name: penstock-dev\n  canary: ''\n", "function.name, function.alias and function.canary must be named"},
		{"name: penstock-dev\n", "name: penstock-dev\nalarms: {rejects_per_hour: -1}\n", "alarms.rejects_per_hour -1"},
		{"name: penstock-dev\n", "name: penstock-dev\nalarms: {duration_p99_seconds: 0}\n", "alarms.duration_p99_seconds 0"},
		{"rejects:", "  - {name: o2, prefix: o, table: penstock-dev-o2, key: {name: order_id, type: N}}\nrejects:", `prefix "orders/" lies in "o"`},
		{"rejects:", "  - {name: o2, prefix: orders/new/, table: penstock-dev-o2, key: {name: order_id, type: N}}\nrejects:", `streams o2 and orders: prefix "orders/new/" lies in "orders/"`},
		{"rejects:", "  - {name: o2, prefix: orders/new/, table: penstock-dev-o2, key: {name: order_id, type: N}}\nrejects:", "S3 notifies of neither"},
		{"rejects:", "  - {name: o2, prefix: o2/, table: penstock-dev-orders, key: {name: id, type: N}}\nrejects:", "by different keys"},
		{"name: penstock-dev\n", "name: penstock-dev\n  batch_kb: 2048\n", "it is 1 to 1024"},
		{"ledger:", "secrets: {CUSTOMERS_DSN: \"postgres://u:p@h/d\"}\nledger:", "secret CUSTOMERS_DSN: it is no reference to a secret"},
		{"ledger:", "secrets: {customers-dsn: \"ssm:/x\"}\nledger:", "no stream file can name it so"},
	} {
		text := strings.Replace(string(good), c.from, c.to, 1)
		if text == string(good) {
			t.Fatalf("%q is not in dev.yaml", c.from)
		}
		file := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(c.want, "LINE", fmt.Sprint(1+strings.Count(text[:strings.Index(text, c.to)], "\n")), 1)
		if _, err := Load(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %q", c.to, err, want)
		}
	}
	if _, err := Load("base"); err == nil {
		t.Error("base is taken for an environment")
	}
}

// What is at an edge of what there is, is taken.
func TestConfigurationAtItsEdges(t *testing.T) {
	good, err := files.ReadFile("config/dev.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"reject_ratio_max: 1", "reject_ratio_max: 0.0001", "lease_seconds: 0.1", "lease_seconds: 900", "writes_at_once: 1", "writes_at_once: 1000",
		"canary: CodeDeployDefault.LambdaLinear10PercentEvery1Minute", "canary: CodeDeployDefault.LambdaCanary10Percent30Minutes", "canary: my-own-shift",
	} {
		file := filepath.Join(t.TempDir(), "x.yaml")
		if err := os.WriteFile(file, []byte(strings.Replace(string(good), "name: penstock-dev\n", "name: penstock-dev\n  "+text+"\n", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}
