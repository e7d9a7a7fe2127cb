import asyncio

lock, other = asyncio.Lock(), asyncio.Lock()


async def four():
    async with lock:
        return 4


async def three():
    async with other:
        return 3


async def five():
    async with lock:
        t = asyncio.create_task(four())
        await asyncio.gather(three(), three())
        g = asyncio.gather(four(), four())
        await asyncio.wait([t], timeout=0.1)
    await t
    await g
    async with asyncio.TaskGroup() as group:
        async with lock:
            group.create_task(four())


asyncio.run(five())
