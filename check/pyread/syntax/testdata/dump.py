"""Print CPython's tree of each file named on stdin: the oracle of this reader.

One line a node, "depth kind line:column-line:column text"; a line "= name
encoding" before each file, and "! message" for one that CPython refuses.
"""

import ast
import sys
import tokenize
import zlib

LABELS = ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop
TEXTS = "id", "attr", "arg", "name", "asname", "module", "rest"
# Before 3.12 the places of what is in an f-string are not those in the file.
EXACT = sys.version_info >= (3, 12)


def text(node):
    if isinstance(node, ast.Constant):
        value = node.value
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogatepass")
        if isinstance(value, bytes):
            return f"{type(node.value).__name__} {zlib.crc32(value)}"
        return type(value).__name__
    found = [getattr(node, field) for field in TEXTS if isinstance(getattr(node, field, None), str)]
    return ".".join(found)


def walk(node, depth, out, exact):
    kind = type(node).__name__
    parts = []
    for field in node._fields:
        value = getattr(node, field, None)
        values = value if isinstance(value, list) else [value]
        for v in values:
            if isinstance(v, LABELS):
                if not isinstance(v, ast.Load):
                    kind += "." + type(v).__name__
            elif isinstance(v, ast.AST):
                parts.append(v)
    if isinstance(node, ast.Dict):
        parts = [p for pair in zip(node.keys, node.values) for p in pair if p is not None]
    where = "-"
    if exact and hasattr(node, "lineno"):
        where = f"{node.lineno}:{node.col_offset}-{node.end_lineno}:{node.end_col_offset}"
    out.append(f"{depth} {kind} {where} {text(node)}".rstrip())
    exact = exact and (EXACT or kind != "JoinedStr")
    for part in parts:
        walk(part, depth + 1, out, exact)


def dump(name):
    try:
        with tokenize.open(name) as file:
            encoding = file.encoding
        with open(name, "rb") as file:
            tree = ast.parse(file.read())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return [f"= {name} unknown", f"! {error}".replace("\n", " ")]
    out = [f"= {name} {encoding}"]
    walk(tree, 0, out, True)
    return out


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10000)
    print("version", *sys.version_info[:2])
    for line in sys.stdin:
        print("\n".join(dump(line.rstrip("\n"))))
