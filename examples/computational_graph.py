"""The graph of g = (x + y) * z: values forwards, gradients backwards, at every node."""

import fastnn

x = fastnn.placeholder((), name="x")
y = fastnn.placeholder((), name="y")
z = fastnn.placeholder((), name="z")
p = x + y
g = p * z
p.name, g.name = "p", "g"

# The drawing shows the value and the gradient at each node ...
print(fastnn.draw(g, {x: 1, y: 3, z: -3}))

# ... and this computes the same numbers.
slopes = fastnn.grad(g, [p, x, y, z])
run = fastnn.function([x, y, z], [p, g, *slopes])
print("p, g, dp, dx, dy, dz:", *(f"{float(v):g}" for v in run(1, 3, -3)))
