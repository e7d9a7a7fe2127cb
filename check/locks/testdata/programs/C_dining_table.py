import threading, time
N = 4
chop = [threading.Lock() for i in range(N)]
table = threading.Lock()
def eat(i):
    with table:
        with chop[i]:
            time.sleep(0.05)
            with chop[(i + 1) % N]:
                pass
ts = []
for i in range(N):
    ts.append(threading.Thread(target=eat, args=(i,)))
for t in ts: t.start()
for t in ts: t.join()
