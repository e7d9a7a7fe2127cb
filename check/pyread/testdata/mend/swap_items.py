import threading


class Store:
    def __init__(self):
        self.index = threading.RLock()
        self.data = threading.Lock()

    def put(self):
        with self.index, self.data:
            pass

    def get(self):
        with self.data, self.index:
            pass

    def drop(self):
        with self.index, self.data:
            pass
