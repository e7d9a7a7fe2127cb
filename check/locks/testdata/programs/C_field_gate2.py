import threading, time
class Worker:
    def __init__(self, owner):
        self.owner = owner
        self.a = threading.Lock()
        self.b = threading.Lock()
    def one(self):
        self.owner.enter()
        try:
            with self.a:
                time.sleep(0.05)
                with self.b: pass
        finally:
            self.owner.leave()
    def two(self):
        self.owner.enter()
        try:
            with self.b:
                time.sleep(0.05)
                with self.a: pass
        finally:
            self.owner.leave()
class Owner:
    def __init__(self):
        self.gate = threading.Lock()
    def enter(self): self.gate.acquire()
    def leave(self): self.gate.release()
w = Worker(Owner())
t1 = threading.Thread(target=w.one); t2 = threading.Thread(target=w.two)
t1.start(); t2.start(); t1.join(); t2.join()
