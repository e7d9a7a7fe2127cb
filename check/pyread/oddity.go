package pyread

import (
	"strings"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// Oddities are what values of a file may be that print as SQL, and are bound as
// something else or not at all.
type oddities struct {
	printing string // a class with __str__ or __format__ that is no error; "" for none
	decimals bool   // it imports decimal or fractions
	arrays   bool   // it imports numpy or pandas, whose numbers are none of Python's
	enums    bool   // it imports enum, whose members some Pythons format in another way than str does
}

// oddities looks a file through once.
func (m *mended) oddities() oddities {
	if m.odd != nil {
		return *m.odd
	}
	m.odd = &oddities{}
	m.all(m.tree, func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.FunctionDef:
			if c, ok := m.parent[n].(*syntax.ClassDef); ok && (n.Name == "__str__" || n.Name == "__format__") && !fails(c) {
				m.odd.printing = c.Name
			}
		case *syntax.Import:
			for _, a := range n.Names {
				m.odd.imported(a.Name)
			}
		case *syntax.ImportFrom:
			m.odd.imported(n.Module)
		}
	})
	return *m.odd
}

func (o *oddities) imported(module string) {
	first, _, _ := strings.Cut(module, ".")
	o.decimals = o.decimals || first == "decimal" || first == "fractions"
	o.enums = o.enums || first == "enum"
	o.arrays = o.arrays || first == "numpy" || first == "pandas"
}

// fails reports whether a class is one of errors, by the name of a base.
func fails(c *syntax.ClassDef) bool {
	for _, b := range c.Bases {
		if name := lastName(b); strings.HasSuffix(name, "Error") || strings.HasSuffix(name, "Exception") {
			return true
		}
	}
	return false
}
