import threading, time
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        time.sleep(0.1)
        with b: pass
def g():
    with b:
        time.sleep(0.1)
        with a: pass
threads = []
for fn in [f, g]:
    t = threading.Thread(target=fn)
    threads.append(t)
    t.start()
for t in threads: t.join()
