package deploy

import (
	"maps"
	"slices"
	"strings"

	"github.com/penstock-io/penstock/secrets"
)

// A Grant is one thing that the function may do, and why it has to.
type Grant struct {
	Sid, Why  string
	Actions   []string
	Resources []string // as CloudFormation's Sub completes them

	// ByService marks what no code of the function calls: Lambda does it in the
	// function's name.
	ByService bool
}

// Grants are all that the function may do.
func (c *Config) Grants() []Grant {
	var objects, written, put []string
	for _, s := range c.Streams {
		objects = append(objects, "arn:${AWS::Partition}:s3:::"+c.Bucket+"/"+s.Prefix+"*")
		to := &written
		if s.Mode != "put" && s.Mode != "" {
			to = &put
		}
		if table := regional("dynamodb", "table/"+s.Table); !slices.Contains(*to, table) {
			*to = append(*to, table)
		}
	}
	all := []Grant{
		{Sid: "ReadObjects", Why: "the objects of its streams, whichever version the notice names",
			Actions: []string{"s3:GetObject", "s3:GetObjectVersion"}, Resources: objects},
		{Sid: "TellMissingFromForbidden", Why: "without it S3 answers 403 for an object that is gone",
			Actions: []string{"s3:ListBucket"}, Resources: []string{"arn:${AWS::Partition}:s3:::" + c.Bucket}},
		{Sid: "KeepRejects", Why: "where they go, and nowhere else",
			Actions: []string{"s3:PutObject"}, Resources: []string{"arn:${AWS::Partition}:s3:::" + c.Rejects.Bucket + "/" + c.Rejects.Prefix + "*"}},
		{Sid: "WriteRows", Why: "in batches, after a look at the table's key; it reads and deletes none",
			Actions: []string{"dynamodb:BatchWriteItem", "dynamodb:DescribeTable"}, Resources: written},
		{Sid: "PutRows", Why: "of the modes that write under a condition",
			Actions: []string{"dynamodb:DescribeTable", "dynamodb:PutItem"}, Resources: put},
	}
	all = append(all, c.secretGrants()...)
	all = append(all,
		Grant{Sid: "KeepTheLedger", Why: "who works on an object, and how far",
			Actions: []string{"dynamodb:GetItem", "dynamodb:PutItem"}, Resources: []string{c.LedgerARN()}},
		Grant{Sid: "GoOnWithALargeObject", Why: "the alias calls itself before its time is up, and nothing else",
			Actions: []string{"lambda:InvokeFunction"}, Resources: []string{c.FunctionARN() + ":" + c.Function.Alias}},
		Grant{Sid: "HandOverWhatFailed", Why: "Lambda sends it in the function's name", ByService: true,
			Actions: []string{"sqs:SendMessage"}, Resources: []string{c.QueueARN()}},
		Grant{Sid: "Log", Why: "the group is made by the stack", ByService: true,
			Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"}, Resources: []string{c.LogARN() + ":*"}},
	)
	return slices.DeleteFunc(all, func(g Grant) bool { return len(g.Resources) == 0 })
}

// secretGrants allow to read the secrets that the configuration refers to, and
// no others.
func (c *Config) secretGrants() []Grant {
	parameters := Grant{Sid: "ReadParameters", Why: "the secrets that streams name", Actions: []string{"ssm:GetParameter"}}
	kept := Grant{Sid: "ReadSecrets", Why: "the same; Secrets Manager puts six characters of its own behind a name", Actions: []string{"secretsmanager:GetSecretValue"}}
	for _, name := range slices.Sorted(maps.Keys(c.Secrets)) {
		r, err := secrets.Parse(c.Secrets[name])
		if err != nil {
			continue // Load has said so
		}
		if r.Service == secrets.SSM {
			parameters.Resources = append(parameters.Resources, regional("ssm", "parameter/"+strings.TrimPrefix(r.Name, "/")))
		} else {
			kept.Resources = append(kept.Resources, regional("secretsmanager", "secret:"+r.Name+"-??????"))
		}
	}
	return []Grant{parameters, kept}
}
