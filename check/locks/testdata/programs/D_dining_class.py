import threading, time
class Philosopher(threading.Thread):
    def __init__(self, left, right):
        super().__init__()
        self.left = left
        self.right = right
    def run(self):
        with self.left:
            time.sleep(0.1)
            with self.right:
                pass
def main():
    forks = [threading.Lock() for _ in range(3)]
    ps = [Philosopher(forks[i], forks[(i + 1) % 3]) for i in range(3)]
    for p in ps: p.start()
    for p in ps: p.join()
if __name__ == "__main__":
    main()
