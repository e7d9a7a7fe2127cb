import threading, time
class Node:
    def __init__(self, name):
        self.name = name; self.lock = threading.Lock()
def link(x, y):
    with x.lock:
        time.sleep(0.1)
        with y.lock: pass
n1, n2, n3 = Node(1), Node(2), Node(3)
pairs = [(n1, n2), (n2, n3), (n1, n3)]
for p in list(map(lambda q: (q[1], q[0]), pairs)) + pairs:
    threading.Thread(target=link, args=p).start()
