package locks_test

import (
	"testing"

	"github.com/penstock-io/penstock/check/finding"
	"github.com/penstock-io/penstock/check/ir"
	"github.com/penstock-io/penstock/check/locks"
	"github.com/penstock-io/penstock/check/pyread"
)

// A turn is how two threads that take two locks in opposite orders are run, and how sure
// that makes the deadlock.
type turn struct {
	name, text string
	want       finding.Level
}

// TestTurns: threads of which one comes after the other are no certain deadlock, by
// whatever they are kept apart. Each comes with a twin that overlaps.
func TestTurns(t *testing.T) {
	const head = "import threading\nfrom concurrent.futures import ThreadPoolExecutor\nA = threading.Lock(); B = threading.Lock()\n" +
		"done = threading.Event(); bar = threading.Barrier(2)\n"
	const plain = "def f():\n    with A:\n        with B: pass\ndef g():\n    with B:\n        with A: pass\n"
	const both = "threading.Thread(target=f).start()\nthreading.Thread(target=g).start()\n"
	told(t, []turn{
		{"a pool of one", head + plain + "with ThreadPoolExecutor(max_workers=1) as e:\n    e.submit(f)\n    e.submit(g)\n", finding.Possible},
		{"a pool of one, kept", head + plain + "e = ThreadPoolExecutor(1)\ne.submit(f)\ne.submit(g)\n", finding.Possible},
		{"a pool of two", head + plain + "with ThreadPoolExecutor(max_workers=2) as e:\n    e.submit(f)\n    e.submit(g)\n", finding.Certain},
		{"two pools of one", head + plain + "e = ThreadPoolExecutor(1)\nd = ThreadPoolExecutor(1)\ne.submit(f)\nd.submit(g)\n", finding.Certain},
		{"a result before the next", head + plain + "e = ThreadPoolExecutor()\ne.submit(f).result()\ne.submit(g).result()\n", finding.Note},
		{"a named result before the next", head + plain + "e = ThreadPoolExecutor()\nx = e.submit(f)\nx.result()\ny = e.submit(g)\n", finding.Note},
		{"results behind both", head + plain + "e = ThreadPoolExecutor()\nx = e.submit(f)\ny = e.submit(g)\nx.result(); y.result()\n", finding.Certain},
		{"joined in each round", head + plain + "def main():\n    for fn in (f, g):\n        t = threading.Thread(target=fn)\n        t.start()\n        t.join()\nmain()\n", finding.Note},
		{"joined behind the rounds", head + plain + "def main():\n    ts = []\n    for fn in (f, g):\n        t = threading.Thread(target=fn)\n        t.start()\n        ts.append(t)\n    for u in ts:\n        u.join()\nmain()\n", finding.Certain},
		{"never started", head + plain + "x = threading.Thread(target=f); y = threading.Thread(target=g)\nx.start()\n", finding.Possible},
		{"started by a list", head + plain + "x = threading.Thread(target=f); y = threading.Thread(target=g)\nfor t in (x, y): t.start()\n", finding.Certain},
		{"an event", head + "def f():\n    with A:\n        with B: pass\n    done.set()\ndef g():\n    done.wait()\n    with B:\n        with A: pass\n" + both, finding.Possible},
		{"an event in a callee", head + "def tell(): done.set()\ndef f():\n    with A:\n        with B: pass\n    tell()\ndef g():\n    done.wait()\n    with B:\n        with A: pass\n" + both, finding.Possible},
		{"an event set before", head + "def f():\n    done.set()\n    with A:\n        with B: pass\ndef g():\n    done.wait()\n    with B:\n        with A: pass\n" + both, finding.Certain},
		{"a barrier between", head + "def f():\n    with A:\n        with B: pass\n    bar.wait()\ndef g():\n    bar.wait()\n    with B:\n        with A: pass\n" + both, finding.Possible},
		{"a join in the other thread", head + plain + "def h():\n    x.join()\n    g()\nx = threading.Thread(target=f)\nx.start()\ny = threading.Thread(target=h)\ny.start()\n", finding.Possible},
		{"a join of a third thread", head + plain + "def h():\n    z.join()\n    g()\nz = threading.Thread(target=print)\nz.start()\nx = threading.Thread(target=f)\nx.start()\ny = threading.Thread(target=h)\ny.start()\n", finding.Certain},
		{"a flag that is polled", head + "ready = False\ndef f():\n    global ready\n    with A:\n        with B: pass\n    ready = True\ndef g():\n    while not ready: pass\n    with B:\n        with A: pass\n" + both, finding.Possible},
		{"a flag that ends", head + "ready = False\ndef f():\n    global ready\n    with A:\n        with B: pass\n    ready = True\ndef g():\n    while not ready:\n        with B:\n            with A: pass\n" + both, finding.Certain},
		{"maps, one after the other", head + plain + "def main():\n    e = ThreadPoolExecutor()\n    list(e.map(f))\n    list(e.map(g))\nmain()\n", finding.Possible},
		{"maps at once", head + plain + "def main():\n    e = ThreadPoolExecutor()\n    x = e.map(f)\n    y = e.map(g)\nmain()\n", finding.Certain},
		{"a mode of the module", head + "MODE = len(threading.enumerate()) > 1\ndef f():\n    if MODE:\n        with A:\n            with B: pass\n    else:\n        with B:\n            with A: pass\nfor i in range(3): threading.Thread(target=f).start()\n", finding.Possible},
		{"a mode that is asked twice alike", head + "MODE = len(threading.enumerate()) > 1\ndef f():\n    if MODE:\n        with A:\n            with B: pass\n        with B:\n            with A: pass\nfor i in range(3): threading.Thread(target=f).start()\n", finding.Certain},
		{"a barrier before both", head + "def f():\n    bar.wait()\n    with A:\n        with B: pass\ndef g():\n    bar.wait()\n    with B:\n        with A: pass\n" + both, finding.Certain},
	})
}

