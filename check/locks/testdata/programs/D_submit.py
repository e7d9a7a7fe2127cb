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
with ThreadPoolExecutor(max_workers=2) as ex:
    futures = [ex.submit(fn) for fn in (f, g)]
    for x in futures: x.result()
