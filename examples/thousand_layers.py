"""A network of a thousand layers: where gradients vanish, and how they get through.

Each layer of the plain network takes a sigmoid of the one before. Its slope is at most a quarter,
so that the gradient shrinks on its way back from layer to layer: forty layers before the last,
nothing is left of it, and the network learns nothing. In the residual network each layer adds a
little to what passes by (He et al., 2016): the gradient reaches the first layer as it left the last
one, and from He's initial weights the thousand layers learn the digits.

    python examples/thousand_layers.py [picture.png]

The picture (which needs matplotlib) has the norm of the gradient at each layer of both.
"""

import sys

import fastnn
from fastnn import ops
from fastnn.datasets import digits
from fastnn.layers import Dense, Flatten
from fastnn.models import Model

DEPTH = 1000

(x, y), (x_test, y_test) = digits.load_data()
x, x_test = x / 16.0, x_test / 16.0
fastnn.utils.set_random_seed(1)


def plain():
    """Each layer is all that the next one sees."""
    inputs = fastnn.Input((8, 8))
    h = Flatten()(inputs)
    for _ in range(DEPTH - 1):
        h = Dense(32, activation="sigmoid")(h)
    return Model(inputs, Dense(10, activation="softmax")(h))


def residual():
    """Each layer adds to what passes by, a thousandth of its own."""
    inputs = fastnn.Input((8, 8))
    h = Dense(32, activation="relu", kernel_initializer="he_normal")(Flatten()(inputs))
    for _ in range(DEPTH - 2):
        h = h + Dense(32, activation="relu", kernel_initializer="he_normal")(h) / DEPTH
    return Model(inputs, Dense(10, activation="softmax")(h))


def gradient_norms(model):
    """The norm of the gradient by each layer's weights, from the first layer to the last."""
    rows, labels = fastnn.placeholder((None, 8, 8)), fastnn.placeholder((None,), "int64")
    cost = fastnn.losses.SparseCategoricalCrossentropy()(labels, model(rows))
    kernels = [weight for weight in model.weights if weight.name == "kernel"]
    norms = [ops.norm(gradient) for gradient in fastnn.grad(cost, kernels)]
    return [float(norm) for norm in fastnn.function([rows, labels], norms)(x[:100], y[:100])]


norms = {}
for make, epochs in ((plain, 2), (residual, 15)):
    model = make()
    norms[make.__name__] = own = gradient_norms(model)
    print(f"{make.__name__}, norms of gradients, first to last layer:", end="")
    print("".join(f" {own[layer]:.1e}" for layer in (0, DEPTH // 2, -50, -10, -1)))
    steps = epochs * -(-len(x) // 32)
    rate = fastnn.optimizers.schedules.CosineDecay(0.003, steps)
    adam = fastnn.optimizers.Adam(rate)
    model.compile(adam, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=0)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{make.__name__}, accuracy on digits not seen after {epochs} epochs: {accuracy:.3f}")

if len(sys.argv) > 1:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for name, own in norms.items():
        axes.semilogy(range(1, DEPTH + 1), own, label=name)
    axes.set(xlabel="layer", ylabel="norm of the gradient", title="How far gradients come")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(sys.argv[1], dpi=150)
