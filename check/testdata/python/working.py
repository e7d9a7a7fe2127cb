"""Programs that work, each of which a fix once broke, or could: their queries are advice, or mended so that they still work."""
import argparse
import collections
import dataclasses
import functools
import re
import sqlite3

con = sqlite3.connect(":memory:")
cur = con.cursor()
LIMITS = {"few": "2", "all": "-1"}


def rows(sql, *args):
    return cur.execute(sql, *args).fetchall()


def first(s):
    return second(s)


def second(s):
    return third(s)


def third(s):
    out = []
    for c in s:
        out.append("''" if c == "'" else c)
    return "".join(out)


def by_note(note):
    return cur.execute(f"SELECT id FROM t WHERE note = '{note}'").fetchall()


def through_three(x):
    return by_note(first(x))


def relayed(x):
    return relay(first(x))


def relay(y):
    return relay_again(y)


def relay_again(z):
    return cur.execute(f"SELECT id FROM t WHERE note = '{z}'").fetchall()


class Search:
    def __init__(self, note):
        self.note = re.sub("'", "''", note)

    def run(self):
        return cur.execute(f"SELECT id FROM t WHERE note = '{self.note}'").fetchall()


def kept_in_a_field(x):
    return Search(x).run()


def kept_in_a_dict(x):
    kept = {}
    kept["note"] = x.replace("'", "''")
    return cur.execute("SELECT id FROM t WHERE note = '%s'" % kept["note"]).fetchall()


def by_lambda(x):
    double = lambda s: s.replace("'", "''")
    return cur.execute("SELECT id FROM t WHERE note = '" + double(x) + "'").fetchall()


def by_default(x, other="length(note)"):
    return cur.execute(f"SELECT id FROM t WHERE id = {other}").fetchall()


def by_keyword_default(x, *, other="(SELECT max(id) FROM t)"):
    return cur.execute(f"SELECT id FROM t WHERE id = {other}").fetchall()


def looked_up(x):
    return cur.execute(f"SELECT id FROM t WHERE id = {x.get('id', 'length(name)')}").fetchall()


def looked_up_by_keyword(x):
    other = x.pop("id", "length(name)")
    return cur.execute(f"SELECT id FROM t WHERE id = {other}").fetchall()


def value(x):
    return x


def one_name(x):
    x = value(x)
    return cur.execute(f"SELECT id FROM t WHERE id = {x}").fetchall()


def one_name_again(x):
    return one_name("(SELECT max(id) FROM t)")


def list_in_one_text(n):
    return cur.execute(f"SELECT id FROM t WHERE id IN ({n})").fetchall()


def list_in_quotes(n):
    return cur.execute(f"SELECT id FROM t WHERE name IN ('{n}')").fetchall()


def two_lists_in_one_text(n, m):
    return cur.execute(f"SELECT id FROM t WHERE id IN ({n}, {m})").fetchall()


def row_in_one_text(n):
    cur.execute("DELETE FROM t WHERE id = 99")
    cur.execute(f"INSERT INTO t VALUES ({n})")
    return cur.execute("SELECT * FROM t WHERE id = 99").fetchall()


def rest_in_one_text(n):
    cur.execute("DELETE FROM t WHERE id = 99")
    cur.execute(f"INSERT INTO t (id, name, note) VALUES (99, {n})")
    return cur.execute("SELECT * FROM t WHERE id = 99").fetchall()


def condition_of_a_caller(cond):
    return cur.execute(f"SELECT id FROM t WHERE id > 0 AND {cond}").fetchall()


def value_of_a_caller(v):
    return cur.execute(f"SELECT id FROM t WHERE id = {v}").fetchall()


def calls_with_sql(x):
    return value_of_a_caller("1 OR id = 3")


def column_of_an_argument(c):
    return cur.execute(f"SELECT max({c}) FROM t").fetchall()


def column_of_a_function(c):
    return cur.execute(f"SELECT id FROM t WHERE length({c}) = 1 ORDER BY id").fetchall()


def column_of_a_join(c):
    return cur.execute(f"SELECT a.id FROM t a JOIN t b ON a.id = {c} ORDER BY 1").fetchall()


