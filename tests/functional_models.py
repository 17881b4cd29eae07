"""Models of several inputs and outputs, shared, nested and residual; the same for both libraries.

Each function takes the package (Keras or fastnn) and gives a compiled model, its x, y and sample
weights. Only what both call alike is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

ROWS = 12


def numbers(seed: int, *shape: int) -> np.ndarray:
    """Normal numbers that float32 holds exactly."""
    return np.random.default_rng(seed).normal(size=(ROWS, *shape)).astype("float32").round(3)


def bits(seed: int, *shape: int) -> np.ndarray:
    """0 and 1."""
    return (numbers(seed, *shape) > 0).astype("float32")


def two_by_two(k: Any) -> Any:
    """Two inputs, a branch and a merge, two outputs; everything in lists."""
    a, b = k.Input((4,), name="a"), k.Input((3,), name="b")
    left = k.layers.Dense(5, activation="tanh", name="left")(a)
    right = k.layers.Dense(2, activation="relu", name="right")(b)
    both = k.layers.Concatenate(name="both")([left, right, b])
    price = k.layers.Dense(1, name="price")(both)
    kind = k.layers.Dense(3, activation="softmax", name="kind")(left)
    model = k.Model([a, b], [price, kind])
    model.compile(
        k.optimizers.SGD(0.1),
        ["mse", "sparse_categorical_crossentropy"],
        loss_weights=[0.5, 2.0],
        metrics=[["mae"], ["accuracy"]],
    )
    labels = np.arange(ROWS) % 3
    return model, [numbers(1, 4), numbers(2, 3)], [numbers(3, 1), labels], None


def by_name(k: Any) -> Any:
    """Inputs and outputs in dicts; losses, their weights, metrics and sample weights by name."""
    inputs = {"words": k.Input((4,), name="words"), "age": k.Input((1,), name="age")}
    joined = k.layers.Concatenate(name="joined")([inputs["age"], inputs["words"]])
    hidden = k.layers.Dense(4, activation="sigmoid", name="hidden")(joined)
    outputs = {
        "score": k.layers.Dense(2, name="first")(hidden),
        "flag": k.layers.Dense(1, activation="sigmoid", name="second")(hidden),
    }
    model = k.Model(inputs, outputs)
    model.compile(
        k.optimizers.SGD(0.2),
        loss={"score": "mae", "flag": "binary_crossentropy"},
        loss_weights={"score": 1.0, "flag": 0.25},
        metrics={"flag": ["accuracy"]},
        weighted_metrics={"score": ["mse"]},
    )
    x = {"words": numbers(1, 4), "age": numbers(2, 1)}
    y = {"score": numbers(3, 2), "flag": bits(4, 1)}
    weights = {"score": np.abs(numbers(5)), "flag": np.abs(numbers(6))}
    return model, x, y, weights


def siamese(k: Any) -> Any:
    """One network for two inputs, and the cosine between what it makes of them."""
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    tower = k.Sequential(
        [k.layers.Dense(6, activation="tanh", name="t1"), k.layers.Dense(3, name="t2")],
        name="tower",
    )
    alike = k.layers.Dot(axes=1, normalize=True, name="alike")([tower(a), tower(b)])
    apart = k.layers.Subtract(name="apart")([tower(b), tower(a)])
    both = k.layers.Concatenate(name="both")([apart, alike])
    model = k.Model([a, b], k.layers.Dense(1, activation="sigmoid", name="same")(both))
    model.compile(k.optimizers.SGD(0.3), "binary_crossentropy", metrics=["accuracy"])
    return model, [numbers(1, 5), numbers(2, 5)], bits(3, 1), None


def residual(k: Any) -> Any:
    """Blocks with a way around them, some of it in operators rather than layers."""
    x = k.Input((4,), name="x")
    h = x
    for number in range(3):
        y = k.layers.LayerNormalization(name=f"norm{number}")(h)
        y = k.layers.Dense(4, activation="relu", name=f"up{number}")(y)
        y = k.layers.Dense(4, name=f"down{number}")(y)
        h = h + y if number == 1 else k.layers.Add(name=f"add{number}")([h, y])
    model = k.Model(x, k.layers.Dense(2, name="out")(h))
    model.compile(k.optimizers.SGD(1e-4, momentum=0.9), "mse")
    return model, numbers(1, 4), numbers(2, 2), None


def nested(k: Any) -> Any:
    """Models in models; one frozen, with batch normalisation in it."""
    z = k.Input((3,), name="z")
    h = k.layers.Dense(4, name="inner_dense")(z)
    h = k.layers.BatchNormalization(name="inner_norm")(h)
    frozen = k.Model(z, k.layers.Activation("tanh", name="inner_tanh")(h), name="frozen")
    frozen.trainable = False
    free = k.Sequential(
        [
            k.layers.Dense(4, activation="relu", name="free_dense"),
            k.layers.BatchNormalization(momentum=0.5, name="free_norm"),
        ],
        name="free",
    )
    x = k.Input((3,), name="x")
    both = k.layers.Multiply(name="both")([free(x), frozen(x)])
    model = k.Model(x, k.layers.Dense(1, name="out")(both))
    model.compile(k.optimizers.SGD(0.1), "mse")
    return model, numbers(1, 3), numbers(2, 1), None


def regularized(k: Any) -> Any:
    """Regularisers of kernels, biases and outputs: the last are means over the batch."""
    x = k.Input((4,), name="x")
    h = k.layers.Dense(
        5,
        activation="tanh",
        kernel_regularizer=k.regularizers.L2(0.05),
        bias_regularizer=k.regularizers.L1(0.02),
        activity_regularizer=k.regularizers.L1L2(0.03, 0.01),
        name="hidden",
    )(x)
    h = k.layers.ActivityRegularization(l1=0.02, l2=0.05, name="activity")(h)
    model = k.Model(x, k.layers.Dense(1, name="out")(h))
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mse"])
    return model, numbers(1, 4), numbers(2, 1), None


def deep_outputs(k: Any) -> Any:
    """Outputs in a dict of lists; one loss for all of them."""
    x = k.Input((4,), name="x")
    h = k.layers.Dense(3, activation="tanh", name="h")(x)
    outputs = {
        "pair": [k.layers.Dense(1, name="p")(h), k.layers.Dense(2, name="q")(h)],
        "single": k.layers.Dense(1, name="s")(h),
    }
    model = k.Model(x, outputs)
    model.compile(k.optimizers.SGD(0.1), {"pair": ["mse", "mae"], "single": "mse"})
    y = {"pair": [numbers(2, 1), numbers(3, 2)], "single": numbers(4, 1)}
    return model, numbers(1, 4), y, None


def deep_inputs(k: Any) -> Any:
    """Inputs in a dict with a list in it."""
    a, b, c = k.Input((2,), name="a"), k.Input((3,), name="b"), k.Input((1,), name="c")
    h = k.layers.Concatenate(name="all")([c, a, b])
    model = k.Model({"pair": [a, b], "one": c}, k.layers.Dense(2, name="out")(h))
    model.compile(k.optimizers.SGD(0.1), "mse")
    x = {"pair": [numbers(1, 2), numbers(2, 3)], "one": numbers(3, 1)}
    return model, x, numbers(4, 2), None


def partly_trained(k: Any) -> Any:
    """An output without a loss."""
    x = k.Input((4,), name="x")
    h = k.layers.Dense(3, activation="tanh", name="h")(x)
    out = k.layers.Dense(1, name="out")(h)
    model = k.Model(x, [out, h])
    model.compile(k.optimizers.SGD(0.1), ["mse", None])
    return model, numbers(1, 4), [numbers(2, 1)], None


def masked_text(k: Any) -> Any:
    """Two texts with padding, merged; weights for each step of one output."""
    a, b = k.Input((5,), name="a"), k.Input((5,), name="b")
    embed = k.layers.Embedding(7, 3, mask_zero=True, name="embed")
    both = k.layers.Average(name="both")([embed(a), embed(b)])
    tags = k.layers.Dense(4, activation="softmax", name="tags")(both)
    size = k.layers.Dense(1, name="size")(embed(a))
    model = k.Model([a, b], [tags, size])
    model.compile(k.optimizers.SGD(0.5), ["sparse_categorical_crossentropy", "mse"])
    rng = np.random.default_rng(1)
    words = [rng.integers(0, 7, size=(ROWS, 5)) * bits(s, 5).astype(int) for s in (2, 3)]
    y = [rng.integers(0, 4, size=(ROWS, 5)), numbers(4, 5, 1)]
    return model, words, y, [np.abs(numbers(5, 5)), np.abs(numbers(6, 1))]


def uneven(k: Any) -> Any:
    """Branches of different lengths, with a layer shared at different depths."""
    x, unused = k.Input((4,), name="x"), k.Input((2,), name="unused")
    short = k.layers.Dense(3, name="short")(x)
    shared = k.layers.Dense(3, activation="tanh", name="shared")
    long = k.layers.Dense(3, name="long2")(shared(k.layers.Dense(3, name="long1")(x)))
    other = shared(short * 2.0)
    both = k.layers.Concatenate(name="both")([short, other, long])
    model = k.Model([x, unused], [k.layers.Dense(1, name="out")(both), short])
    model.compile(k.optimizers.SGD(0.1), ["mse", "mae"])
    y = [numbers(3, 1), numbers(4, 3)]
    return model, [numbers(1, 4), numbers(2, 2)], y, None


def subclassed(k: Any) -> Any:
    """A class of its own, with a dict of inputs and outputs in a list."""

    class Own(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.left = k.layers.Dense(4, activation="relu")
            self.right = k.layers.Dense(4, activation="tanh")
            self.outs = [k.layers.Dense(1), k.layers.Dense(2)]
            self.noise = k.layers.Dropout(0.0)

        def call(self, inputs: Any, training: Any = None) -> Any:
            h = self.left(inputs["a"]) * self.right(inputs["b"])
            h = self.noise(h, training=training)
            return [out(h) for out in self.outs]

    model = Own()
    model.compile(k.optimizers.SGD(0.1), ["mse", "mae"], metrics=[["mae"], ["mse"]])
    x = {"a": numbers(1, 3), "b": numbers(2, 5)}
    model.predict(x, verbose=0)
    return model, x, [numbers(3, 1), numbers(4, 2)], None


BUILDERS = [
    two_by_two,
    by_name,
    siamese,
    residual,
    nested,
    regularized,
    deep_outputs,
    deep_inputs,
    partly_trained,
    masked_text,
    uneven,
    subclassed,
]
