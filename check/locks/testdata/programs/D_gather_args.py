import asyncio
async def move(x, y):
    async with x:
        await asyncio.sleep(0.1)
        async with y: pass
async def main():
    a = asyncio.Lock(); b = asyncio.Lock()
    await asyncio.gather(move(a, b), move(b, a))
asyncio.run(main())
