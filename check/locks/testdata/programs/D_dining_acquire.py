import threading, time
N = 4
chop = [threading.Lock() for i in range(N)]
def eat(i):
    chop[i].acquire()
    time.sleep(0.1)
    chop[(i + 1) % N].acquire()
    chop[(i + 1) % N].release()
    chop[i].release()
ts = []
for i in range(N):
    ts.append(threading.Thread(target=eat, args=(i,)))
for t in ts: t.start()
for t in ts: t.join()
