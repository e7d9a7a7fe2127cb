import threading
a = threading.Lock()
def f():
    with a:
        try:
            check()
            with a:
                pass
        except ValueError:
            print("no")
def check():
    raise ValueError("never")
f()
