import threading, time
from concurrent.futures import ThreadPoolExecutor
a = threading.Lock(); b = threading.Lock()
def work(i):
    if i % 2:
        with a:
            time.sleep(0.1)
            with b: pass
    else:
        with b:
            time.sleep(0.1)
            with a: pass
with ThreadPoolExecutor(4) as ex:
    list(ex.map(work, range(4)))
