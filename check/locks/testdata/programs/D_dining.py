import threading, time
n = 5
forks = [threading.Lock() for _ in range(n)]
def philosopher(i):
    left = forks[i]
    right = forks[(i + 1) % n]
    with left:
        time.sleep(0.1)
        with right:
            pass
threads = [threading.Thread(target=philosopher, args=(i,)) for i in range(n)]
for t in threads: t.start()
for t in threads: t.join()
