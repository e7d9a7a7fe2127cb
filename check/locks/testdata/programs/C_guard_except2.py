import threading
lock = threading.Lock()
def take():
    if not lock.acquire(blocking=False):
        raise RuntimeError("busy")
def f():
    take()
    try:
        g()
    finally:
        lock.release()
def g():
    try:
        take()
    except RuntimeError:
        return
    lock.release()
f()
