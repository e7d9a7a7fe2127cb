import functools, threading


def locked(f):
    @functools.wraps(f)
    def wrapper(self, *args, **kwargs):
        with self._lock:
            return f(self, *args, **kwargs)
    return wrapper


def traced(f):
    def wrapper(*args, **kwargs):
        with f.__globals__["log"]:
            pass
        return f(*args, **kwargs)
    return wrapper


log = threading.Lock()


class Store:
    def __init__(self):
        self._lock = threading.Lock()
        self._other = threading.Lock()

    @locked
    def put(self):
        with self._other:
            return self._size()

    def _size(self):
        return 1

    @locked
    def get(self):
        with self._other:
            return 2

    @traced
    def logs(self):
        with log:
            return self.put()


class Tree:
    def __init__(self):
        self._lock = threading.RLock()

    @locked
    def put(self):
        return self.size()

    @locked
    def size(self):
        return 1


s, r = Store(), Tree()
threads = [threading.Thread(target=f) for f in (s.put, s.get, s.logs, r.put, r.size)]
for t in threads: t.start()
for t in threads: t.join()
