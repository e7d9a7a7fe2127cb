import threading, time
a = threading.Lock(); b = threading.Lock()
def f():
    while True:
        with a:
            if b.acquire(timeout=0.05):
                b.release()
                return
        time.sleep(0.03)
def g():
    with b:
        time.sleep(0.1)
        with a: pass
t1 = threading.Thread(target=f); t2 = threading.Thread(target=g)
t1.start(); t2.start(); t1.join(); t2.join()
