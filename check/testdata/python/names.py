"""Values and names that a mender may take for something else: built-ins with
other meanings, rows that % takes apart, steps that end half way, iterators of an
outer function."""
import contextlib
import sqlite3

con = sqlite3.connect(":memory:")
cur = con.cursor()


def shadowed_str(str):
    return cur.execute(f"SELECT id FROM t WHERE name = '{str}'").fetchall()


def shadowed_list(ids, int):
    list = cur
    return list.execute("SELECT id FROM t WHERE id IN (%s) AND id < %d" % (",".join(map(str, ids)), 9)).fetchall()


def shadowed_len(ids):
    len = 3
    return cur.execute("SELECT id FROM t WHERE id < 3 AND id IN (" + ",".join(str(i) for i in ids) + ")").fetchall()[:len]


def own_str(name):
    def str(value):
        return value.lower()

    return cur.execute("SELECT id FROM t WHERE name = '" + str(name) + "'").fetchall()


def keyed(key):
    return cur.execute("SELECT name FROM t WHERE id = %s" % key).fetchall()


def keyed_by_row(note):
    row = cur.execute("SELECT id FROM t WHERE note = ?", (note,)).fetchone()
    return keyed(row)


def keyed_by_pair(pair):
    return cur.execute("SELECT name FROM t WHERE id = %s" % pair).fetchall()


def keyed_by_one(number):
    return keyed_by_pair((number,))


def keyed_by_number(number):
    return cur.execute("SELECT name FROM t WHERE id = %s" % number).fetchall()


def half_a_step(name, age):
    q = "SELECT id FROM t WHERE name = '%s'" % name
    try:
        q += f" AND id = {int(age)} AND note <> '{age}'"
    except ValueError:
        q += f" AND note <> '{name}'"
    return cur.execute(q).fetchall()


def half_a_step_suppressed(name, age):
    q = "SELECT id FROM t WHERE name = '%s'" % name
    with contextlib.suppress(ValueError):
        q += f" AND id = {int(age)} AND note <> '{age}'"
    return cur.execute(q).fetchall()


def whole_step(name, note):
    q = "SELECT id FROM t WHERE name = '%s'" % name
    try:
        q += f" AND note <> '{note}'"
    finally:
        pass
    return cur.execute(q).fetchall()


def outer_iterator(ids):
    ids = iter(ids)

    def inner():
        return cur.execute("SELECT name FROM t WHERE id IN (" + ",".join(str(i) for i in ids) + ")").fetchall()

    return inner()
