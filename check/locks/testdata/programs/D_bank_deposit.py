import threading, time
class Account:
    def __init__(self):
        self.lock = threading.Lock()
        self.balance = 100
    def deposit(self, n):
        with self.lock:
            self.balance += n
    def transfer(self, to, n):
        with self.lock:
            self.balance -= n
            time.sleep(0.1)
            to.deposit(n)
a = Account(); b = Account()
ts = [threading.Thread(target=a.transfer, args=(b, 1)), threading.Thread(target=b.transfer, args=(a, 1))]
for t in ts: t.start()
for t in ts: t.join()
