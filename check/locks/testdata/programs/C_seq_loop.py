import threading, time
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        time.sleep(0.05)
        with b: pass
def g():
    with b:
        time.sleep(0.05)
        with a: pass
for fn in [f, g]:
    t = threading.Thread(target=fn)
    t.start()
    t.join()
