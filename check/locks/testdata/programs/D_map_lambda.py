import threading, time
from concurrent.futures import ThreadPoolExecutor
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        time.sleep(0.1)
        with b: pass
def g():
    with b:
        time.sleep(0.1)
        with a: pass
with ThreadPoolExecutor(4) as ex:
    list(ex.map(lambda fn: fn(), [f, g]))
