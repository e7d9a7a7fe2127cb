x = 1
if x:
    y = """a
b""" + "c\
d"
    z = (1,

  2)
v = f"""{x}
"""
last = 1