import threading, time
class Account:
    def __init__(self, id, balance):
        self.id = id
        self.balance = balance
        self.lock = threading.Lock()
def transfer(src, dst, amount):
    first, second = (src, dst) if src.id < dst.id else (dst, src)
    with first.lock:
        time.sleep(0.1)
        with second.lock:
            src.balance -= amount
            dst.balance += amount
x = Account(1, 100); y = Account(2, 100)
t1 = threading.Thread(target=transfer, args=(x, y, 10))
t2 = threading.Thread(target=transfer, args=(y, x, 20))
t1.start(); t2.start(); t1.join(); t2.join()
