import threading, time
from concurrent.futures import ThreadPoolExecutor
class Acc:
    def __init__(self): self.lock = threading.Lock()
def transfer(x, y):
    with x.lock:
        time.sleep(0.1)
        with y.lock: pass
def main():
    a = Acc(); b = Acc()
    with ThreadPoolExecutor() as ex:
        ex.submit(transfer, a, b)
        ex.submit(transfer, b, a)
main()
