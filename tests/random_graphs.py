"""Seeded random graphs over all kinds of ops, for comparing ways of running them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

import fastnn
from fastnn import _core, ops

SMOOTH = "tanh sigmoid softplus gelu silu mish softsign sin elu selu log_sigmoid"
OTHER = "relu relu6 leaky_relu negative absolute square hard_sigmoid sign floor"
BINARY = ("add", "subtract", "multiply", "maximum", "minimum")
REDUCTIONS = ("sum", "mean", "max", "min", "prod")


@dataclass
class RandomGraph:
    """A graph, the arrays it is run on, and its sections as (name, outputs, updates)."""

    seed: int
    inputs: list[Any]
    variables: list[Any]
    sections: list[tuple[str, list[Any], list[tuple[Any, Any]]]]
    sizes: list[tuple[int, int]]
    initial: list[np.ndarray] = field(default_factory=list)

    def arrays(self, sizes: tuple[int, int]) -> list[np.ndarray]:
        rng = np.random.default_rng([self.seed, *sizes])
        known = {"batch": sizes[0], "time": sizes[1]}
        result = []
        for x in self.inputs:
            shape = [d if isinstance(d, int) else known[str(d)] for d in x.dims]
            result.append(rng.uniform(-1.5, 1.5, shape).astype(x.dtype))
        return result

    def reset(self) -> None:
        for v, a in zip(self.variables, self.initial, strict=True):
            v.set_value(a)

    def state(self) -> list[np.ndarray]:
        return [v.get_value() for v in self.variables]


class Builder:
    """Grows a pool of tensors by random ops."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.dtype = "float64" if self.rng.random() < 0.2 else "float32"
        # Two open axes that meet: their lengths are equal, or one is 1.
        self.mixed = self.rng.random() < 0.2
        self.open = self.rng.random() < 0.8
        rows: Any = "batch" if self.open else 4
        steps: Any = "time" if self.open else 3
        self.inputs = [
            fastnn.placeholder((rows, 3), self.dtype, "x"),
            fastnn.placeholder((steps, rows, 2), self.dtype, "s"),
            fastnn.placeholder((steps, 3), self.dtype, "t"),
        ]
        shapes = [(3, 4), (4,), (4, 4), (4, 4), (3,), (3,), (2, 3), ()]
        self.variables = [
            fastnn.shared(self.rng.uniform(-1, 1, s).astype(self.dtype), f"v{i}")
            for i, s in enumerate(shapes)
        ]
        self.pool: list[Any] = [*self.inputs, *self.variables]

    def choose(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def floats(self, ndim: int | None = None) -> list[Any]:
        # Mostly what was made last, so that graphs grow deep.
        recent = self.pool[-6:] * 4 + self.inputs + self.variables
        return [t for t in recent if t.dtype[0] == "f" and (ndim is None or t.ndim == ndim)]

    def numeric_axes(self, x: Any) -> list[int]:
        return [i for i, d in enumerate(x.dims) if isinstance(d, int)]

    # Each returns a tensor, or None where nothing in the pool fits.

    def unary(self) -> Any:
        x = self.choose(self.floats())
        return getattr(ops, self.choose((SMOOTH if self.rng.random() < 0.6 else OTHER).split()))(x)

    def binary(self) -> Any:
        a = self.choose(self.floats())
        fits = [b for b in self.floats() if self.broadcasts(a, b)]
        return getattr(ops, self.choose(BINARY))(a, self.choose(fits))

    def broadcasts(self, a: Any, b: Any) -> bool:
        for i in range(1, min(a.ndim, b.ndim) + 1):
            p, q = a.dims[-i], b.dims[-i]
            both_open = str(p) in ("batch", "time") and str(q) in ("batch", "time")
            if p != q and p != 1 and q != 1 and not (self.mixed and both_open):
                return False
        return True

    def quotient(self) -> Any:
        return self.choose(self.floats()) / (1.0 + ops.sum(abs(self.choose(self.variables))))

    def select(self) -> Any:
        a = self.choose(self.floats())
        b = self.choose([t for t in self.floats() if self.broadcasts(a, t)])
        return ops.where(a > b, a, b * 0.5)

    def round_trip(self) -> Any:
        x = self.choose(self.floats())
        return ops.cast(ops.cast(x, self.choose(["int32", "float64", "bool", "uint8"])), x.dtype)

    def reduction(self) -> Any:
        x = self.choose(self.floats())
        axes = [i for i in range(x.ndim) if self.rng.random() < 0.5]
        keepdims = bool(self.rng.random() < 0.5)
        return getattr(ops, self.choose(REDUCTIONS))(x, tuple(axes), keepdims)

    def matmul(self) -> Any:
        found = []
        matrices = [t for t in self.floats() if t.ndim in (2, 3)]
        for a in matrices:
            for b in matrices:
                for ta in (False, True):
                    for tb in (False, True):
                        inner = a.dims[-2 if ta else -1] == b.dims[-1 if tb else -2]
                        if inner and (a.ndim == 2 or b.ndim == 2 or a.dims[0] == b.dims[0]):
                            found.append((a, b, ta, tb))
        a, b, ta, tb = self.choose(found)
        return ops.matmul(a, b, ta, tb)

    def dense(self) -> Any:
        w, b = self.variables[0], self.variables[1]
        rows = [t for t in self.floats() if t.ndim >= 2 and t.dims[-1] == 3]
        return getattr(ops, self.choose(SMOOTH.split()))(ops.matmul(self.choose(rows), w) + b)

    def transposed(self) -> Any:
        x = self.choose(self.floats())
        return ops.transpose(x, [int(i) for i in self.rng.permutation(x.ndim)])

    def reshaped(self) -> Any:
        x = self.choose(self.floats())
        kind = int(self.rng.integers(3))
        if kind == 0:
            return ops.reshape(x, (-1,))
        if kind == 1 and x.ndim >= 2:
            return ops.reshape(x, (*x.dims[:-2], -1))
        dims = list(x.dims)
        dims.insert(int(self.rng.integers(x.ndim + 1)), 1)
        return ops.reshape(x, dims)

    def sliced(self) -> Any:
        x = self.choose([t for t in self.floats() if t.ndim])
        key: list[Any] = [slice(None)] * x.ndim
        axis = int(self.rng.integers(x.ndim))
        n = x.dims[axis]
        if not isinstance(n, int):
            key[axis] = slice(None, None, -1)
        elif n:
            begin, end = sorted(int(i) for i in self.rng.integers(0, n + 1, 2))
            key[axis] = self.choose(
                [slice(begin, end), slice(None, None, -1), slice(begin, None, 2), begin - 1]
            )
        return x[tuple(key)]

    def joined(self) -> Any:
        x = self.choose([t for t in self.floats() if t.ndim])
        axis = int(self.rng.integers(x.ndim))
        rest = [d for i, d in enumerate(x.dims) if i != axis]
        same = [
            t for t in self.floats(x.ndim) if [d for i, d in enumerate(t.dims) if i != axis] == rest
        ]
        return ops.concatenate([x, self.choose(same), self.choose(same)], axis)

    def taken(self) -> Any:
        x = self.choose([t for t in self.floats() if any(self.lengths(t))])
        axis = self.choose([i for i in self.numeric_axes(x) if x.dims[i]])
        picked = self.rng.integers(-x.dims[axis], x.dims[axis], 3)
        return ops.take(x, picked, axis)

    def lengths(self, x: Any) -> list[int]:
        return [x.dims[i] for i in self.numeric_axes(x)]

    def rows(self) -> Any:
        x = self.choose([t for t in self.floats() if t.ndim and t.dims[-1] != 0])
        kind = int(self.rng.integers(4))
        if kind == 0:
            return ops.softmax(x)
        if kind == 1:
            return ops.log_softmax(x)
        if kind == 2 or not isinstance(x.dims[-1], int):  # argmax refuses an empty axis
            return ops.softmax_cross_entropy(x, ops.softmax(x * 0.5))
        return ops.sparse_softmax_cross_entropy(x, ops.argmax(-x, -1))

    def drawn(self) -> Any:
        x = self.choose(self.floats())
        kind = self.choose(["random_uniform", "random_normal"])
        return getattr(ops, kind)(x.dims, dtype=x.dtype)

    def repeated(self) -> Any:
        x = self.choose(self.floats())
        return ops.broadcast_to(x, (2, *x.dims)) if x.ndim < 4 else None

    def loop(self) -> Any:
        s, w = self.inputs[1], self.variables[6]
        act = getattr(ops, self.choose(SMOOTH.split()))
        start = ops.zeros_like(self.inputs[0])
        draw = self.rng.random() < 0.3

        def step(x: Any, h: Any) -> Any:
            new = act(x @ w + h * self.variables[4])
            if draw:
                new = new * ops.random_bernoulli(new.dims, 0.7, new.dtype)
            return new, new * x[:, :1]

        last, stacked = fastnn.scan(step, s, start, reverse=bool(self.rng.random() < 0.4))
        return last if self.rng.random() < 0.5 else stacked

    def gradient(self) -> Any:
        x = self.choose(self.pool[-6:])
        cost = ops.sum(x * x)
        return fastnn.grad(cost, self.choose([*self.inputs, *self.variables]))

    KINDS = (
        "unary unary unary binary binary binary quotient select round_trip reduction matmul "
        "matmul dense dense transposed reshaped sliced joined taken rows drawn repeated loop "
        "gradient gradient"
    )

    def grow(self, count: int) -> None:
        for _ in range(count):
            made = getattr(self, self.choose(self.KINDS.split()))()
            # Small ranks and sizes: what grows is the number of nodes.
            if made is None or made.ndim > 5:
                continue
            if sum(not isinstance(d, int) for d in made.dims) > 4:
                continue
            if np.prod([d for d in made.dims if isinstance(d, int)], dtype=float) > 400:
                continue
            self.pool.append(ops.clip(made, -3.0, 3.0) if self.rng.random() < 0.3 else made)

    def backward(self) -> None:
        """The gradients of a cost that joins several values by everything they came from."""
        chosen = [self.choose(self.pool[-8:]) for _ in range(int(self.rng.integers(1, 4)))]
        cost = ops.mean(chosen[0] * chosen[0])
        for t in chosen[1:]:
            cost = cost + ops.sum(ops.tanh(t))
        self.pool += fastnn.grad(cost, [*self.inputs, *self.variables])
        if self.rng.random() < 0.4:
            self.grow(4)

    def updates(self) -> list[tuple[Any, Any]]:
        """New values for some variables; variables of one shape may swap."""
        result = []
        order = self.rng.permutation(len(self.variables))
        for i in order[: int(self.rng.integers(0, 6))]:
            v = self.variables[i]
            same = [t for t in self.pool if t.dims == v.dims and t.dtype == v.dtype]
            new = self.choose(same)
            kind = self.rng.random()
            result.append((v, new if kind < 0.5 else v - 0.1 * new if kind < 0.8 else new + v * 2))
        return result


def random_graph(seed: int) -> RandomGraph:
    """The graph of a seed: always the same one."""
    fastnn.utils.set_random_seed(seed)
    b = Builder(seed)
    b.grow(int(b.rng.integers(4, 30)))
    if b.rng.random() < 0.6:
        b.backward()
    made = b.pool[len(b.inputs) + len(b.variables) :] or b.pool
    sections = []
    for i in range(1 if b.rng.random() < 0.7 else int(b.rng.integers(2, 4))):
        outputs = [b.choose(made), b.choose(made[-4:]), b.choose(made[-12:])]
        outputs = outputs[: int(b.rng.integers(1, 4))]
        sections.append((f"section {i}", outputs, b.updates()))
    sizes = [(4, 3)]
    if b.open:
        sizes = [(4, 4), (1, 3), (5, 1)] if b.mixed else [(4, 3), (7, 2), (1, 1), (0, 2), (5, 6)]
    graph = RandomGraph(seed, b.inputs, b.variables, sections, sizes)
    graph.initial = graph.state()
    return graph


def compiled(graph: RandomGraph, **options: Any) -> _core.Function:
    """The graph's program, with options of the memory plan."""
    sections = [
        (
            name,
            [t._value for t in outputs],
            [(v._storage, t._value) for v, t in updates],
        )
        for name, outputs, updates in graph.sections
    ]
    return _core.Function([x._value for x in graph.inputs], sections, graph.seed, **options)


def run(graph: RandomGraph, function: _core.Function) -> list[list[np.ndarray]]:
    """Outputs and variables after each of the graph's sizes, one call after the other."""
    graph.reset()
    return [[*function(*graph.arrays(s)), *graph.state()] for s in graph.sizes]
