import threading, time
a = threading.Lock(); b = threading.Lock()
def g():
    with b:
        time.sleep(0.1)
        with a: pass
t = threading.Thread(target=g)
t.start()
with a:
    time.sleep(0.1)
    with b: pass
t.join()
