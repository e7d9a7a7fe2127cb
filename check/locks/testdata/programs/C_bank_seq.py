import threading, time
class Account:
    def __init__(self): self.lock = threading.Lock()
def transfer(src, dst):
    with src.lock:
        time.sleep(0.05)
        with dst.lock: pass
a, b = Account(), Account()
t1 = threading.Thread(target=transfer, args=(a, b)); t2 = threading.Thread(target=transfer, args=(b, a))
t1.start(); t1.join(); t2.start(); t2.join()
