package deploy

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What package yaml says of a member: line 6: field tabel not found in type
// deploy.Stream; line 7: cannot unmarshal !!str `order_id` into deploy.Key.
var (
	yamlFault     = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	unknownMember = regexp.MustCompile(`^field (\S+) not found in type (\S+)$`)
	wrongKind     = regexp.MustCompile("(?s)^cannot unmarshal \\S+(?: `(.*)`)? into (\\S+)$")
)

// plainly is what package yaml has refused, with the file and the line, and
// what to write instead.
func plainly(file string, err error) error {
	var refused *yaml.TypeError
	if !errors.As(err, &refused) {
		return inLine(file, err.Error())
	}
	var all []error
	for _, fault := range refused.Errors {
		all = append(all, inLine(file, fault))
	}
	return errors.Join(all...)
}

func inLine(file, fault string) error {
	m := yamlFault.FindStringSubmatch(fault)
	if m == nil {
		return fmt.Errorf("configuration %s: %s", file, strings.TrimPrefix(fault, "yaml: "))
	}
	at, said := fmt.Sprintf("configuration %s:%s", file, m[1]), m[2]
	if m := unknownMember.FindStringSubmatch(said); m != nil {
		return fmt.Errorf("%s: there is no %q here; there are %s", at, m[1], strings.Join(membersOf(m[2]), ", "))
	}
	if m := wrongKind.FindStringSubmatch(said); m != nil {
		return fmt.Errorf("%s: %q is not what belongs here; write %s", at, m[1], wanted(m[2]))
	}
	return fmt.Errorf("%s: %s", at, said)
}

// wanted is what a member of a type is written as.
func wanted(name string) string {
	switch {
	case name == "int":
		return "a whole number"
	case name == "float64":
		return "a number"
	case name == "string":
		return "text"
	case strings.HasPrefix(name, "[]"):
		return "a list, each with - in front"
	case strings.HasPrefix(name, "map"):
		return "names and texts, as NAME: text"
	}
	return "a mapping of " + strings.Join(membersOf(name), ", ")
}

// membersOf are the names that a part of the configuration has, by the name of
// its type.
func membersOf(name string) []string {
	for _, part := range []any{Config{}, Stream{}, Smoke{}, Key{}, Place{}, Ledger{}, Function{}, Alarms{}} {
		t := reflect.TypeOf(part)
		if t.String() != name {
			continue
		}
		var members []string
		for i := range t.NumField() {
			members = append(members, t.Field(i).Tag.Get("yaml"))
		}
		return members
	}
	return nil
}
