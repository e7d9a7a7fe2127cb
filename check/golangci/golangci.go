// Package golangci is the checker as a module plugin of golangci-lint. Who imports
// it registers the linter "penstock"; README.md says how `golangci-lint custom` does.
package golangci

import (
	"fmt"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/penstock-io/penstock/check/vet"
)

// Name is what the linter is called in .golangci.yml.
const Name = "penstock"

// golangci-lint knows its plugins by nothing but their registration at start.
func init() { register.Plugin(Name, New) }

// New makes the plugin. It has no settings yet, and refuses any, so that a
// misspelt one is not passed over.
func New(settings any) (register.LinterPlugin, error) {
	if _, err := register.DecodeSettings[struct{}](settings); err != nil {
		return nil, fmt.Errorf("linters.settings.custom.%s.settings: %w; it has none, leave them out", Name, err)
	}
	return plugin{}, nil
}

type plugin struct{}

// BuildAnalyzers returns the analyzer that go vet runs too.
func (plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	return []*analysis.Analyzer{vet.Analyzer}, nil
}

// GetLoadMode says that the analyzer needs types.
func (plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
