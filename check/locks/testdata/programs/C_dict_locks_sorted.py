import threading, time
locks = {"a": threading.Lock(), "b": threading.Lock()}
def f(*names):
    held = sorted(names)
    for n in held: locks[n].acquire()
    time.sleep(0.1)
    for n in reversed(held): locks[n].release()
t1 = threading.Thread(target=f, args=("a", "b")); t2 = threading.Thread(target=f, args=("b", "a"))
t1.start(); t2.start(); t1.join(); t2.join()
