"""The graph of g = (x + y) * z: values forwards, gradients backwards, at every node."""

import fastnn

x = fastnn.placeholder((), name="x")
y = fastnn.placeholder((), name="y")
z = fastnn.placeholder((), name="z")
p = x + y
g = p * z

nodes = {"x": x, "y": y, "z": z, "p = x + y": p, "g = p * z": g}
gradients = fastnn.grad(g, list(nodes.values()))
run = fastnn.function([x, y, z], [*nodes.values(), *gradients])

results = run(1.0, 3.0, -3.0)
values, slopes = results[: len(nodes)], results[len(nodes) :]
print(f"{'node':12}{'value':>8}{'dg/dnode':>10}")
for name, value, slope in zip(nodes, values, slopes, strict=True):
    print(f"{name:12}{float(value):8g}{float(slope):10g}")
