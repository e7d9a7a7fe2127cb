import threading, time

a, b = threading.Lock(), threading.Lock()


def under(lock):
    def decorate(f):
        def wrapper(*args, **kwargs):
            lock.acquire()
            try:
                time.sleep(0.05)
                return f(*args, **kwargs)
            finally:
                lock.release()
        return wrapper
    return decorate


@under(a)
def one():
    with b: pass


@under(b)
def two():
    with a: pass


threads = [threading.Thread(target=f, daemon=True) for f in (one, two)]
for t in threads: t.start()
for t in threads: t.join(1)
raise SystemExit("hangs" if any(t.is_alive() for t in threads) else 0)
