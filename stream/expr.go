package stream

import (
	"github.com/penstock-io/penstock"
	"go.yaml.in/yaml/v3"
)

func (s *Stream) compileExpr(node *yaml.Node, what string) (source, Field, error) {
	_ = penstock.Value{}
	return nil, Field{}, lineError(node, "expr of %s: not yet", what)
}
