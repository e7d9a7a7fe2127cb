import threading

a = threading.Lock()
b = threading.Lock()


def one():
    a.acquire()
    b.acquire()
    try:
        pass
    finally:
        b.release()
        a.release()


def two():
    b.acquire()
    a.acquire()
    try:
        pass
    finally:
        a.release()
        b.release()
