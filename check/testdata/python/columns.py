"""Queries of columns that keep text as it is, where a number's text was a number in the statement: no safe fix changes what they find."""
import sqlite3

con = sqlite3.connect(":memory:")
cur = con.cursor()
cur.executescript("""
    CREATE TABLE loose (id, label TEXT, n INTEGER);
    INSERT INTO loose VALUES (1, '2.5', 3), (2, '7', 4);
    CREATE VIEW more AS SELECT n + 1 AS next, n FROM loose;
""")
cur.execute("CREATE TABLE added (n INTEGER)")
cur.execute("ALTER TABLE added ADD COLUMN late")
cur.execute("INSERT INTO added VALUES (1, 5)")


def of_no_type(x):
    return cur.execute(f"SELECT n FROM loose WHERE id = {x}").fetchall()


def of_no_type_between(x, y):
    return cur.execute(f"SELECT n FROM loose WHERE id BETWEEN {x} AND {y}").fetchall()


def of_no_type_listed(xs):
    return cur.execute(f"SELECT n FROM loose WHERE id IN ({', '.join(xs)})").fetchall()


def of_text(x):
    return cur.execute("SELECT n FROM loose WHERE label = " + x).fetchall()


def of_a_number(x):
    return cur.execute(f"SELECT id FROM loose WHERE n = {x}").fetchall()


def of_no_type_quoted(x):
    return cur.execute(f"SELECT n FROM loose WHERE id = '{x}'").fetchall()


def of_a_view(x):
    return cur.execute("SELECT n FROM more WHERE next = %s" % x).fetchall()


def of_an_added_column(x):
    return cur.execute(f"SELECT n FROM added WHERE late = {x}").fetchall()


def stored(x, y):
    cur.execute("DELETE FROM loose WHERE id = 9")
    cur.execute(f"INSERT INTO loose VALUES (9, {x}, {y})")
    return cur.execute("SELECT label, n, typeof(n) FROM loose WHERE id = 9").fetchall()


def set_to(x):
    cur.execute(f"UPDATE loose SET id = {x} WHERE n = 4")
    return cur.execute("SELECT id, typeof(id) FROM loose WHERE n = 4").fetchall()


def built_in_steps(x):
    q = "SELECT n FROM loose WHERE 1 = 1"
    if x:
        q += f" AND id = {x}"
    return cur.execute(q).fetchall()


def printed(x):
    q = f"SELECT id FROM loose WHERE n = {x}"
    out = []
    print = out.append
    print(q)
    return cur.execute(q).fetchall() + out
