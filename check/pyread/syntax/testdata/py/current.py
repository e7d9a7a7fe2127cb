# What the language has got since 3.8.
type Point = tuple[float, float]
type Pair[T] = tuple[T, T]
type Both[T: int = str, *Ts = *tuple[int], **P = [int]] = dict[T, P]
type = 1
type.x = 2
type(x)
type[int]
print(type, match, case, _)


def first[T: (int, str), *Ts, **P](x: T, /, y: T = 1, *args: *Ts, z, w=2, **kw: P.kwargs) -> T: ...
def second(a, /): pass
def third(*, a, b=1): pass
def fourth(a, b=1, /, c=2, *, d): pass
async def fifth[T](): return [x async for x in y if await z if w]
class Box[T](Base, metaclass=Meta, **kw): x: int; y: T = 1
class Empty: pass
class Bare(): pass


@decorator
@a.b.c(1)[2]
@(x := y)
async def decorated(): pass


@dataclass
class Decorated: pass


def walrus():
    if (n := len(a)) > 10 and (m := n): pass
    while chunk := f.read(): pass
    x[y := 1, z := 2]
    {y := 1, 2}
    [y := f(x), y**2]
    f(a := 1, b=(c := 2))
    print([z for x in y if (z := x)])


def exceptions():
    try: pass
    except* ValueError as e: pass
    except* (A, B): pass
    else: pass
    finally: pass
    try: pass
    except A, B: pass
    except C: raise
    try: pass
    finally: return
    try: raise X from Y
    except: pass


async def contexts():
    with a: pass
    with a as b, c as d: pass
    with (a as b, c as d,): pass
    with (a, b): pass
    with (a): pass
    with (a), (b): pass
    with (a).b as c: pass
    with (a) as b: pass
    with (a, b) as c: pass
    with (yield): pass
    with (a for b in c): pass
    with (a := b): pass
    with (a, *b): pass
    with (open(a) as b): pass
    with (a if b else c) as d, e: pass
    with a as (b, c), d as [e, *f], g as h.i, j as k[0]: pass
    async with a as b, c: pass
    async with (a as b, c as d): pass
    async for x, *y in z: pass
    else: pass
    with (
        a,
        b,
    ): pass


def matching(match, case):
    match x:
        case 1 | -2 | 3.5 | -1 + 2j | 1 - 2j: pass
        case "a" "b" | b"c": pass
        case None | True | False: pass
        case a.b.c: pass
        case name: pass
    match x, *y:
        case _: pass
    match (x):
        case (a): pass
        case (a,) | [b, *_] | (c, *rest) | [] | (): pass
        case a, *b: pass
        case *a, b: pass
        case a,: pass
    match -x:
        case {}: pass
        case {"a": 1, -1: b, c.d: e, None: f, **rest}: pass
        case {"a": _, **rest,}: pass
        case Point(): pass
        case Point(1, y=2, z=(a | b) as c,): pass
        case a.Point(x) as p if p.x > 0 and (q := 1): pass
    match [x]:
        case [[a, b], [*c]] as d: pass
    match {x: y}:
        case int() | str(): pass
    match not x:
        case _: pass
    match lambda: x:
        case _: pass
    match match:
        case case: pass
    match(x)
    match[x]
    match * x
    match - x
    match = 1
    match: int = 1
    match.x
    match, x = 1, 2
    match(x)[y].z = 1
    match[x]: int
    match in x
    match if x else y
    match or x
    match == x
    case = 1
    case(x)
    match x:
        case 1:
            match y:
                case 2: pass
        case 3: pass


def operators():
    a if b else c if d else e
    not a or b and not c
    a < b <= c != d is not e not in f is g in h
    -a ** -b ** c
    ~a + +b - -c
    await_ ** 2
    a @ b // c % d << e >> f & g ^ h | i
    a += b; c -= d; e *= f; g @= h; i /= j; k //= l; m %= n; o **= p; q <<= r; s >>= t; u &= v; w ^= x; y |= z
    lambda: (yield)
    lambda a, /, b=1, *c, d, e=2, **f: a
    lambda *, a: a
    lambda *a: lambda: a
    x = yield
    x = yield y
    x = yield from y
    x += yield
    x: int = yield
    yield x, *y
    return x, *y


def subscripts():
    a[1], a[1:2], a[::], a[:, 1], a[1:2, ::3], a[*b], a[*b, c], a[b,], a[()], a[b:=1]
    a[:], a[1:], a[:1], a[::1], a[lambda: x:1]
    a: int
    a.b: int = 1
    a[b]: int
    (a): int = 1
    (a.b): int
    del a, b.c, d[e]
    del (a), [b, c], (d, (e, f)),
    a = b = c, d = e
    [a, *b] = c
    a, = b
    *a, = b
    (a, b), c = d
    for x in *a, *b: pass
    for x, in y: pass
    for (x) in y: pass
    for x[y in z] in w: pass
    {**a, "b": c, **d}
    {*a, *b}
    {k: v for k, v in x if y if z}
    {k: v async for k in x for v in k}
    [*a, *b]
    f(*a, *b, c, **d, e=1, **g)
    f(x for x in y)
    f((x for x in y), 1)
    f(a, *b, c=1, *d)
    (x for x in y if z or w)
    print(*a, sep='')
    assert a, b
    global g, h
    nonlocal_
    import a.b.c as d, e
    from . import a
    from .b import (c as d, e,)
    from ... import *
    from .... a import b
    from a . b import c


0, 0x1F, 0o17, 0b101, 1_000, 0xFF_FF, 1.5, .5, 5., 1e10, 1E-5, 1_0.0_1e+1_0, 1j, 1.5J, 0e0, 00, 0_0, 01.5, 01j
1if x else y
...
x = \
    1
if x:
	pass
elif y: pass
elif z:
    pass
else: pass
while x: break
else: continue
if x: pass; pass;
if x:
    # a comment
    pass

  # a comment that is indented strangely
    pass
class ÄÖ: ñ = 變數
x; y;
raise
