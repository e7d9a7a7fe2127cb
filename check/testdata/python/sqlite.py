import sqlite3

connection = sqlite3.connect(":memory:")
cur = connection.cursor()
TABLE = "t"
COLUMNS = {"id": "id", "name": "name DESC"}


def value(x):
    cur.execute(f"SELECT id FROM t WHERE id = {x}")
    return cur.fetchall()


def between_quotes(x):
    cur.execute(f"SELECT id FROM t WHERE name = '{x}'")
    return cur.fetchall()


def typed(x: str):
    cur.execute(f"SELECT id FROM t WHERE name = '{x}' AND note <> 'what?'")
    return cur.fetchall()


def like(x):
    cur.execute(f"SELECT id FROM t WHERE name LIKE '%{x}%' ORDER BY id LIMIT {2}")
    return cur.fetchall()


def question(x):
    cur.execute(f"SELECT id FROM t WHERE note = 'what?' AND id > ? AND name = '{x}'", (0,))
    return cur.fetchall()


def twice(x):
    cur.execute("SELECT id FROM t WHERE id = {x} OR id = {x}".format(x=x))
    return cur.fetchall()


def numbered(x, y):
    cur.execute("SELECT id FROM t WHERE id = {0} OR name = '{1}' OR id = {0}".format(x, y))
    return cur.fetchall()


def mapping(x, y):
    cur.execute("SELECT id FROM t WHERE id = %(x)s OR name = '%(y)s'" % {"x": x, "y": y})
    return cur.fetchall()


def number(x, y):
    cur.execute("SELECT id FROM t WHERE id = %d AND name = '%s'" % (x, y))
    return cur.fetchall()


def listed(xs):
    cur.execute("SELECT id FROM t WHERE id IN (%s) ORDER BY id" % ",".join(xs))
    return cur.fetchall()


def iterated(xs):
    cur.execute("SELECT id FROM t WHERE id IN ({}) AND note <> '{{}}' AND name <> '{}'".format(", ".join(str(i) for i in xs), "x"))
    return cur.fetchall()


def named(xs):
    marks = ",".join(f"'{x}'" for x in xs)
    cur.execute(f"SELECT id FROM t WHERE name IN ({marks}) ORDER BY id")
    return cur.fetchall()


def annotated(xs: list[int], x):
    cur.execute(f"SELECT id FROM t WHERE id IN ({','.join(map(str, xs))}) AND name = '{x}'")
    return cur.fetchall()


def pair(xs):
    cur.execute(f"SELECT id FROM t WHERE id NOT IN {tuple(xs)} ORDER BY id")
    return cur.fetchall()


def added(x, y):
    query = "SELECT id FROM t WHERE id = " + x
    query += " OR name = '" + y + "'"
    cur.execute(query)
    return cur.fetchall()


def steps(x=None, y=None, xs=()):
    query = f"SELECT id FROM t WHERE note <> '%' AND id > {0}"
    if x:
        query += f" AND id = {x}"
    if y:
        query = query + " AND name LIKE '%" + y + "%'"
    if xs: query += f" AND id IN ({', '.join(str(i) for i in xs)})"
    query += " ORDER BY id"
    cur.execute(query)
    return cur.fetchall()


def loop(xs):
    query = "SELECT id FROM t WHERE 1 = 0"
    for x in xs:
        query += " OR name = '%s'" % (x,)
    return cur.execute(query).fetchall()


def ordered(x, sort):
    query = f"SELECT id FROM {TABLE} WHERE 1 = 1"
    if x:
        query += f" AND id = {x}"
    query += f" ORDER BY {COLUMNS[sort]}"
    cur.execute(query)
    return cur.fetchall()


def iterator(x):
    it = iter((x, 2))
    cur.execute(f"SELECT {next(it)} + 0, id FROM t WHERE id = {next(it)}")
    return cur.fetchall()


def in_turn(x, name):
    it = iter((x, name))
    cur.execute(f"SELECT id FROM t WHERE id = {next(it)} AND name = '{next(it)}'")
    return cur.fetchall()


# From here on advice only: a rewrite could change what valid input gives.


def later(x):
    it = iter((x, 2, 3))
    query = f"SELECT id FROM t WHERE id = {next(it)}"
    next(it)
    cur.execute(query)
    return cur.fetchall()


def crossed(x):
    it = iter((x, "b"))
    cur.execute(f"SELECT id FROM t WHERE name <> ? AND id = {next(it)}", (next(it),))
    return cur.fetchall()


def formatted_late(x):
    it = iter(("b", x))
    cur.execute("SELECT id FROM t WHERE id = {1} AND name = '{0}'".format(next(it), next(it)))
    return cur.fetchall()


def changed(xs):
    query = "SELECT id FROM t"
    for x in xs:
        if x == 2:
            query = f"SELECT id FROM t WHERE id = {x}"
    cur.execute(query)
    return cur.fetchall()


