import threading, queue, time
a = threading.Lock()
q = queue.Queue()
def producer():
    with a:
        pass
    q.put(1)
def consumer():
    with a:
        q.get()
t1 = threading.Thread(target=producer); t2 = threading.Thread(target=consumer)
t1.start(); t1.join(); t2.start(); t2.join()
