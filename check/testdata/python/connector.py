# MySQL's own connector, in front of SQLite: it replaces %s and nothing else, so
# %% stays what it is.
import sqlite3 as database
import sys
import types

mysql = types.ModuleType("mysql")
mysql.connector = types.ModuleType("mysql.connector")
sys.modules["mysql"], sys.modules["mysql.connector"] = mysql, mysql.connector


class Cursor:
    def __init__(self):
        self.inner = database.connect(":memory:").cursor()

    def execute(self, text, parameters=()):
        self.inner.execute(text.replace("%s", "?"), parameters)
        return self

    def executemany(self, text, rows):
        self.inner.executemany(text, rows)

    def fetchall(self):
        return self.inner.fetchall()


mysql.connector.connect = lambda: types.SimpleNamespace(cursor=Cursor)

import mysql.connector

cur = mysql.connector.connect().cursor()


def value(x):
    return cur.execute(f"SELECT strftime('%Y', '2020-01-01'), id FROM t WHERE id = {x}").fetchall()


def given(x, y):
    return cur.execute(f"SELECT strftime('%Y', '2020-01-01'), id FROM t WHERE id = %s AND name LIKE '{y}%'", (x,)).fetchall()
