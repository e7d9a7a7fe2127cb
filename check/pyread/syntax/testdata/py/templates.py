# Every way to write a template: PEP 498, 701 and 750.
f""
f"a"
f"{x}"
f"a{x}b{y}c"
f"{x!r}" f"{x!s:>10}" f"{x:{width}.{precision}}"
f"{x=}" f"{x = }" f"{x=!r:^20}" f"{ x + 1 = }"
f"{{}}" f"{{{x}}}" f"a{{b}}c"
f"{songs["name"]}" f"{f"{f"{1 + 1}"}"}"
f"{x:%H:%M}" f"{x:{{}}}" f"{x!r:{y!s}}"
f"""{
    x  # a comment, with a } and a quote "
    + 1
}"""
f'''a
{x:
}
b'''
f"{'\n'.join(a)}" f"\N{BULLET} {x}" f"\{x}" rf"\{x}\d{y}"
f"{x != y}" f"{x == y}" f"{(lambda a: a)(1)}" f"{(x := 5)}" f"{x:=5}"
f"{yield_}" f"{*a, *b}" f"{a, b}" f"{await_}"
f"{ {'a': 1}['a'] }" f"{x[1:2]}" f"{ {1, 2} }"
"plain " f"{x}" " plain" r"\raw" f"{y}"
"a" "b" 'c' """d"""
(
    "first "
    f"second {x} "
    "third"
)
f"{x:{'{'}>10}"
f"{a['b']}" F"{x}" fR"{x}\n" Rf"{x}" RF"{x}"
f"{x!r}{y!a}{z!s}"
f"\x41{x}\u0042\t{y}\
{z}"
b"bytes" b"\x00\377" rb"\d" Rb"" bR"" BR"" Br""
u"unicode" U"unicode" R"raw"
t"" t"a" t"{x}" t"a{x}b{y!r:>{w}}"
t"{x = }" t"{ x }" tr"\{x}" Rt"{x}" t"{t"{x}"}" t"{f"{x}"}"
print(t'''{
    x
}''')
f"{3.4:10}" f"{3!r:>5}" f"{lambda_}" f"{x,}"
f"{a if b else c}" f"{a:{b}{c}}" f"{a:{b:{c}}}"
f'{a["b"]!r}' f"{d["x"]["y"]:{d["w"]}}"
f"{x:\x41}" f"{x:a\{y}b}" f"{1}"
