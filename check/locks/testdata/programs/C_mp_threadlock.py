import multiprocessing, threading, time
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        time.sleep(0.1)
        with b: pass
def g():
    with b:
        time.sleep(0.1)
        with a: pass
if __name__ == "__main__":
    p = multiprocessing.Process(target=f); q = multiprocessing.Process(target=g)
    p.start(); q.start(); p.join(); q.join()
