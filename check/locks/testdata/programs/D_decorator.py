import functools, threading

def synchronized(f):
    @functools.wraps(f)
    def wrapper(self, *args, **kwargs):
        with self._lock:
            return f(self, *args, **kwargs)
    return wrapper


class Base:
    def __init__(self):
        self._lock = threading.Lock()

    @synchronized
    def size(self):
        return 1


class Store(Base):
    @synchronized
    def put(self):
        return self.size()


t = threading.Thread(target=Store().put, daemon=True)
t.start()
t.join(1)
raise SystemExit("hangs" if t.is_alive() else 0)
