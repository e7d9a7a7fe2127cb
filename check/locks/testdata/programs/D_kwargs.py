import threading, time
def move(l1, l2):
    with l1:
        time.sleep(0.1)
        with l2: pass
p = threading.Lock(); q = threading.Lock()
t1 = threading.Thread(target=move, kwargs={"l1": p, "l2": q}); t2 = threading.Thread(target=move, kwargs=dict(l1=q, l2=p))
t1.start(); t2.start(); t1.join(); t2.join()
