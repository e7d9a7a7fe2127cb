import asyncio

lock = asyncio.Lock()


async def four():
    async with lock:
        return 4


async def five():
    async with lock:
        t = asyncio.create_task(four())
        await t


asyncio.run(asyncio.wait_for(five(), 1))
