import threading, time
from functools import partial
def move(l1, l2):
    with l1:
        time.sleep(0.1)
        with l2: pass
p = threading.Lock(); q = threading.Lock()
ts = [threading.Thread(target=partial(move, p, q)), threading.Thread(target=partial(move, q, p))]
for t in ts: t.start()
for t in ts: t.join()
