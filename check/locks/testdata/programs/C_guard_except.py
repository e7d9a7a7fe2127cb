import threading
class Busy(Exception): pass
class S:
    def __init__(self):
        self.mu = threading.Lock()
        self.held = False
    def enter(self):
        if self.held:
            raise Busy()
        self.mu.acquire()
        self.held = True
    def leave(self):
        self.held = False
        self.mu.release()
    def work(self):
        self.enter()
        try:
            try:
                self.inner()
            except Busy:
                pass
        finally:
            self.leave()
    def inner(self):
        self.enter()
        self.leave()
s = S()
s.work()
