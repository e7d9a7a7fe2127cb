package goread

import (
	"cmp"
	"go/ast"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"

	"github.com/penstock-io/penstock/check/ir"
)

// A sink is a library's way to send SQL.
type sink struct {
	driver string
	style  ir.Style       // NoStyle: as the driver that is imported writes it
	text   map[string]int // method -> which argument is the text
	funcs  map[string]int // the same of functions that are no methods
}

// sinks are the libraries known, by import path without its version.
var sinks = map[string]sink{
	"database/sql": {driver: "database/sql", text: map[string]int{
		"Query": 0, "QueryRow": 0, "Exec": 0, "Prepare": 0,
		"QueryContext": 1, "QueryRowContext": 1, "ExecContext": 1, "PrepareContext": 1,
	}},
	"github.com/jackc/pgx": {driver: "pgx", style: ir.Dollar, text: map[string]int{
		"Query": 1, "QueryRow": 1, "Exec": 1, "Queue": 0, "Prepare": 2, "ExecParams": 1,
	}},
	"github.com/jmoiron/sqlx": {driver: "sqlx", text: map[string]int{
		"Queryx": 0, "QueryRowx": 0, "MustExec": 0, "Preparex": 0, "NamedExec": 0, "NamedQuery": 0, "PrepareNamed": 0, "Get": 1, "Select": 1,
		"QueryxContext": 1, "QueryRowxContext": 1, "MustExecContext": 1, "PreparexContext": 1, "NamedExecContext": 1, "NamedQueryContext": 1,
		"GetContext": 2, "SelectContext": 2,
	}, funcs: map[string]int{
		"MustExec": 1, "NamedExec": 1, "NamedQuery": 1, "Preparex": 1, "Get": 2, "Select": 2,
		"MustExecContext": 2, "NamedExecContext": 2, "NamedQueryContext": 2, "PreparexContext": 2, "GetContext": 3, "SelectContext": 3,
	}},
	"gorm.io/gorm": {driver: "gorm", style: ir.Qmark, text: map[string]int{
		"Raw": 0, "Exec": 0, "Where": 0, "Or": 0, "Not": 0, "Having": 0, "Joins": 0,
		"Order": 0, "Group": 0, "Select": 0, "Table": 0, "Pluck": 0,
		"Find": 1, "First": 1, "Last": 1, "Take": 1, "Delete": 1,
	}},
}

// answers are what only a database returns: a method of any type that takes a
// text and arguments and returns one of them sends SQL.
var answers = map[string]string{
	"*database/sql.Rows": "database/sql", "*database/sql.Row": "database/sql", "database/sql.Result": "database/sql",
	"github.com/jackc/pgx.Rows": "pgx", "github.com/jackc/pgx.Row": "pgx", "github.com/jackc/pgx/pgconn.CommandTag": "pgx",
}

// unversioned takes /v5 out of an import path or a type's name.
func unversioned(path string) string {
	for v := range strings.SplitSeq("v2 v3 v4 v5 v6", " ") {
		path = strings.Replace(strings.Replace(path, "/"+v+"/", "/", 1), "/"+v+".", ".", 1)
		path = strings.TrimSuffix(path, "/"+v)
	}
	return path
}

// sends tells how a called method sends SQL, and which argument is the text.
func sends(fn *types.Func) (s sink, text int, ok bool) {
	sig := fn.Signature()
	if fn.Pkg() == nil {
		return sink{}, 0, false
	}
	path := unversioned(fn.Pkg().Path())
	for at, s := range sinks {
		if path == at || at == "github.com/jackc/pgx" && strings.HasPrefix(path, at+"/") {
			texts := s.text
			if sig.Recv() == nil {
				texts = s.funcs
			}
			text, ok := texts[fn.Name()]
			if fn.Name() == "Exec" && sig.Params().Len() < 2 && at != "database/sql" && at != "gorm.io/gorm" {
				text = 0
			}
			return s, text, ok && text < sig.Params().Len() && stringy(sig.Params().At(text).Type())
		}
	}
	if sig.Recv() == nil {
		return sink{}, 0, false
	}
	return lookalike(fn, sig)
}

// lookalike recognises a method that a program or a generator wrote, such as
// those of an interface in front of the driver.
func lookalike(fn *types.Func, sig *types.Signature) (sink, int, bool) {
	if !sig.Variadic() || sig.Params().Len() < 2 || sig.Results().Len() == 0 {
		return sink{}, 0, false
	}
	driver, ok := answers[unversioned(sig.Results().At(0).Type().String())]
	text := sig.Params().Len() - 2
	if !ok || !stringy(sig.Params().At(text).Type()) {
		return sink{}, 0, false
	}
	if _, body := fn.Type().(*types.Signature).Recv().Type().Underlying().(*types.Interface); !body {
		return sink{}, 0, false // its body is read, and says what it does
	}
	for _, s := range sinks {
		if s.driver == driver {
			return s, text, true
		}
	}
	return sink{}, 0, false
}

func stringy(t types.Type) bool {
	switch b := t.Underlying().(type) {
	case *types.Basic:
		return b.Info()&types.IsString != 0
	case *types.Interface:
		return b.Empty() // gorm's query interface{}
	case *types.Slice:
		i, ok := b.Elem().Underlying().(*types.Interface)
		return ok && i.Empty() // its conds ...interface{}
	}
	return false
}

