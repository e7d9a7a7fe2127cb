package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// fileBytesMax bounds a stream file and every schema file it names.
const fileBytesMax = 1 << 20

// sources are the files a stream is made of, in the order they were read; all
// of them make up its Version. It loads what a $ref names, and only from disk.
type sources struct {
	files     [][]byte
	documents map[string]document // the schemas, by address
}

// A document is a schema file, or the part of a stream file that is one.
type document struct {
	file string
	node *yaml.Node
}

// place finds where a schema of the validator was read from; its own
// meta-schemas have no such place.
func (s *sources) place(location string) (file string, node *yaml.Node) {
	address, pointer, _ := strings.Cut(location, "#")
	d, known := s.documents[address]
	if !known {
		return "", &yaml.Node{}
	}
	var tokens []string
	if pointer != "" {
		tokens = strings.Split(pointer[1:], "/")
	}
	for i, token := range tokens {
		token, _ = url.PathUnescape(token)
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return d.file, at(d.node, tokens)
}

// read reads a file and counts it among the sources.
func (s *sources) read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file; name a YAML or JSON file", path)
	}
	if info.Size() > fileBytesMax {
		return nil, fmt.Errorf("%s has %d bytes; a stream or schema file has at most %d", path, info.Size(), fileBytesMax)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s.files = append(s.files, data)
	return data, nil
}

// Load is called by the validator for a $ref to another document.
func (s *sources) Load(address string) (any, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "file" {
		return nil, fmt.Errorf("$ref to %s is remote and never fetched; save it beside the stream file and write its name", address)
	}
	path := filepath.FromSlash(u.Path)
	if wd, err := os.Getwd(); err == nil {
		if short, err := filepath.Rel(wd, path); err == nil {
			path = short
		}
	}
	data, err := s.read(path)
	if err != nil {
		return nil, err
	}
	node, err := parseYAML(data)
	if err != nil {
		return nil, inFile(path, err)
	}
	s.documents[address] = document{path, node}
	asJSON, err := toJSON(node)
	if err == nil {
		err = lintSchema(node)
	}
	return asJSON, inFile(path, err)
}

// version is the first 12 hex digits of the SHA-256 of all sources, each with
// its length in front so that no two lists of files run together.
func (s *sources) version() string {
	h := sha256.New()
	for _, data := range s.files {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(data))))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
