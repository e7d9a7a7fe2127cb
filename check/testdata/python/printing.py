"""Values that print as SQL, and that a driver does not take as they are: between quotes they are bound as the text they were."""
import decimal
import sqlite3

con = sqlite3.connect(":memory:")
cur = con.cursor()


class Shown:
    def __init__(self, n):
        self.n = n

    def __str__(self):
        return str(self.n)


def of_a_class(n):
    return cur.execute(f"SELECT id FROM t WHERE id = {n}").fetchall()


def own_class(n):
    return of_a_class(Shown(n))


def of_a_decimal(n):
    return cur.execute(f"SELECT id FROM t WHERE id = {n}").fetchall()


def as_decimal(n):
    return of_a_decimal(decimal.Decimal(n))


def of_decimals(xs):
    return cur.execute(f"SELECT id FROM t WHERE id IN ({','.join(map(str, xs))})").fetchall()


def as_decimals(xs):
    return of_decimals([decimal.Decimal(x) for x in xs])


def annotated(n: int, name):
    return cur.execute(f"SELECT id FROM t WHERE id = {n} AND name = '{name}'").fetchall()


def between_quotes(n):
    return cur.execute(f"SELECT id FROM t WHERE name = '{n}'").fetchall()


def decimal_between_quotes(n):
    return between_quotes(decimal.Decimal(n))
