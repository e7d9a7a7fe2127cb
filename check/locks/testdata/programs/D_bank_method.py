import threading, time
class Account:
    def __init__(self, name):
        self.name = name
        self._lock = threading.Lock()
        self.balance = 100
    def transfer(self, other, amount):
        with self._lock:
            time.sleep(0.1)
            with other._lock:
                self.balance -= amount
                other.balance += amount
def main():
    a, b = Account("a"), Account("b")
    t1 = threading.Thread(target=a.transfer, args=(b, 1))
    t2 = threading.Thread(target=b.transfer, args=(a, 1))
    t1.start(); t2.start(); t1.join(); t2.join()
main()
