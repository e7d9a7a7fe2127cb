import threading, time
def dine(left, right):
    with left:
        time.sleep(0.1)
        with right:
            pass
forks = [threading.Lock() for _ in range(3)]
ts = [threading.Thread(target=dine, args=(forks[i], forks[(i+1) % 3])) for i in range(3)]
for t in ts: t.start()
for t in ts: t.join()