// fragments are methods whose text is names and directions: no parameter can
// stand in it.
var fragments = map[string]bool{"Order": true, "Group": true, "Table": true, "Pluck": true}

// placeholders are how the drivers behind database/sql write a parameter, by
// import path without version, and by the name they are opened with.
var placeholders = map[string]ir.Style{
	"github.com/lib/pq": ir.Dollar, "github.com/jackc/pgx/stdlib": ir.Dollar, "gorm.io/driver/postgres": ir.Dollar,
	"github.com/go-sql-driver/mysql": ir.Qmark, "github.com/mattn/go-sqlite3": ir.Qmark, "modernc.org/sqlite": ir.Qmark,
	"github.com/glebarez/go-sqlite": ir.Qmark, "github.com/glebarez/sqlite": ir.Qmark, "github.com/ncruces/go-sqlite3/driver": ir.Qmark,
	"github.com/microsoft/go-mssqldb": ir.AtP, "github.com/denisenkom/go-mssqldb": ir.AtP,
	"github.com/godror/godror": ir.ColonIndex, "github.com/sijms/go-ora": ir.ColonIndex,
	"postgres": ir.Dollar, "pgx": ir.Dollar, "mysql": ir.Qmark, "sqlite": ir.Qmark, "sqlite3": ir.Qmark,
	"sqlserver": ir.AtP, "mssql": ir.AtP, "godror": ir.ColonIndex, "oracle": ir.ColonIndex,
}

// Drivers are the names by which database/sql opens a driver whose way to write a
// parameter is known.
func Drivers() []string {
	return slices.Sorted(func(yield func(string) bool) {
		for name := range placeholders {
			if !strings.Contains(name, "/") && !yield(name) {
				return
			}
		}
	})
}

// styles finds how the drivers that packages import, or open by name, write a
// parameter: by package, and for all together under "".
func (r *reader) styles(pkgs []*packages.Package) map[string]ir.Style {
	out := map[string]ir.Style{}
	mixed := map[string]bool{}
	add := func(pkg string, s ir.Style) {
		if s == ir.NoStyle {
			return
		}
		for _, key := range []string{pkg, ""} {
			mixed[key] = mixed[key] || out[key] != ir.NoStyle && out[key] != s
			out[key] = s
		}
	}
	for _, p := range pkgs {
		for path := range p.Imports {
			add(p.PkgPath, placeholders[unversioned(path)])
		}
		for _, f := range p.Syntax {
			ast.Inspect(f, func(n ast.Node) bool {
				if c, ok := n.(*ast.CallExpr); ok && len(c.Args) > 0 {
					if fn := called(p.TypesInfo, c); fn != nil && (fn.FullName() == "database/sql.Open" || strings.HasPrefix(fn.FullName(), "github.com/jmoiron/sqlx.")) {
						if v := p.TypesInfo.Types[c.Args[0]].Value; v != nil {
							add(p.PkgPath, placeholders[strings.Trim(v.ExactString(), `"`)])
						}
					}
				}
				return true
			})
		}
	}
	for key := range mixed {
		if mixed[key] {
			out[key] = ir.NoStyle
		}
	}
	return out
}

// called is the function or method a call names; nil for a function value.
func called(info *types.Info, c *ast.CallExpr) *types.Func {
	fun := ast.Unparen(c.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	switch x := fun.(type) {
	case *ast.Ident:
		fn, _ := info.Uses[x].(*types.Func)
		return fn
	case *ast.SelectorExpr:
		fn, _ := info.Uses[x.Sel].(*types.Func)
		return fn
	}
	return nil
}

// query lowers a call that sends SQL; false when it does not.
func (b *sqlFunc) query(c *ast.CallExpr, fn *types.Func) bool {
	s, text, ok := sends(fn)
	if !ok || text >= len(c.Args) {
		return false
	}
	q := &ir.Query{Span: b.node(c), Driver: s.driver, Style: s.style, Method: fn.Name(), SQL: b.value(c.Args[text])}
	if s.driver == "gorm" && b.info.Types[c.Args[text]].Value == nil {
		if t, ok := b.info.TypeOf(c.Args[text]).Underlying().(*types.Basic); !ok || t.Info()&types.IsString == 0 {
			return true // a struct or a map as a condition
		}
	}
	if q.Style == ir.NoStyle {
		q.Style = b.style()
	}
	if rest := c.Args[text+1:]; len(rest) > 0 {
		list := &ir.List{Where: ir.Where{Span: b.span(rest[0].Pos(), rest[len(rest)-1].End())}}
		for _, arg := range rest {
			list.Elems = append(list.Elems, b.value(arg))
		}
		q.Args = list
	}
	b.emit(q)
	return true
}

// style is how the program's driver writes a parameter: the package's own, else the
// only one in the program, else the one that the user names.
func (b *sqlFunc) style() ir.Style {
	if s, ok := b.sql.styles[b.pkg.PkgPath]; ok {
		return s
	}
	return cmp.Or(b.sql.styles[""], placeholders[b.reader.driver])
}
