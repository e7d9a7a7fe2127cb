import threading, time
class Account:
    def __init__(self): self.lock = threading.Lock()
def transfer(src, dst):
    with src.lock:
        time.sleep(0.05)
        with dst.lock: pass
a, b, c, d = Account(), Account(), Account(), Account()
t1 = threading.Thread(target=transfer, args=(a, b)); t2 = threading.Thread(target=transfer, args=(c, d))
t1.start(); t2.start(); t1.join(); t2.join()
