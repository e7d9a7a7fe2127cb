"""Programs that work, each of which a fix once broke, or could: their queries are advice, or mended so that they still work."""
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


CASES = [
    (through_three, ("o'neil",), None), (relayed, ("o'neil",), None), (kept_in_a_field, ("o'neil",), None), (kept_in_a_dict, ("o'neil",), None), (by_lambda, ("o'neil",), None),
    (by_default, (1,), None), (by_keyword_default, (1,), None), (looked_up, ({},), None), (looked_up_by_keyword, ({},), None), (one_name_again, (1,), None),
    (list_in_one_text, ("1, 2",), None), (list_in_quotes, ("a','b",), None), (two_lists_in_one_text, ("1, 2", "3"), None), (row_in_one_text, ("99, 'a', 'b'",), None),
    (rest_in_one_text, ("'a', 'b'",), None), (condition_of_a_caller, ("id < 3",), None), (calls_with_sql, (1,), None),
    (column_of_an_argument, ("id",), None), (column_of_a_function, ("name",), None), (column_of_a_join, ("b.id",), None),
    (table_in_quotes, ("t",), None), (column_in_quotes, ("name",), None), (name_for_a_column, ("shown",), None),
    (of_an_expression, ("1",), None), (of_a_subquery, ("1",), None), (of_a_subquery_without_as, ("1",), None), (of_an_alias, ("1",), None), (of_a_common_table, ("1",), None),
    (of_an_expression_listed, (["1", "3"],), None), (of_another_step, ("2",), None), (grouped_by, ("x",), None), (looked_up_in_constants, ("few",), None),
    (with_a_representation, ("b",), None), (with_quotes_of_its_own, ("b",), None), (negated, ("1",), None), (hexadecimal, ("2",), None), (blob, ("62",), None),
    (joined_with_quotes, (["a", "b"],), None), (quoted_before, (["a", "b"],), None), (plain, ("b",), ("' OR '1'='1",)),
]
