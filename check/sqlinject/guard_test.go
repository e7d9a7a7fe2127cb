package sqlinject_test

import (
	"strings"
	"testing"

	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/pyread"
	"github.com/penstock-io/penstock/check/sqlinject"
)

// TestPandas: pandas hands a text to whatever driver the connection has.
func TestPandas(t *testing.T) {
	p := &ir.Program{}
	text := "import pandas as pd\ndef f(con, x):\n    pd.read_sql(f'SELECT 1 FROM t WHERE id = {x}', con)\n    pd.read_sql('SELECT 1', con, params=(x,))\n"
	if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
		t.Fatal(problems)
	}
	if found := sqlinject.Analyse(p, sqlinject.Options{}); len(found) != 1 {
		t.Errorf("%d findings, want 1", len(found))
	}
}

// TestQuotedNames: a name whose quotes are doubled can stand between such quotes, and
// nowhere else.
func TestQuotedNames(t *testing.T) {
	for body, fails := range map[string]bool{
		`cur.execute('DROP TABLE "' + x.replace('"', '""') + '"')`:                                              false,
		"y = x.replace('\"', '\"\"')\n    cur.execute(f'DROP TABLE \"{y}\"')":                                   false,
		"cur.execute('DROP TABLE `%s`' % x.replace('`', '``'))":                                                 false,
		`cur.execute('DROP TABLE "{}"'.format(x.replace('"', '""')))`:                                           false,
		"cur.execute('DROP TABLE [' + x.replace(']', ']]') + ']')":                                              false,
		"def q(n):\n    return '\"' + n.replace('\"', '\"\"') + '\"'\n    cur.execute('DROP TABLE ' + q(x))":    false,
		"cols = ', '.join('\"' + c.replace('\"', '\"\"') + '\"' for c in x)\n    cur.execute('SELECT ' + cols)": false,
		"if ']' in x:\n    raise ValueError\ncur.execute(f'DROP TABLE [{x}]')":                                  false,
		"if '\"' not in x:\n    cur.execute('DROP TABLE \"%s\"' % x)":                                           false,
		"def q(s):\n    if s.isidentifier():\n        return s\n    elif ']' in s:\n        return '\"{}\"'.format(s.replace('\"', '\"\"'))\n    else:\n        return f'[{s}]'\ncur.execute(f'DROP TABLE {q(x)}')": false,
		"if ']' in x:\n    y = 1\ncur.execute(f'DROP TABLE [{x}]')":             true,
		"if ']' not in x:\n    y = 1\ncur.execute(f'DROP TABLE [{x}]')":         true,
		"if ']' in x:\n    cur.execute(f'DROP TABLE [{x}]')":                    true,
		"if ']' not in x:\n    cur.execute(f'DROP TABLE {x}')":                  true,
		"if '\"' in x:\n    raise ValueError\ncur.execute(f'DROP TABLE [{x}]')": true,
		`cur.execute('DROP TABLE ' + x.replace('"', '""'))`:                     true,
		`cur.execute("DELETE FROM t WHERE a = '" + x.replace('"', '""') + "'")`: true,
		"cur.execute('DROP TABLE `' + x.replace('\"', '\"\"') + '`')":           true,
		`cur.execute('DROP TABLE "' + x.replace("'", "''") + '"')`:              true,
		`cur.execute('DROP TABLE "' + x.replace('"', '') + x + '"')`:            true,
	} {
		found := told(t, body)
		if got := len(found) > 0 && found[0].Level.Fails(); got != fails {
			t.Errorf("%v, want one that fails: %v, in\n%s", found, fails, body)
		}
	}
}