def held(xs):
    for x in xs:
        query = f"SELECT id FROM t WHERE id = {x}"
    x = 3
    cur.execute(query)
    return cur.fetchall()


def repeated(x):
    query = f"SELECT id FROM t WHERE id = {x}"
    for x in (x, 3):
        cur.execute(query)
    return cur.fetchall()


def shared(x):
    query = f"SELECT id FROM t WHERE id = {x}"
    cur.execute(query)
    return cur.execute(query).fetchall()


def given(x, query="SELECT 7"):
    if x != 1:
        query = f"SELECT id FROM t WHERE id = {x}"
    cur.execute(query)
    return cur.fetchall()


def row(x):
    one = cur.execute("SELECT id FROM t WHERE id = 2").fetchone()
    cur.execute("SELECT name FROM t WHERE id = %s" % one)
    return cur.fetchall() + [x]


def statement(x):
    cur.execute(f"CREATE TABLE IF NOT EXISTS u (a TEXT DEFAULT '{x}')")
    return cur.fetchall()


def order(x, sort):
    cur.execute(f"SELECT id FROM t WHERE id > ? ORDER BY {sort}", (x,))
    return cur.fetchall()


def open_quote(x):
    query = "SELECT id FROM t WHERE name = '"
    query += f"{x}'"
    cur.execute(query)
    return cur.fetchall()


def marked(x, xs):
    marks = ", ".join("?" for _ in xs)
    return cur.execute(f"SELECT id FROM t WHERE id IN ({marks}) AND name = '{x}'", xs).fetchall()


def marked_added(x, xs):
    marks = ",".join(["?"] * len(xs))
    return cur.execute("SELECT id FROM t WHERE id IN (" + marks + ") AND name = '" + x + "'", xs).fetchall()


def keyed(x, m):
    params = {"m": m}
    return cur.execute(f"SELECT id FROM t WHERE name = '{x}' AND id < :m", params).fetchall()


def keywords(x, **kw):
    return cur.execute(f"SELECT id FROM t WHERE name = '{x}' AND id < :m", kw).fetchall()


def keyed_rows(x):
    cur.executemany(f"UPDATE t SET note = :a WHERE name = '{x}'", [{"a": "q"}])
    return cur.execute("SELECT note FROM t ORDER BY id").fetchall()


def positions(x):
    return cur.execute(f"SELECT id FROM t WHERE id = {x} AND id = ?1", (x,)).fetchall()


def condition(x):
    where = f"id = {x}"
    return cur.execute("SELECT id FROM t WHERE " + where).fetchall()


def conditions(xs):
    parts = []
    for x in xs:
        parts.append(f"id = {x}")
    where = " OR ".join(parts)
    return cur.execute("SELECT id FROM t WHERE " + where).fetchall()


def clause(x):
    where = "WHERE id = " + str(x) if x else ""
    return cur.execute("SELECT id FROM t " + where).fetchall()


def limited(x):
    tail = f" LIMIT {x}"
    return cur.execute(f"SELECT id FROM t{tail}").fetchall()


def cut_off(xs):
    ids = ""
    for x in xs:
        ids += f"{x},"
    return cur.execute(f"SELECT id FROM t WHERE id IN ({ids[:-1]})").fetchall()


def null(x):
    return cur.execute(f"SELECT id FROM t WHERE id IS {'NULL' if x is None else x}").fetchall()


def quote_inside(x):
    return cur.execute(f"SELECT id FROM t WHERE note = 'o''{x}'").fetchall()


def digits(x):
    return cur.execute(f"SELECT id FROM t WHERE id * 10 = {x}0").fetchall()


def decimals(x):
    return cur.execute(f"SELECT id FROM t WHERE name = {x}.5").fetchall()


def escaped(x):
    x = x.replace("'", "''")
    return cur.execute(f"SELECT id FROM t WHERE note = '{x}'").fetchall()


def esc(s):
    return s.replace("'", "''")


def doubled(s):
    return s.replace("'", "''")


def escaped_by(x):
    return cur.execute("SELECT id FROM t WHERE note = '%s'" % doubled(x)).fetchall()


def handed(x):
    return cur.execute(f"SELECT id FROM t WHERE note = '{x}'").fetchall()


def hands(x):
    return handed(esc(x))


def count(x):
    return cur.execute(f"SELECT note FROM t GROUP BY note HAVING count(*) >= {x}").fetchall()


def length(x):
    return cur.execute(f"SELECT id FROM t WHERE length(note) > {x}").fetchall()


def case(x):
    return cur.execute(f"SELECT id, CASE WHEN {x} > 2 THEN 1 END FROM t").fetchall()


def summed(x):
    return cur.execute(f"SELECT id FROM t WHERE id + 0 = {x}").fetchall()


def keywords_given(x):
    return keywords(x, m=3)


def behind_another(x):
    return cur.execute(f"SELECT id FROM t WHERE '1' = '{len(x)}' AND name = '{x}'").fetchall()
