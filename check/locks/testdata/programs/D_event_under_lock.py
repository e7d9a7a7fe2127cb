import threading, time
a = threading.Lock()
ready = threading.Event()
def f():
    with a:
        ready.wait()
def g():
    time.sleep(0.1)
    with a:
        ready.set()
t1 = threading.Thread(target=f); t2 = threading.Thread(target=g)
t1.start(); t2.start(); t1.join(); t2.join()
