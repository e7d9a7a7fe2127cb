import threading, time
n = 5
forks = [threading.Lock() for _ in range(n)]
def philosopher(i):
    j = (i + 1) % n
    with forks[min(i, j)]:
        time.sleep(0.1)
        with forks[max(i, j)]:
            pass
threads = []
for i in range(n):
    t = threading.Thread(target=philosopher, args=(i,))
    t.start()
    threads.append(t)
for t in threads: t.join()
