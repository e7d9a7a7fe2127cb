import multiprocessing, time
def f(a, b):
    with a:
        time.sleep(0.1)
        with b: pass
if __name__ == "__main__":
    a = multiprocessing.Lock(); b = multiprocessing.Lock()
    p = multiprocessing.Process(target=f, args=(a, b))
    q = multiprocessing.Process(target=f, args=(b, a))
    p.start(); q.start(); p.join(); q.join()
