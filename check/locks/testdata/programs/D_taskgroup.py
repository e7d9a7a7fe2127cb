import asyncio
class Acc:
    def __init__(self): self.lock = asyncio.Lock()
async def move(x, y):
    async with x.lock:
        await asyncio.sleep(0.1)
        async with y.lock: pass
async def main():
    a = Acc(); b = Acc()
    async with asyncio.TaskGroup() as tg:
        tg.create_task(move(a, b))
        tg.create_task(move(b, a))
asyncio.run(main())