// TestGuards puts a value into a query behind a test of it, or converted: what
// lets only numbers and names through is no finding, what lets more through is one.
func TestGuards(t *testing.T) {
	const ask = "\n    cur.execute(f'SELECT 1 FROM t WHERE id = {x}')\n"
	for body, want := range map[string]int{
		"if not x.isdigit():\n        raise ValueError":                                                      0,
		"if not (isinstance(x, str) and x.isdigit()):\n        raise TypeError":                              0,
		"assert x.isidentifier()":                                                                            0,
		"assert isinstance(x, (int, float))":                                                                 0,
		"if not isinstance(x, int) or x < 0:\n        return":                                                0,
		"if type(x) is not int:\n        return":                                                             0,
		"if not re.fullmatch(r'\\d+', x):\n        return":                                                   0,
		"if re.match(r'^[a-z_]+$', x) is None:\n        return":                                              0,
		"m = NAME.fullmatch(x)\n    if not m:\n        return":                                               0,
		"try:\n        int(x)\n    except ValueError:\n        return":                                       0,
		"if not all(y.isdigit() for y in x):\n        return":                                                0,
		"x = ','.join(map(str, [int(y) for y in x]))":                                                        0,
		"x = '{:d}'.format(x)":                                                                               0,
		"x = f'{x:.2f}'":                                                                                     0,
		"x = x if x in ('a', 'b') else 'c'":                                                                  0,
		"x = 'c' if x not in ('a', 'b') else x":                                                              0,
		"x = x if x.isidentifier() else 'c'":                                                                 0,
		"x = ', '.join([y for y in x if y in ('a', 'b')])":                                                   0,
		"x = ', '.join(f'{y} = ?' for y in x if y in ('a', 'b'))":                                            0,
		"ok = {'a', 'b'}\n    x = ', '.join([y for y in x if y in ok])":                                      0,
		"if not set(x) <= {'a', 'b'}:\n        return\n    x = ','.join(x)":                                  0,
		"if not set(x) <= set(request.z):\n        return\n    x = ','.join(x)":                              1,
		"if set(x) <= {'a', 'b'}:\n        return\n    x = ','.join(x)":                                      1,
		"for y in x:\n        if y not in ('a', 'b'):\n            raise ValueError(y)\n    x = ','.join(x)": 0,
		"for y in x:\n        if not y.isidentifier():\n            return\n    x = ','.join(y for y in x)":  0,
		"for y in x:\n        z = y\n        if not (isinstance(y, str) and NAME.fullmatch(y)):\n            raise TypeError\n    x = ','.join(x)":                            0,
		"for y in list(x):\n        assert y in ('a', 'b')\n    x = ','.join(x)":                                                                                              0,
		"for y, z in x.items():\n        if y not in ('a', 'b'):\n            raise KeyError\n    x = ','.join(f'{y} = ?' for y, z in x.items())":                             0,
		"for y in x.keys():\n        if y not in ('a', 'b'):\n            raise KeyError\n    x = ','.join(f'{y} = ?' for y in x.keys())":                                     0,
		"bad = set(x) - {'a', 'b'}\n    if bad:\n        raise ValueError(bad)\n    x = ','.join(x)":                                                                          0,
		"if set(x) - {'a', 'b'}:\n        raise ValueError\n    x = ','.join(x)":                                                                                              0,
		"if x.keys() - {'a', 'b'}:\n        raise ValueError\n    x = ','.join(x)":                                                                                            0,
		"if set(x).difference({'a', 'b'}):\n        raise ValueError\n    x = ','.join(x)":                                                                                    0,
		"if not set(x).issubset({'a', 'b'}):\n        raise ValueError\n    x = ','.join(x)":                                                                                  0,
		"bad = [y for y in x if y not in ('a', 'b')]\n    if bad:\n        raise ValueError(bad)\n    x = ','.join(x)":                                                        0,
		"if any(y not in ('a', 'b') for y in x):\n        raise ValueError\n    x = ','.join(x)":                                                                              0,
		"for y in x:\n        if y not in ('a', 'b'):\n            print(y)\n    x = ','.join(x)":                                                                             1,
		"for y in x:\n        if y in ('a', 'b'):\n            raise ValueError\n    x = ','.join(x)":                                                                         1,
		"for y in x:\n        y = y.strip()\n        if y not in ('a', 'b'):\n            raise ValueError\n    x = ','.join(x)":                                              1,
		"for y in x:\n        if not y:\n            continue\n        if y not in ('a', 'b'):\n            raise ValueError\n    x = ','.join(x)":                            1,
		"for y in x:\n        if y not in ('a', 'b'):\n            raise ValueError\n        break\n    x = ','.join(x)":                                                      1,
		"for y in x:\n        if y and y not in ('a', 'b'):\n            raise ValueError\n    x = ','.join(x)":                                                               1,
		"for y in x:\n        try:\n            if y not in ('a', 'b'):\n                raise ValueError\n        except ValueError:\n            pass\n    x = ','.join(x)": 1,
		"for y in x.values():\n        if y not in ('a', 'b'):\n            raise ValueError\n    x = ','.join(x)":                                                            1,
		"bad = set(x) - {'a', 'b'}\n    x = ','.join(x)":                                                                                                                      1,
		"bad = set(x) - {'a', 'b'}\n    x = ','.join(bad)":                                                                                                                    1,
		"if not set(x) - {'a', 'b'}:\n        raise ValueError\n    x = ','.join(x)":                                                                                          1,
		"if set(x) - set(request.z):\n        raise ValueError\n    x = ','.join(x)":                                                                                          1,
		"if any(y not in ('a', 'b') for y in x):\n        pass\n    x = ','.join(x)":                                                                                          1,
		"if not set(x) <= {'a', 'b'}:\n        raise ValueError\n    x = ','.join(f\"{y} = '{x[y]}'\" for y in x)":                                                            1,
		"if not set(x) <= {'a', 'b'}:\n        raise ValueError\n    x = ','.join(x.values())":                                                                                1,
		"if not set(x) <= {'a', 'b'}:\n        raise ValueError\n    x = ','.join(f\"{y} = '{z}'\" for y, z in x.items())":                                                    1,
		"if not set(x) <= {'a', 'b'}:\n        raise ValueError\n    x = dict(x)\n    x = x.get('a')":                                                                         1,
		"if not set(x) <= {'a', 'b'}:\n        raise ValueError\n    x = '%(a)s' % x":                                                                                         1,
		"for y in x:\n        if y not in ('a', 'b'):\n            raise ValueError\n    x = x['a']":                                                                          1,
		"x = x if x not in ('a', 'b') else 'c'":                                                                                                                               1,
		"x = x if x in request.names else 'c'":                                                                                                                                1,
		"x = 'c' if x in ('a', 'b') else x":                                                                                                                                   1,
		"x = ', '.join([y for y in x if y not in ('a', 'b')])":                                                                                                                1,
		"x = ', '.join([y + request.z for y in x if y in ('a', 'b')])":                                                                                                        1,
		"x = ', '.join([y for y in x if y in ('a', 'b') or y])":                                                                                                               1,
		"if x.isdigit():\n        pass":                       1,
		"if not isinstance(x, str):\n        return":          1,
		"if not isinstance(x, (int, str)):\n        return":   1,
		"if not re.search(r'\\d+', x):\n        return":       1,
		"if not re.match(r'\\d+', x):\n        return":        1,
		"if not re.fullmatch(r'.*', x):\n        return":      1,
		"if not re.fullmatch(r'[^;]+', x):\n        return":   1,
		"if not re.fullmatch(r'[a-z-]+', x):\n        return": 1,
		"if not re.match(r'a$|b', x):\n        return":        1,
		"if x.isdigit():\n        x = x + input()":            1,
		"x = f'{x:c}'": 1,
		"try:\n        int(x)\n    except ValueError:\n        pass":                           1,
		"if x.isdigit():\n        return":                                                      1,
		"m = NAME.fullmatch(x)\n    if m is None:\n        pass":                               1,
		"if not all(y.isdigit() for y in x if y):\n        return":                             1,
		"if not isinstance(x, int):\n        x = request.args['x']":                            1,
		"if NAME.fullmatch(x) is None and not x.isdigit():\n        return":                    0,
		"if NAME.fullmatch(x) is None and x != 'a b':\n        return":                         0,
		"match x:\n        case int():\n            pass\n        case _:\n            return": 0,
	} {
		text := "import re\nimport sqlite3\nNAME = re.compile(r'[a-z_]+')\ncur = sqlite3.connect('x').cursor()\ndef f(x, request):\n    " + body + ask
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "m.py", Text: []byte(text), Lang: ir.Python}}); problems != nil {
			t.Fatal(body, problems)
		}
		if found := sqlinject.Analyse(p, sqlinject.Options{}); len(found) != want {
			t.Errorf("%d findings, want %d, in\n%s", len(found), want, strings.TrimSpace(body))
		}
	}
}
