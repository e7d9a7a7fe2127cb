package ingest

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// LoadKeys reads a keys file:
//
//	keys:
//	  - name: checkout
//	    hash: sha256:9f86d081…       # of the secret; `penstock key` makes both
//	    streams: [orders]            # or ["*"]
//	    rate: 1000/s                 # events; also /m and /h; left out: no limit
//	    burst: 2000                  # events at once; left out: one second's worth
//	    user: "7"                    # may read this user's rows; for tenants, also tenant: NAME
//	  - name: helpdesk
//	    hash: sha256:2c26b4…
//	    users: "*"                   # may read any user's rows
//	  - name: warehouse
//	    certificate: sha256:60303a…  # of a client certificate (DER), for mutual TLS
//	    streams: ["*"]
//
// Errors name the file and the line.
func LoadKeys(path string) (*Keys, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	keys, err := ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", path, err)
	}
	return keys, nil
}

// ParseKeys reads the text of a keys file. Its errors begin with the line.
func ParseKeys(text []byte) (*Keys, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("1: not YAML: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("1: the file is empty: write `keys:` and a list of keys below it")
	}
	list, err := keyList(doc.Content[0])
	if err != nil {
		return nil, err
	}
	keys := &Keys{hashed: map[[8]byte]*Key{}, certs: map[[32]byte]*Key{}}
	for _, node := range list {
		k, err := parseKey(node)
		if err != nil {
			return nil, err
		}
		if err := keys.add(k); err != nil {
			return nil, fmt.Errorf("%d: %w", node.Line, err)
		}
	}
	return keys, nil
}

func keyList(root *yaml.Node) ([]*yaml.Node, error) {
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: want `keys:` and a list of keys below it", root.Line)
	}
	var list *yaml.Node
	for i := 0; i < len(root.Content); i += 2 {
		name := root.Content[i]
		if name.Value != "keys" {
			return nil, fmt.Errorf("%d: unknown word %q: the file holds `keys:` only", name.Line, name.Value)
		}
		if list != nil {
			return nil, fmt.Errorf("%d: `keys:` is there twice: join the lists", name.Line)
		}
		list = root.Content[i+1]
	}
	if list == nil || list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return nil, fmt.Errorf("%d: no keys: list at least one below `keys:`, or start without a keys file", root.Line)
	}
	return list.Content, nil
}

func parseKey(node *yaml.Node) (*Key, error) {
	if node.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%d: a key is written as `name:`, `hash:` and `streams:`", node.Line)
	}
	k := &Key{}
	seen := map[string]bool{}
	for i := 0; i < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		if seen[name.Value] {
			return nil, fmt.Errorf("%d: %s is there twice", name.Line, name.Value)
		}
		seen[name.Value] = true
		if err := k.set(name.Value, value); err != nil {
			return nil, fmt.Errorf("%d: %w", value.Line, err)
		}
	}
	switch {
	case k.Name == "":
		return nil, fmt.Errorf("%d: the key has no name: add `name:`", node.Line)
	case !k.hasHash && !k.hasCert:
		return nil, fmt.Errorf("%d: key %q has no hash: add `hash:`, or `certificate:` for mutual TLS", node.Line, k.Name)
	case len(k.Streams) == 0 && k.User == "" && !k.EveryUser:
		return nil, fmt.Errorf(`%d: key %q may use no stream: add streams: [NAME] or streams: ["*"], or for reading user: ID`, node.Line, k.Name)
	case k.User != "" && k.EveryUser:
		return nil, fmt.Errorf("%d: key %q is a user's and a service's: leave out user or users", node.Line, k.Name)
	case k.Burst > 0 && k.Rate == 0:
		return nil, fmt.Errorf("%d: key %q has a burst without a rate: add `rate:`", node.Line, k.Name)
	}
	return k, nil
}

func (k *Key) set(name string, value *yaml.Node) (err error) {
	switch name {
	case "name":
		if !keyName.MatchString(value.Value) {
			return fmt.Errorf("name %q: use 1 to 64 letters, digits, dots, dashes and underscores", value.Value)
		}
		k.Name = value.Value
	case "hash":
		k.hash, err = parseHash(value.Value)
		k.hasHash = true
	case "certificate":
		k.cert, err = parseHash(value.Value)
		k.hasCert = true
	case "streams":
		if err := value.Decode(&k.Streams); err != nil {
			return fmt.Errorf("streams: want a list of names, as [orders]")
		}
	case "user":
		if k.User = value.Value; k.User == "" || value.Kind != yaml.ScalarNode {
			return fmt.Errorf(`user: want one user's id, as user: "7"`)
		}
	case "tenant":
		if k.Tenant = value.Value; k.Tenant == "" || value.Kind != yaml.ScalarNode {
			return fmt.Errorf("tenant: want one tenant's name")
		}
	case "users":
		if value.Value != everyStream {
			return fmt.Errorf(`users %q: write users: "*" for a service that reads for any user, or user: ID for one`, value.Value)
		}
		k.EveryUser = true
	case "rate":
		k.Rate, err = parseRate(value.Value)
	case "burst":
		k.Burst, err = strconv.Atoi(value.Value)
		if err != nil || k.Burst < 1 {
			return fmt.Errorf("burst %q: want a whole number of events, at least 1", value.Value)
		}
	default:
		return fmt.Errorf("unknown word %q: a key has name, hash, certificate, streams, rate, burst, user, tenant and users", name)
	}
	return err
}

func parseHash(text string) (sum [32]byte, err error) {
	digits, ok := strings.CutPrefix(text, "sha256:")
	if ok && len(digits) == 64 {
		if _, err := hex.Decode(sum[:], []byte(digits)); err == nil {
			return sum, nil
		}
	}
	return sum, fmt.Errorf("want sha256: and 64 hex digits; `penstock key` makes a secret and its hash")
}

func parseRate(text string) (float64, error) {
	number, unit, _ := strings.Cut(text, "/")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	seconds := map[string]float64{"s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	if err != nil || !(n > 0 && n <= 1e9) || seconds == 0 {
		return 0, fmt.Errorf("rate %q: want events per second, minute or hour, as 1000/s, 60/m or 5/h", text)
	}
	return n / seconds, nil
}
