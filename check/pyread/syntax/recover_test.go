package syntax_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/pyread/syntax"
)

// TestMistakes shows that a mistake costs its own statement only, and says
// where it is. Each text defines f and h, which must be read whatever is
// between them.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, between, want string }{
		{"print of Python 2", "print 'x'\n", `4:6 want the end of the statement, found "'x'"`},
		{"except of Python 2", "try:\n    pass\nexcept A, e.b as c, d:\n    def g(): pass\n", `6:18 want ':', found ","`},
		{"open bracket", "x = (1,\n     2\n", "4:4 '(' was never closed"},
		{"open bracket in a block", "def g():\n    x = [1,\n    return x\n", "5:8 '[' was never closed"},
		{"open field", "x = f'{a[0'\n", "4:8 '[' was never closed"},
		{"closed too often", "x = 1)\n", "4:5 ')' closes nothing"},
		{"wrong bracket", "x = (1]\n", "4:6 ']' can't close '('"},
		{"open string", "x = 'abc\n", "4:4 this string has no end on its line"},
		{"open long string", "x = '''abc\n", "4:4 this string has no end"},
		{"open template", "x = f'a{b}\n", "4:4 this string has no end"},
		{"single brace", "x = f'a}b'\n", "4:7 a single '}' in a template: write '}}' for the character"},
		{"no block", "if x:\n", `5:0 want an indented block, found "def"`},
		{"a block too much", "x = 1\n    y = 2\n", "5:0 want an expression, found an indentation"},
		{"strange dedent", "if x:\n        y\n    z\n", "6:0 this indentation is that of no block around it"},
		{"tabs", "if x:\n        y\n\tz\n", "6:0 tabs and spaces are mixed so that the indentation is ambiguous: use spaces only"},
		{"not a target", "f() = 1\n", "4:0 this can't be assigned to"},
		{"octal of Python 2", "x = 0777\n", "4:4 a number can't begin with 0: write 0o for octal"},
		{"number and letters", "x = 1abc\n", "4:4 this is no number"},
		{"strange character", "x = 1 ¿ 2\n", "4:6 '¿' (U+00BF) belongs to no name or operator"},
		{"question mark", "x = a ? b\n", `4:6 '?' belongs to no name or operator`},
		{"NUL", "x = \x00\n", "4:4 a NUL byte: this is no text"},
		{"not UTF-8", "x = \xff\n", "4:4 '�' (U+FFFD) belongs to no name or operator"},
		{"header", "class g(:\n    def m(self): pass\n", "4:7 '(' was never closed"},
		{"default", "def g(a=1, b): pass\n", "4:11 a parameter without a default can't follow one with a default"},
		{"argument", "g(a=1, b)\n", "4:7 a positional argument can't follow a keyword argument"},
		{"mixed strings", "x = 'a' b'b'\n", "4:8 strings of different kinds can't be joined"},
		{"backslash", "x = \\ 1\n", "4:4 a backslash may only stand at the very end of a line"},
		{"decorator", "@d\nx = 1\n", `5:0 want a function or class after its decorators, found "x"`},
		{"else alone", "else:\n    pass\n", `4:0 want an expression, found "else"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := syntax.Parse("m.py", []byte("def f():\n    pass\n\n"+c.between+"def h(): return 1\n"))
			if len(file.Errors) == 0 {
				t.Fatal("no error")
			}
			e := file.Errors[0]
			line, column := file.Position(e.Start)
			if got := fmt.Sprintf("%d:%d %s", line, column, e.Message); got != c.want {
				t.Errorf("the error is %q, want %q", got, c.want)
			}
			if defs := functions(file); !slices.Contains(defs, "f") || !slices.Contains(defs, "h") {
				t.Errorf("functions read: %q", defs)
			}
		})
	}
}

func functions(file *syntax.File) (names []string) {
	for n := range syntax.All(file) {
		if f, ok := n.(*syntax.FunctionDef); ok {
			names = append(names, f.Name)
		}
	}
	return names
}

// TestBlockOfMistake: what is in a block is read although its head is wrong.
func TestBlockOfMistake(t *testing.T) {
	file := syntax.Parse("m.py", []byte("class g(:\n    def m(self):\n        with a:\n            pass\n"))
	bad, ok := file.Body[0].(*syntax.Bad)
	if !ok || len(bad.Body) != 1 || !slices.Equal(functions(file), []string{"m"}) {
		t.Errorf("the tree is %v", dump(file, true))
	}
}

// TestDeep: texts that nest without end are refused, not followed.
func TestDeep(t *testing.T) {
	const n = 100_000
	for _, text := range []string{
		strings.Repeat("(", n), strings.Repeat("[", n) + strings.Repeat("]", n), strings.Repeat("f'{", n),
		strings.Repeat("-", n) + "1", strings.Repeat("not ", n) + "1", "1" + strings.Repeat("+1", 2*n), "a" + strings.Repeat(".a", n),
		"a" + strings.Repeat("()", n), strings.Repeat("lambda:", n) + "1", "a" + strings.Repeat(" if a else a", n), "a" + strings.Repeat("**a", n),
		"if a: b\n" + strings.Repeat("elif a: b\n", n), "match x:\n case " + strings.Repeat("(", n), strings.Repeat("{1:", n),
		strings.Repeat("(", 5) + "a" + strings.Repeat(strings.Repeat("+a", n-10)+")", 5), // each chain short enough, the tree too deep
		"f'{x:" + strings.Repeat("{x:", n), strings.Repeat("'''", n+1), blocks(1000),
	} {
		file := syntax.Parse("m.py", []byte(text+"\n"))
		if len(file.Errors) == 0 {
			t.Errorf("%.30q… is read", text)
		}
		for range syntax.All(file) {
		}
	}
}

func blocks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "if x:\n")
	}
	return b.String() + strings.Repeat(" ", n) + "pass"
}

// TestPieces: each part of a string's value knows the bytes that stand for it.
func TestPieces(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`'abc'`, `abc=abc`},
		{`'a\'b'`, `a=a \'=' b=b`},
		{`r'a\'b'`, `a\'b=a\'b`},
		{`'\x41\101\u0042\n'`, "\\x41=A \\101=A \\u0042=B \\n=\n"},
		{`b'\x41\u0042'`, `\x41=A \=\ u0042=u0042`},
		{"'a\\\nb'", "a=a \\\n= b=b"},
		{`'a' "b"`, `a=a b=b`},
		{`'\q'`, `\=\ q=q`},
		{`'''it's'''`, `it's=it's`},
		{`''`, ``},
	} {
		file := syntax.Parse("m.py", []byte(c.text))
		constant := file.Body[0].(*syntax.ExprStmt).Value.(*syntax.Constant)
		var got []string
		for _, l := range file.Literals(constant) {
			for at, value := range file.Pieces(l) {
				got = append(got, file.Slice(at)+"="+value)
			}
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s is %q, want %q", c.text, s, c.want)
		}
	}
}
