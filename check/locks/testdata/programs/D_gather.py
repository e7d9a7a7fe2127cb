import asyncio
a = asyncio.Lock(); b = asyncio.Lock()
async def f():
    async with a:
        await asyncio.sleep(0.1)
        async with b: pass
async def g():
    async with b:
        await asyncio.sleep(0.1)
        async with a: pass
async def main():
    tasks = [f(), g()]
    await asyncio.gather(*tasks)
asyncio.run(main())