// TestTasks: tasks that await nothing while they hold a lock run from one end to the
// other, and find each lock free.
func TestTasks(t *testing.T) {
	const head = "import asyncio\na = asyncio.Lock(); b = asyncio.Lock(); c = asyncio.Lock()\nasync def rest(): await asyncio.sleep(1)\nasync def busy(): print(1)\n"
	const g = "async def g():\n    async with b:\n        async with a: print(2)\n"
	const run = "async def main(): await asyncio.gather(f(), g())\nasyncio.run(main())\n"
	told(t, []turn{
		{"no await", head + "async def f():\n    async with a:\n        async with b: print(1)\n" + g + run, finding.Possible},
		{"an await of what awaits nothing", head + "async def f():\n    async with a:\n        await busy()\n        async with b: print(1)\n" + g + run, finding.Possible},
		{"an await between", head + "async def f():\n    async with a:\n        await asyncio.sleep(1)\n        async with b: print(1)\n" + g + run, finding.Certain},
		{"an await under both", head + "async def f():\n    async with a:\n        async with b: await rest()\n" + g + run, finding.Certain},
		{"an await elsewhere", head + "async def f():\n    async with a:\n        async with b: print(1)\nasync def h():\n    async with a: await rest()\n" + g + run, finding.Certain},
		{"another lock that is waited for", head + "async def f():\n    async with a:\n        async with c: pass\n        async with b: print(1)\nasync def h():\n    async with c: await rest()\n" + g + run, finding.Certain},
		{"a lock that is acquired", head + "async def f():\n    await a.acquire()\n    await b.acquire()\n    b.release()\n    a.release()\n" + g + run, finding.Possible},
		{"a lock that is acquired, and an await", head + "async def f():\n    await a.acquire()\n    await rest()\n    await b.acquire()\n    b.release()\n    a.release()\n" + g + run, finding.Certain},
	})
}

// told checks that each program has one finding, of the wanted level, and none where
// that is Note.
func told(t *testing.T, cases []turn) {
	t.Helper()
	for _, c := range cases {
		p := &ir.Program{}
		if problems := pyread.Read(p, []*ir.File{{Path: "case.py", Text: []byte(c.text), Lang: ir.Python}}); len(problems) > 0 {
			t.Fatal(problems)
		}
		found := locks.Analyse(p, locks.Options{})
		if c.want == finding.Note && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Level != c.want {
			t.Errorf("%s: %q, want one that is %v", c.name, messages(found), c.want)
		}
	}
}
