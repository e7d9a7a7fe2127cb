import threading, time
a = threading.Lock()
def f():
    time.sleep(0.1)
    with a: pass
t = threading.Thread(target=f)
t.start()
with a:
    t.join()
