"""One update of all parameters, in place on both sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

import fastnn
from bench.kernels import DTYPES, Array, Case, Pair
from fastnn import ops

SIZES = (107, 2048, 669_706)  # the churn network; ...; 784-512-512-10
RATE = 1e-3

# An update works on parameters, gradient, slots, scratch and the number of the step.
Update = Callable[[Array, Array, list[Array], Array, int], None]


def _average(slot: Array, g: Array, beta: float, s: Array) -> None:
    np.subtract(g, slot, out=s)
    s *= 1 - beta
    slot += s


def sgd(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    np.multiply(g, RATE, out=s)
    p -= s


def momentum(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    (v,) = slots
    v *= 0.9
    np.multiply(g, RATE, out=s)
    v -= s
    p += v


def rmsprop(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    (v,) = slots
    v *= 0.9
    np.square(g, out=s)
    s *= 0.1
    v += s
    np.sqrt(v, out=s)
    s += 1e-7
    np.divide(g, s, out=s)
    s *= RATE
    p -= s


def adam(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    m, v = slots
    _average(m, g, 0.9, s)
    np.square(g, out=s)
    s -= v
    s *= 0.001
    v += s
    rate = RATE * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
    np.sqrt(v, out=s)
    s += 1e-7
    np.divide(m, s, out=s)
    s *= rate
    p -= s


def adagrad(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    (v,) = slots
    np.square(g, out=s)
    v += s
    np.add(v, 1e-7, out=s)
    np.sqrt(s, out=s)
    np.divide(g, s, out=s)
    s *= RATE
    p -= s


def lion(p: Array, g: Array, slots: list[Array], s: Array, t: int) -> None:
    (m,) = slots
    np.subtract(m, g, out=s)
    s *= 0.9
    s += g
    np.copysign(RATE, s, out=s)  # np.sign is ten times slower
    p -= s
    _average(m, g, 0.99, s)


# NumPy's way, the kernel's name, its numbers and how many slots of it are used.
WAYS: dict[str, tuple[Update, str, list[float], int]] = {
    "sgd": (sgd, "sgd", [0.0, 0.0], 0),
    "sgd with momentum": (momentum, "sgd", [0.9, 0.0], 1),
    "rmsprop": (rmsprop, "rmsprop", [0.9, 0.0, 1e-7, 0.0], 1),
    "adam": (adam, "adam", [0.9, 0.999, 1e-7, 0.0], 2),
    "adagrad": (adagrad, "adagrad", [1e-7], 1),
    "lion": (lion, "lion", [0.9, 0.99], 1),
}


def _make(name: str, size: int, dtype: str) -> Pair:
    update, kernel, hyper, slots = WAYS[name]
    rng = np.random.default_rng(0)
    p = rng.standard_normal(size).astype(dtype)
    g = rng.standard_normal(size).astype(dtype)
    variable = fastnn.shared(p, dtype=dtype)
    gradient = fastnn.shared(g, dtype=dtype, role="state")
    own = [fastnn.shared(np.full(size, 0.1, dtype), dtype=dtype) for _ in range(slots)]
    count = fastnn.shared(np.array(1000), dtype="int64", role="counter")
    effect = ops.optimizer_step(
        kernel, [gradient], [variable], slots=[own], rate=RATE, step=count, hyper=hyper
    )
    function = fastnn.function([], None, updates=[effect])
    theirs = p.copy()
    scratch = np.empty_like(p)
    arrays = [np.full(size, 0.1, dtype) for _ in range(slots)]

    def ours() -> None:
        function()

    def numpy_way() -> None:
        update(theirs, g, arrays, scratch, 1001)

    ours()
    numpy_way()
    np.testing.assert_allclose(variable.get_value(), theirs, rtol=2e-4, atol=2e-6)
    return Pair(ours, numpy_way)


def cases() -> Iterator[Case]:
    for threads in (1, 2):
        for dtype in DTYPES:
            for name, (_, _, _, slots) in WAYS.items():
                for size in SIZES[-1:] if threads > 1 else SIZES:
                    yield Case(
                        "optimizers",
                        name,
                        str(size),
                        dtype,
                        threads,
                        lambda name=name, size=size, dtype=dtype: _make(name, size, dtype),
                        bytes=float(size * np.dtype(dtype).itemsize * (3 + 2 * slots)),
                    )
