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
ts = [threading.Thread(target=link, args=p) for p in pairs]
for t in ts: t.start()
for t in ts: t.join()
