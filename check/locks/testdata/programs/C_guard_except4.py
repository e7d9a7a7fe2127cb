import threading
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        if not b.acquire(timeout=0.2):
            raise TimeoutError
        b.release()
def g():
    with b:
        try:
            a.acquire(timeout=0.1)
        except RuntimeError:
            return
        else:
            if a.locked(): a.release()
t1 = threading.Thread(target=f); t2 = threading.Thread(target=g)
t1.start(); t2.start(); t1.join(); t2.join()
