import threading, time
class Box:
    def __init__(self):
        self.a = threading.Lock()
        self.b = threading.Lock()
    def ab(self):
        with self.a:
            time.sleep(0.05)
            with self.b: pass
    def ba(self):
        with self.b:
            time.sleep(0.05)
            with self.a: pass
def main():
    x = Box(); y = Box()
    t1 = threading.Thread(target=x.ab); t2 = threading.Thread(target=lambda: y.ba())
    t1.start(); t2.start(); t1.join(); t2.join()
if __name__ == "__main__": main()
