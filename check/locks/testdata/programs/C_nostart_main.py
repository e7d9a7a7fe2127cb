import threading, time
a = threading.Lock(); b = threading.Lock()
def f():
    with a:
        time.sleep(0.05)
        with b: pass
def g():
    with b:
        time.sleep(0.05)
        with a: pass
def main():
    t1 = threading.Thread(target=f)
    t2 = threading.Thread(target=g)
    t1.start()
    t1.join()
if __name__ == "__main__":
    main()
