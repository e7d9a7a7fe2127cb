import threading, time
from contextlib import ExitStack
a = threading.Lock(); b = threading.Lock()
def f():
    with ExitStack() as stack:
        stack.enter_context(a)
        time.sleep(0.1)
        stack.enter_context(b)
def g():
    with ExitStack() as stack:
        stack.enter_context(b)
        time.sleep(0.1)
        stack.enter_context(a)
t1 = threading.Thread(target=f); t2 = threading.Thread(target=g)
t1.start(); t2.start(); t1.join(); t2.join()
