import threading

a = threading.Lock()
b = threading.Lock()


def one():
    with a:
        with b:
            pass


def two(x):
    with b:
        if x:
            print("before")
            with a:
                # what follows moves to the left
                text = """
                    this does not
"""
                print(
                    text,
                )

                print("last")
        print("after")


def three():
    with a:
        with b: pass
