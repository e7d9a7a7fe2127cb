import asyncio


async def main():
    lock = asyncio.Lock()

    async def needs():
        async with lock:
            return 1

    def free():
        lock.release()

    await lock.acquire()
    asyncio.get_running_loop().call_soon(free)
    t = asyncio.create_task(needs())
    await t


asyncio.run(main())
