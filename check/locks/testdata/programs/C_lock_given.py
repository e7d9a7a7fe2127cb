import threading, time


class Box:
    def __init__(self):
        self._lock = threading.Lock()
        self.other = threading.Lock()

    def lock(self):
        return self._lock

    def fresh(self):
        return threading.Lock()

    def one(self):
        with self.lock():
            with self.other:
                with self.fresh():
                    pass

    def two(self):
        with self.fresh():
            with self._lock:
                with self.other:
                    pass


box = Box()
threads = [threading.Thread(target=f) for f in (box.one, box.two)]
for t in threads: t.start()
for t in threads: t.join()
