import threading

a = threading.Lock()
b = threading.Lock()


def one():
    with a:
        with b:
            pass


def two():
    with b:  # the other way round
        with a:
            pass


threading.Thread(target=one).start()
threading.Thread(target=two).start()
