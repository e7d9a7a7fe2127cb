# A driver that writes parameters as %s, in front of SQLite: as psycopg2 and
# PyMySQL do, it reads %% as % only where parameters are given.
import sqlite3 as database
import sys
import types

psycopg2 = types.ModuleType("psycopg2")
sys.modules["psycopg2"] = psycopg2


class Cursor:
    def __init__(self):
        self.inner = database.connect(":memory:").cursor()

    def execute(self, text, parameters=None):
        if parameters is not None:
            assert text.replace("%%", "").count("%") == text.count("%s"), text
            text = text.replace("%s", "?").replace("%%", "%")
        self.inner.execute(text, () if parameters is None else parameters)
        return self

    def executemany(self, text, rows):
        self.inner.executemany(text, rows)

    def fetchall(self):
        return self.inner.fetchall()


psycopg2.connect = lambda: types.SimpleNamespace(cursor=Cursor)

import psycopg2

cur = psycopg2.connect().cursor()


def value(x):
    return cur.execute(f"SELECT id FROM t WHERE note LIKE '%' AND id = {x}").fetchall()


def given(x, y):
    return cur.execute(f"SELECT id FROM t WHERE note LIKE '%%' AND id = %s AND name = '{y}'", (x,)).fetchall()


def filled(x, y):
    return cur.execute("SELECT id FROM t WHERE note LIKE '%%' AND id = %s AND name LIKE '%s%%'" % (x, y)).fetchall()


def listed(xs):
    return cur.execute("SELECT id FROM t WHERE note LIKE '%%' AND id IN (%s)" % ", ".join(str(x) for x in xs)).fetchall()


def formatted(xs, y):
    return cur.execute("SELECT id FROM t WHERE note LIKE '%' AND id IN ({}) AND name = '{}'".format(",".join(xs), y)).fetchall()


def steps(x, y):
    query = "SELECT id FROM t WHERE note LIKE '%'"
    if x:
        query += " AND id = %s" % x
    if y:
        query += f" AND name LIKE '{y}%'"
    return cur.execute(query).fetchall()
