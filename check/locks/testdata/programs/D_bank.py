import threading, time
class Account:
    def __init__(self, balance):
        self.balance = balance
        self.lock = threading.Lock()
def transfer(src, dst, amount):
    with src.lock:
        time.sleep(0.1)
        with dst.lock:
            src.balance -= amount
            dst.balance += amount
x = Account(100); y = Account(100)
t1 = threading.Thread(target=transfer, args=(x, y, 10))
t2 = threading.Thread(target=transfer, args=(y, x, 20))
t1.start(); t2.start(); t1.join(); t2.join()
