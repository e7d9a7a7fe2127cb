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
threads = [threading.Thread(target=f), threading.Thread(target=g)]
for t in threads:
    t.start()
    t.join()
