"""The ladder from the naive program up: each step loads the same rows into the
same table, transformed row by row as penstock does. Usage:

    ladder.py STEP CSV ROWS DSN|FILE

It prints the seconds that loading took. Steps: row, transaction, executemany,
pages, copy (PostgreSQL, with psycopg2), and sqlite (the standard library)."""

import csv
import io
import itertools
import sys
import time
from datetime import datetime
from decimal import Decimal

COLUMNS = "order_id, user_id, created_at, amount, currency, status, email, note, amount_minor, contact"
STATUSES = {"new", "paid", "shipped", "cancelled", "refunded"}


def transform(row):
    """What the stream file says, in Python."""
    order_id, user_id, created_at, amount, currency, status, email, note = row
    order_id, user_id, amount = int(order_id), int(user_id), Decimal(amount)
    created_at = datetime.fromisoformat(created_at.replace("Z", "+00:00"))
    if order_id < 1 or user_id < 1 or amount < 0 or status not in STATUSES:
        raise ValueError(row)
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise ValueError(row)
    if len(email) > 254 or len(note) > 2000:
        raise ValueError(row)
    return (order_id, user_id, created_at, amount, currency, status, email or None, note or None,
            int(amount * 100), email.strip().lower() or None)


def rows(name, count):
    with open(name, newline="", encoding="utf-8") as f:
        reader = csv.reader(f)
        next(reader)
        for row in itertools.islice(reader, count):
            yield transform(row)


def postgres(step, name, count, dsn):
    import psycopg2
    import psycopg2.extras

    conn = psycopg2.connect(dsn)
    cur = conn.cursor()
    insert = f"INSERT INTO ladder ({COLUMNS}) VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s)"
    if step == "row":
        conn.autocommit = True
    if step in ("row", "transaction"):
        for row in rows(name, count):
            cur.execute(insert, row)
    elif step == "executemany":
        cur.executemany(insert, rows(name, count))
    elif step == "pages":
        psycopg2.extras.execute_values(cur, f"INSERT INTO ladder ({COLUMNS}) VALUES %s", rows(name, count), page_size=1000)
    elif step == "copy":
        source = rows(name, count)
        while True:
            text = io.StringIO()
            writer = csv.writer(text)
            n = 0
            for row in itertools.islice(source, 50_000):
                writer.writerow(row)
                n += 1
            if n == 0:
                break
            text.seek(0)
            cur.copy_expert(f"COPY ladder ({COLUMNS}) FROM STDIN (FORMAT csv)", text)
    else:
        raise SystemExit(f"no step {step}")
    if step != "row":
        conn.commit()


def sqlite(name, count, file):
    import sqlite3

    conn = sqlite3.connect(file)
    conn.execute("PRAGMA journal_mode=wal")
    conn.execute("CREATE TABLE ladder (order_id INTEGER PRIMARY KEY, user_id INTEGER, created_at INTEGER, amount INTEGER,"
                 " currency TEXT, status TEXT, email TEXT, note TEXT, amount_minor INTEGER, contact TEXT)")
    def whole(row):
        return row[:2] + (int(row[2].timestamp() * 1_000_000), int(row[3] * 100)) + row[4:]
    conn.executemany("INSERT INTO ladder VALUES (?,?,?,?,?,?,?,?,?,?)", (whole(r) for r in rows(name, count)))
    conn.commit()


def main():
    step, name, count, where = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    began = time.perf_counter()
    if step == "sqlite":
        sqlite(name, count, where)
    else:
        postgres(step, name, count, where)
    print(time.perf_counter() - began)


main()