def table_in_quotes(x):
    return cur.execute(f"SELECT id FROM '{x}' WHERE id < 3").fetchall()


def column_in_quotes(x):
    cur.execute("DELETE FROM t WHERE id = 99")
    cur.execute(f"INSERT INTO t (id, '{x}') VALUES (99, 'z')")
    return cur.execute("SELECT * FROM t WHERE id = 99").fetchall()


def name_for_a_column(x):
    return [d[0] for d in cur.execute(f"SELECT id AS '{x}' FROM t").description]


def of_an_expression(x):
    return cur.execute(f"SELECT id, count(*) AS n FROM t GROUP BY id HAVING n >= {x}").fetchall()


def of_a_subquery(x):
    return cur.execute(f"SELECT n FROM (SELECT count(*) AS n FROM t) WHERE n > {x}").fetchall()


def of_a_subquery_without_as(x):
    return cur.execute(f"SELECT n FROM (SELECT count(*) n FROM t) s WHERE s.n > {x}").fetchall()


def of_an_alias(x):
    return cur.execute(f"SELECT id + 1 AS s FROM t WHERE s > {x}").fetchall()


def of_a_common_table(x):
    return cur.execute(f"WITH c(n) AS (SELECT count(*) FROM t) SELECT n FROM c WHERE n > {x}").fetchall()


def of_an_expression_listed(x):
    return cur.execute(f"SELECT id FROM t WHERE length(name) IN ({', '.join(x)}) ORDER BY id").fetchall()


def of_another_step(x):
    sql = "SELECT id + 1 AS s FROM t WHERE id > 0"
    if x:
        sql += f" AND s > {x}"
    return cur.execute(sql).fetchall()


def path(x):
    return cur.execute(f"SELECT json_extract(note, '$.{x}') FROM t WHERE id = 1").fetchall()


def grouped_by(x):
    return cur.execute(f"SELECT name || '{x}', count(*) FROM t GROUP BY name || '{x}'").fetchall()


def looked_up_in_constants(x):
    return cur.execute("SELECT id FROM t WHERE id > 0 LIMIT {} OFFSET {}".format(LIMITS.get(x, "1"), x and 1)).fetchall()


def with_a_representation(x):
    shown = f"{x!r}"
    return cur.execute("SELECT id FROM t WHERE name = " + shown).fetchall()


def with_quotes_of_its_own(x):
    name = "'" + x + "'"
    return cur.execute(f"SELECT id FROM t WHERE name = {name}").fetchall()


def negated(x):
    x = "-" + x
    return cur.execute(f"SELECT id FROM t WHERE id > {x} AND id < 2").fetchall()


def hexadecimal(x):
    return cur.execute(f"SELECT id FROM t WHERE id = 0x{x}").fetchall()


def blob(x):
    return cur.execute(f"SELECT id FROM t WHERE name = CAST(x'{x}' AS TEXT)").fetchall()


def joined_with_quotes(xs):
    names = "','".join(xs)
    return cur.execute(f"SELECT id FROM t WHERE name IN ('{names}')").fetchall()


def quoted_before(xs):
    names = ["'%s'" % x for x in xs]
    return cur.execute(f"SELECT id FROM t WHERE name IN ({','.join(names)})").fetchall()


def plain(x):
    return cur.execute(f"SELECT id FROM t WHERE name = '{x.strip()}'").fetchall()


def changed_by_alias(c):
    return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()


def changed_in_table(c):
    return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()


def changed_by_caller(c):
    return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()


def changed_in_part(c):
    return cur.execute(f"SELECT id FROM t WHERE name = {c}").fetchall()


def changed_by_list(c):
    return cur.execute(f"SELECT id FROM t WHERE name = {c}").fetchall()


def changed_by_mapping(c):
    return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()


class Changed:
    def by_name(self, c):
        return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()

    def by_class(self, c):
        return cur.execute(f"SELECT id + {c} FROM t ORDER BY 1").fetchall()


def called(f, c):
    return f(c)


def by_alias(c):
    alias = changed_by_alias
    return alias(c + " * id")


def by_table(c):
    return {"f": changed_in_table}["f"](c + " * id")


