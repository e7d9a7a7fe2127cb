import threading, time
class Gate:
    def __init__(self):
        self.lock = threading.Lock()
class Worker:
    def __init__(self, gate):
        self.gate = gate
        self.a = threading.Lock()
        self.b = threading.Lock()
    def one(self):
        with self.gate.lock:
            with self.a:
                time.sleep(0.05)
                with self.b: pass
    def two(self):
        with self.gate.lock:
            with self.b:
                time.sleep(0.05)
                with self.a: pass
w = Worker(Gate())
t1 = threading.Thread(target=w.one); t2 = threading.Thread(target=w.two)
t1.start(); t2.start(); t1.join(); t2.join()
