package deploy

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A node is a piece of a template as plain maps and lists; what CloudFormation
// writes as a tag is a map with the function's name.
type node = any

func plain(n *yaml.Node) node {
	var v node
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.MappingNode:
		m := map[string]node{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		v = m
	case yaml.SequenceNode:
		s := []node{}
		for _, c := range n.Content {
			s = append(s, plain(c))
		}
		v = s
	default:
		v = n.Value
	}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return map[string]node{n.Tag[1:]: v}
	}
	return v
}

// at follows a path of member names and returns nil where it ends.
func at(n node, path ...string) node {
	for _, name := range path {
		m, _ := n.(map[string]node)
		n = m[name]
	}
	return n
}

func text(n node) string { return fmt.Sprint(n) }

// list is a value that may be one or several.
func list(n node) []node {
	if all, ok := n.([]node); ok {
		return all
	}
	return []node{n}
}

// A policy looks through a template and says what is wrong.
type policy struct {
	parameters node
	resources  map[string]node
	findings   []string
}

func (p *policy) must(ok bool, format string, args ...any) {
	if !ok {
		p.findings = append(p.findings, fmt.Sprintf(format, args...))
	}
}

// of are the resources of a type by their ids.
func (p *policy) of(kind string) map[string]node {
	all := map[string]node{}
	for id, r := range p.resources {
		if text(at(r, "Type")) == kind {
			all[id] = r
		}
	}
	return all
}

func judge(t *testing.T, template string) []string {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(template), &doc); err != nil {
		t.Fatal(err)
	}
	whole := plain(&doc)
	resources, _ := at(whole, "Resources").(map[string]node)
	p := &policy{parameters: at(whole, "Parameters"), resources: resources}
	for _, rule := range []func(*policy){leastPrivilege, trust, dataIsKept, dataIsPrivate, eventsComeByTheAlias, alarmsStopDeployments, noSecrets, packagesAreTheirDigest} {
		rule(p)
	}
	slices.Sort(p.findings)
	return p.findings
}

// unnamed are the actions that AWS lets nobody limit to a resource.
var unnamed = []string{"logs:DescribeLogGroups", "cloudformation:DescribeStackDriftDetectionStatus"}

// beyond are the actions that no role of ours has: what destroys data, and what
// changes who may do what.
var beyond = []string{
	"dynamodb:DeleteTable", "dynamodb:DeleteItem", "dynamodb:Scan", "dynamodb:DeleteBackup",
	"s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutBucketAcl",
	"sqs:DeleteQueue", "sqs:PurgeQueue", "logs:DeleteLogGroup", "lambda:CreateFunctionUrlConfig",
}

func leastPrivilege(p *policy) {
	for id, role := range p.of("AWS::IAM::Role") {
		p.must(at(role, "Properties", "ManagedPolicyArns") == nil, "%s: has a policy of somebody else", id)
		for _, attached := range list(at(role, "Properties", "Policies")) {
			for _, s := range list(at(attached, "PolicyDocument", "Statement")) {
				p.statement(id+"/"+text(at(s, "Sid")), s)
			}
		}
	}
}

func (p *policy) statement(id string, s node) {
	var actions []string
	for _, a := range list(at(s, "Action")) {
		action := text(a)
		actions = append(actions, action)
		p.must(!strings.Contains(action, "*"), "%s: action %s is a wildcard", id, action)
		p.must(!slices.Contains(beyond, action), "%s: action %s destroys data or opens it", id, action)
		service, name, _ := strings.Cut(action, ":")
		p.must(service != "iam" || name == "PassRole", "%s: action %s changes who may do what", id, action)
	}
	p.must(slices.IsSorted(actions) || len(actions) < 4, "%s: actions are not in order, and hard to review", id)
	for _, r := range list(at(s, "Resource")) {
		everything := text(r) == "*"
		p.must(!everything || len(actions) == 1 && slices.Contains(unnamed, actions[0]), "%s: on any resource", id)
		if sub := text(at(r, "Sub")); strings.HasPrefix(sub, "arn:") {
			before, _, _ := strings.Cut(sub, "*")
			p.must(strings.Contains(before, "penstock") || strings.HasSuffix(sub, ":deploymentconfig:*"), "%s: %s names nothing of ours", id, sub)
		}
	}
	if slices.Contains(actions, "iam:PassRole") {
		p.must(at(s, "Condition", "StringEquals", "iam:PassedToService") != nil, "%s: passes a role to any service", id)
		for _, r := range list(at(s, "Resource")) {
			p.must(at(r, "GetAtt") != nil, "%s: passes %s, which is no role of this stack", id, text(r))
		}
	}
}

