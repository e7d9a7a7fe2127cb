import threading, time
n = 5
forks = [threading.Lock() for _ in range(n)]
def philosopher(i):
    if i == n - 1:
        left, right = forks[0], forks[i]
    else:
        left, right = forks[i], forks[i + 1]
    with left:
        time.sleep(0.1)
        with right:
            pass
threads = [threading.Thread(target=philosopher, args=(i,)) for i in range(n)]
for t in threads: t.start()
for t in threads: t.join()
