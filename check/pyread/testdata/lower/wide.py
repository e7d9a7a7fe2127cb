import threading, asyncio, psycopg, os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from flask import Flask, request
app = Flask(__name__)
TABLES = {"a": "x", "b": "y"}

class Account:
    registry = threading.Lock()
    def __init__(self, balance: int):
        self.lock = threading.RLock()
        self.balance = balance
        self._t = threading.Thread(target=self.run, args=(1,))
        self._t.start()
    def run(self, n):
        with self.registry, self.lock:
            self.helper(n=n)
    def helper(self, n): 
        self.lock.acquire()
        try:
            if n: return 1
            for x in range(n):
                if x: break
        finally:
            self.lock.release()
    @contextmanager
    def held(self):
        with self.lock:
            yield self
def transfer(a: Account, b: "Account", amount):
    with a.lock:
        with b.lock:
            a.balance -= amount
    with a.held():
        pass
    if not a.lock.acquire(timeout=1):
        return
    a.lock.release()
@dataclass
class Data:
    lock: threading.Lock = field(default_factory=threading.Lock)
    n: int = 0
def pool(items):
    with ThreadPoolExecutor() as ex:
        for i in items:
            ex.submit(transfer, i, i, 2)
        ex.map(transfer, items)
    ts = [threading.Thread(target=lambda: transfer(1, 2, 3)) for _ in items]
    for t in ts: t.start()
    for t in ts: t.join()
@app.route("/x")
def view(kind: str, n: int):
    x = request.args.get("x")
    conn = psycopg.connect()
    with conn.cursor() as cur:
        cur.execute("SELECT * FROM t WHERE a = '%s' AND b = %d" % (x, n))
        cur.execute("SELECT * FROM {} WHERE a = {}".format(TABLES[kind], kind), (1,))
        ids = request.json["ids"]
        cur.execute("DELETE FROM t WHERE id IN (" + ",".join(str(i) for i in ids) + ")")
        cur.execute(f"SELECT 1 WHERE {n} = 1 LIMIT {int(x)} {os.environ['X']}")
