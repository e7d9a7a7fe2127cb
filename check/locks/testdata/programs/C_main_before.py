import threading, time
a = threading.Lock(); b = threading.Lock()
def g():
    with b:
        time.sleep(0.1)
        with a: pass
with a:
    with b: pass
t = threading.Thread(target=g)
t.start()
t.join()
with a:
    with b: pass