def by_caller(c):
    return called(changed_by_caller, c + " * id")


def by_part(c):
    return functools.partial(changed_in_part, "'" + c + "'")()


def by_list(c):
    args = ["'" + c + "'"]
    return changed_by_list(*args)


def by_mapping(c):
    return changed_by_mapping(**{"c": c + " * id"})


def by_name(c):
    return getattr(Changed(), "by_name")(c + " * id")


def by_class(c):
    return Changed.by_class(Changed(), c + " * id")


def caught(x):
    q = f"SELECT id FROM t WHERE id = {x}"
    try:
        int("x")
    except ValueError as x:
        return cur.execute(q).fetchall()


def text_in_passing(x):
    found = cur.execute(q := f"SELECT id FROM t WHERE id = {x}").fetchall()
    return [found, q]


def text_among_locals(x):
    q = f"SELECT id FROM t WHERE id = {x}"
    found = cur.execute(q).fetchall()
    return [found, locals()["q"]]


class Starred:
    def execute(self, sql, *p):
        return cur.execute(sql, p)


class TextAlone:
    def __init__(self):
        self.cursor = self

    def execute(self, sql):
        return cur.execute(sql)


starred = Starred()


def arguments_one_by_one(x):
    return starred.execute(f"SELECT id FROM t WHERE id = {x}").fetchall()


def more_arguments_one_by_one(x, y):
    return starred.execute(f"SELECT id FROM t WHERE id = {x} OR name = ?", y).fetchall()


def no_arguments(db, x):
    return db.cursor.execute(f"SELECT id FROM t WHERE id = {x}").fetchall()


def in_a_cursor_without_arguments(x):
    return no_arguments(TextAlone(), x)


def listed_by_caller(xs):
    return cur.execute(f"SELECT id FROM t WHERE name IN ({','.join(xs)})").fetchall()


def quoted_in_a_loop(xs):
    more = []
    for x in xs:
        more.append("'" + x + "'")
    return listed_by_caller(more)


def listed_by_another(xs):
    return cur.execute(f"SELECT id FROM t WHERE name IN ({','.join(xs)})").fetchall()


def quoted_by_map(xs):
    return listed_by_another(list(map(repr, xs)))


def quoted_by_the_database(x):
    x = cur.execute("SELECT quote(?)", (x,)).fetchone()[0]
    return cur.execute(f"SELECT id FROM t WHERE name = {x}").fetchall()


def quote_all(row):
    for key in row:
        row[key] = "'" + row[key] + "'"


def quoted_by_a_callee(row):
    row = dict(row)
    quote_all(row)
    return cur.execute(f"SELECT id FROM t WHERE name = {row['name']}").fetchall()


Column = collections.namedtuple("Column", "name initial")


def of_a_named_tuple(column):
    return cur.execute(f"SELECT id + {column.initial} FROM t ORDER BY 1").fetchall()


def named_tuple(x):
    return of_a_named_tuple(Column("id", x + " * id"))


@dataclasses.dataclass
class Chosen:
    plain: str
    chosen: str = "'b'"


def of_a_data_class(one):
    return cur.execute(f"SELECT id FROM t WHERE name = {one.chosen}").fetchall()


def data_class(x):
    return of_a_data_class(Chosen(x))


class Quoted:
    def __init__(self, name):
        self.name = name

    @property
    def literal(self):
        return "'" + self.name + "'"


def of_a_property(one):
    return cur.execute(f"SELECT id FROM t WHERE name = {one.literal}").fetchall()


def with_a_property(x):
    return of_a_property(Quoted(x))


class Literals(dict):
    def __getitem__(self, key):
        return "'" + super().__getitem__(key) + "'"


def of_a_mapping(row):
    return cur.execute(f"SELECT id FROM t WHERE name = {row['name']}").fetchall()


def own_mapping(x):
    return of_a_mapping(Literals(name=x))


def of_an_option():
    parser = argparse.ArgumentParser()
    parser.add_argument("--since", default="id")
    options = parser.parse_args([])
    return cur.execute(f"SELECT id FROM t WHERE id = {options.since}").fetchall()