// trust: GitHub's tokens are taken for one environment of one repository.
func trust(p *policy) {
	for id, role := range p.of("AWS::IAM::Role") {
		for _, s := range list(at(role, "Properties", "AssumeRolePolicyDocument", "Statement")) {
			if at(s, "Principal", "Federated") == nil {
				p.must(at(s, "Principal", "Service") != nil, "%s: is trusted to somebody who is no service", id)
				continue
			}
			equals := at(s, "Condition", "StringEquals")
			subject := text(at(equals, "token.actions.githubusercontent.com:sub"))
			p.must(text(at(equals, "token.actions.githubusercontent.com:aud")) == "sts.amazonaws.com", "%s: takes tokens meant for others", id)
			p.must(strings.HasPrefix(subject, "repo:") && strings.Contains(subject, ":environment:") && !strings.ContainsAny(subject, "*?"),
				"%s: trusts %q, which is no single environment of a repository", id, subject)
			p.must(len(list(s)) == 1 && at(s, "Condition", "StringLike") == nil, "%s: trusts by a pattern", id)
		}
	}
}

// dataIsKept: nothing that holds data goes with the stack or by a replacement.
func dataIsKept(p *policy) {
	for _, kind := range []string{"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::Lambda::Version"} {
		for id, r := range p.of(kind) {
			p.must(text(at(r, "DeletionPolicy")) == "Retain" && text(at(r, "UpdateReplacePolicy")) == "Retain", "%s: goes with the stack", id)
		}
	}
	for id, r := range p.of("AWS::DynamoDB::Table") {
		p.must(text(at(r, "Properties", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")) == "true", "%s: cannot be put back in time", id)
		p.must(text(at(r, "Properties", "DeletionProtectionEnabled")) == "true", "%s: can be deleted", id)
	}
	for id, r := range p.of("AWS::S3::Bucket") {
		p.must(text(at(r, "Properties", "VersioningConfiguration", "Status")) == "Enabled", "%s: an overwritten object is gone", id)
	}
	for id, r := range p.of("AWS::SQS::Queue") {
		p.must(text(at(r, "Properties", "MessageRetentionPeriod")) == "1209600", "%s: forgets failed events before 14 days", id)
	}
	for id, r := range p.of("AWS::Logs::LogGroup") {
		p.must(at(r, "Properties", "RetentionInDays") != nil, "%s: is kept for ever", id)
	}
}

// dataIsPrivate: at rest, on the way, and for whom.
func dataIsPrivate(p *policy) {
	overTLS := map[string]bool{}
	for _, kind := range []string{"AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy"} {
		for _, r := range p.of(kind) {
			for _, s := range list(at(r, "Properties", "PolicyDocument", "Statement")) {
				if text(at(s, "Effect")) == "Deny" && text(at(s, "Condition", "Bool", "aws:SecureTransport")) == "false" {
					overTLS[text(at(r, "Properties", "Bucket", "Ref"))] = true
					for _, q := range list(at(r, "Properties", "Queues")) {
						overTLS[text(at(q, "Ref"))] = true
					}
				}
			}
		}
	}
	for id, r := range p.of("AWS::S3::Bucket") {
		block, _ := at(r, "Properties", "PublicAccessBlockConfiguration").(map[string]node)
		for _, name := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
			p.must(text(block[name]) == "true", "%s: may be public: %s", id, name)
		}
		p.must(at(r, "Properties", "BucketEncryption") != nil, "%s: is not encrypted", id)
		p.must(overTLS[id], "%s: may be reached without TLS", id)
	}
	for id, r := range p.of("AWS::SQS::Queue") {
		p.must(text(at(r, "Properties", "SqsManagedSseEnabled")) == "true", "%s: is not encrypted", id)
		p.must(overTLS[id], "%s: may be reached without TLS", id)
	}
	for id, r := range p.of("AWS::DynamoDB::Table") {
		p.must(text(at(r, "Properties", "SSESpecification", "SSEEnabled")) == "true", "%s: is not encrypted", id)
	}
}

// eventsComeByTheAlias: else a canary sees none of them, and what fails is lost.
func eventsComeByTheAlias(p *policy) {
	live := func(n node) bool { return text(at(n, "Ref")) == "Live" }
	for id, r := range p.of("AWS::S3::Bucket") {
		configurations := at(r, "Properties", "NotificationConfiguration", "LambdaConfigurations")
		if configurations == nil {
			continue
		}
		for _, c := range list(configurations) {
			p.must(live(at(c, "Function")), "%s: notifies the function and not its alias", id)
		}
	}
	for id, r := range p.of("AWS::Lambda::Permission") {
		p.must(live(at(r, "Properties", "FunctionName")), "%s: is of the function and not of its alias", id)
		p.must(at(r, "Properties", "SourceAccount") != nil && at(r, "Properties", "SourceArn") != nil, "%s: lets in any bucket of that name, whoever's", id)
	}
	functions := p.of("AWS::Lambda::Function")
	configs := p.of("AWS::Lambda::EventInvokeConfig")
	p.must(len(configs) == len(functions), "an event that fails goes nowhere")
	for id, r := range configs {
		p.must(text(at(r, "Properties", "Qualifier")) == text(at(p.resources["Live"], "Properties", "Name")), "%s: is not the alias's", id)
		p.must(at(r, "Properties", "DestinationConfig", "OnFailure", "Destination") != nil, "%s: an event that fails goes nowhere", id)
	}
	for id, r := range functions {
		concurrency := text(at(r, "Properties", "ReservedConcurrentExecutions"))
		p.must(concurrency != "<nil>" && concurrency != "0", "%s: nothing protects the tables", id)
		p.must(at(r, "Properties", "LoggingConfig", "LogGroup") != nil, "%s: logs where nobody set how long", id)
		level := text(at(r, "Properties", "LoggingConfig", "ApplicationLogLevel")) // a line of metrics says none, and is taken for INFO
		p.must(slices.Contains([]string{"TRACE", "DEBUG", "INFO"}, level), "%s: at log level %s Lambda leaves the metrics out, and no alarm rings", id, level)
		p.must(text(at(r, "Properties", "RecursiveLoop")) == "Allow", "%s: Lambda stops an object at about its sixteenth hand-over", id)
	}
	for id, r := range p.of("AWS::Lambda::Alias") {
		p.must(at(r, "UpdatePolicy", "CodeDeployLambdaAliasUpdate") != nil, "%s: traffic moves all at once, and not back", id)
	}
}

func alarmsStopDeployments(p *policy) {
	alarms := p.of("AWS::CloudWatch::Alarm")
	for id, group := range p.of("AWS::CodeDeploy::DeploymentGroup") {
		wired := map[string]bool{}
		for _, a := range list(at(group, "Properties", "AlarmConfiguration", "Alarms")) {
			wired[text(at(a, "Name", "Ref"))] = true
		}
		for alarm := range alarms {
			p.must(wired[alarm], "%s: %s does not stop a deployment", id, alarm)
		}
		switched := text(at(group, "Properties", "AlarmConfiguration", "Enabled", "Ref"))
		p.must(text(at(p.parameters, switched, "Default")) == "true", "%s: alarms stop nothing", id)
		events := text(at(group, "Properties", "AutoRollbackConfiguration", "Events"))
		p.must(strings.Contains(events, "DEPLOYMENT_STOP_ON_ALARM") && strings.Contains(events, "DEPLOYMENT_FAILURE"), "%s: does not go back", id)
	}
	if len(p.of("AWS::Lambda::Function")) == 0 {
		return
	}
	for _, metric := range []string{"rows_unaccounted", "Errors", "Throttles", "Duration", "ApproximateNumberOfMessagesVisible", "AsyncEventsDropped", "notices_poison", "rows_rejected"} {
		p.must(slices.ContainsFunc(values(alarms), func(a node) bool { return text(at(a, "Properties", "MetricName")) == metric }), "nobody is called about %s", metric)
	}
	for id, a := range alarms {
		if text(at(a, "Properties", "MetricName")) == "rows_unaccounted" {
			p.must(text(at(a, "Properties", "Threshold")) == "0", "%s: a row may be lost", id)
		}
		if text(at(a, "Properties", "Namespace")) == "AWS/Lambda" {
			p.must(strings.Contains(text(at(a, "Properties", "Dimensions")), "Resource"), "%s: looks at the function and not at its alias", id)
		}
	}
}

func values(m map[string]node) []node {
	var all []node
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// noSecrets: the environment of a function is read by all who may look at it.
func noSecrets(p *policy) {
	for id, r := range p.of("AWS::Lambda::Function") {
		variables, _ := at(r, "Properties", "Environment", "Variables").(map[string]node)
		for name := range variables {
			p.must(name == "PENSTOCK_ENV", "%s: variable %s; configuration is inside the program, and secrets are references", id, name)
		}
	}
}

// packagesAreTheirDigest: none is put over another, and no version is made of
// other code than the digest's.
func packagesAreTheirDigest(p *policy) {
	if at(p.resources["Packages"], "Type") != nil {
		kept := false
		for _, s := range list(at(p.resources["PackagesOverTLS"], "Properties", "PolicyDocument", "Statement")) {
			kept = kept || text(at(s, "Effect")) == "Deny" && text(at(s, "Principal")) == "*" && text(at(s, "Action")) == "s3:PutObject" &&
				text(at(s, "Condition", "Null", "s3:if-none-match")) == "true"
		}
		p.must(kept, "Packages: one may be put over another")
	}
	for id, r := range p.of("AWS::Lambda::Version") {
		key := text(at(p.resources["Function"], "Properties", "Code", "S3Key"))
		sum, err := hex.DecodeString(strings.TrimSuffix(key, ".zip"))
		p.must(err == nil && text(at(r, "Properties", "CodeSha256")) == base64.StdEncoding.EncodeToString(sum), "%s: is made of whatever code there is", id)
	}
}

func TestTemplatesKeepThePolicy(t *testing.T) {
	for _, environment := range Environments {
		for name, text := range stacks(t, load(t, environment)) {
			for _, f := range judge(t, text) {
				t.Errorf("%s, %s: %s", environment, name, f)
			}
		}
	}
	if prod := load(t, "prod"); strings.Contains(prod.Function.Canary, "AllAtOnce") {
		t.Error("prod: all traffic moves at once")
	}
}

// TestPolicyFindsWhatIsWrong breaks the templates one way at a time.
func TestPolicyFindsWhatIsWrong(t *testing.T) {
	all := stacks(t, load(t, "prod"))
	for _, c := range []struct{ stack, from, to, want string }{
		{"account", "[s3:PutObject]", "[s3:*]", "is a wildcard"},
		{"account", "dynamodb:BatchWriteItem", "dynamodb:DeleteTable", "destroys data"},
		{"account", "- lambda:AddPermission", "- iam:CreateRole", "changes who may do what"},
		{"account", "Resource: !GetAtt Packages.Arn\n", "Resource: \"*\"\n", "on any resource"},
		{"account", `arn:${AWS::Partition}:s3:::penstock-io-prod-in/orders/*`, `arn:${AWS::Partition}:s3:::*`, "names nothing of ours"},
		{"account", "{StringEquals: {\"iam:PassedToService\": cloudformation.amazonaws.com}}", "{}", "to any service"},
		{"account", "Resource: !GetAtt StackRole.Arn", "Resource: !Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*\"", "no role of this stack"},
		{"account", "repo:penstock-io/penstock:environment:prod", "repo:penstock-io/*:environment:prod", "no single environment"},
		{"account", "repo:penstock-io/penstock:environment:prod", "repo:penstock-io/penstock:pull_request", "no single environment"},
		{"account", "aud: sts.amazonaws.com", "aud: any", "meant for others"},
		{"function", "DeletionProtectionEnabled: true", "DeletionProtectionEnabled: false", "can be deleted"},
		{"function", "PointInTimeRecoveryEnabled: true", "PointInTimeRecoveryEnabled: false", "cannot be put back"},
		{"function", "DeletionPolicy: Retain", "DeletionPolicy: Delete", "goes with the stack"},
		{"function", "Bucket: !Ref Rejects", "Bucket: !Ref Other", "Rejects: may be reached without TLS"},
		{"function", "SqsManagedSseEnabled: true", "SqsManagedSseEnabled: false", "FailedEvents: is not encrypted"},
		{"function", "SSEEnabled: true", "SSEEnabled: false", "is not encrypted"},
		{"function", "RestrictPublicBuckets: true", "RestrictPublicBuckets: false", "may be public"},
		{"function", "Function: !Ref Live", "Function: !GetAtt Function.Arn", "not its alias"},
		{"function", "FunctionName: !Ref Live", "FunctionName: !Ref Function", "not of its alias"},
		{"function", "Qualifier: \"live\"", "Qualifier: \"$LATEST\"", "is not the alias's"},
		{"function", "MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 60", "forgets failed events"},
		{"function", "ReservedConcurrentExecutions: 20", "ReservedConcurrentExecutions: 0", "protects the tables"},
		{"function", "ApplicationLogLevel: INFO", "ApplicationLogLevel: ERROR", "leaves the metrics out"},
		{"function", "RecursiveLoop: Allow", "RecursiveLoop: Terminate", "sixteenth hand-over"},
		{"function", "- {Name: !Ref ErrorsAlarm}", "- {Name: x}", "ErrorsAlarm does not stop a deployment"},
		{"function", "MetricName: rows_unaccounted", "MetricName: rows", "called about rows_unaccounted"},
		{"function", "{PENSTOCK_ENV: \"prod\"}", "{PENSTOCK_ENV: \"prod\", DB_PASSWORD: x}", "variable DB_PASSWORD"},
		{"function", "      CodeSha256:", "      Policy:", "whatever code there is"},
		{"function", "CodeSha256: \"", "CodeSha256: \"x", "whatever code there is"},
		{"account", "\"s3:if-none-match\": \"true\"", "\"s3:if-match\": \"true\"", "put over another"},
		{"function", "RetentionInDays: 365", "KmsKeyId: x", "kept for ever"},
		{"function", "Default: \"true\"", "Default: \"false\"", "alarms stop nothing"},
		{"function", "CodeDeployLambdaAliasUpdate", "X", "all at once"},
	} {
		broken := strings.Replace(all[c.stack], c.from, c.to, 1)
		if broken == all[c.stack] {
			t.Errorf("%q is not in the template", c.from)
			continue
		}
		if found := judge(t, broken); !strings.Contains(strings.Join(found, "\n"), c.want) {
			t.Errorf("%s instead of %s: found %q, want %q", c.to, c.from, found, c.want)
		}
	}
}
