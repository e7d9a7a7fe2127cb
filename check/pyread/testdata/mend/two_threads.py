import threading

lock_a = threading.Lock()
lock_b = threading.Lock()

def do_work(): pass
def do_more_work(): pass
def do_other_work(): pass
def do_even_more_work(): pass

def task1():
    with lock_a:
        do_work()
        with lock_b:
            do_more_work()

def task2():
    with lock_b:
        do_other_work()
        with lock_a:
            do_even_more_work()

if __name__ == "__main__":
    t1 = threading.Thread(target=task1)
    t2 = threading.Thread(target=task2)
    t1.start()
    t2.start()
    t1.join()
    t2.join()
