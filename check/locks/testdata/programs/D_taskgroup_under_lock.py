import asyncio

lock = asyncio.Lock()


async def four():
    async with lock:
        return 4


async def five():
    async with lock:
        async with asyncio.TaskGroup() as group:
            group.create_task(four())


asyncio.run(asyncio.wait_for(five(), 1))
