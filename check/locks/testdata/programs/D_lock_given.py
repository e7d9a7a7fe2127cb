import threading, time

a = threading.Lock()
b = threading.Lock()


def get_b():
    return b


def one():
    with a:
        time.sleep(0.05)
        with get_b():
            pass


def two():
    with b:
        time.sleep(0.05)
        with a:
            pass


threads = [threading.Thread(target=f, daemon=True) for f in (one, two)]
for t in threads: t.start()
for t in threads: t.join(1)
raise SystemExit("hangs" if any(t.is_alive() for t in threads) else 0)
