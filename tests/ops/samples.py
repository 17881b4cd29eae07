"""What a sample of an op is, and the table of all samples, op by op.

Each ``samples_*.py`` adds the cases of one family with :func:`case`. A case says what the op
computes (in NumPy, float64), on which inputs it is tried, and which inputs it must refuse.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray

EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


@dataclass(frozen=True)
class Input:
    """How to draw an input of a sample: values of some kind, in a shape."""

    shape: tuple[int, ...]
    kind: str = "any"
    dtype: str | None = None  # None: the dtype the sample is tried in
    low: float = 0.0
    high: float = 0.0

    def draw(self, dtype: str, rng: np.random.Generator) -> Array:
        dtype = self.dtype or dtype
        size = self.shape
        if self.kind == "index":
            return np.asarray(rng.integers(int(self.low), int(self.high), size), dtype)
        if dtype == "bool":
            return np.asarray(rng.integers(0, 2, size), bool)
        if dtype[0] == "i":
            values = rng.integers(-5, 6, size)
            return np.asarray(np.where(values == 0, 3, values), dtype)
        if dtype == "uint8":
            return np.asarray(rng.integers(0, 9, size), dtype)
        if self.kind == "uniform":
            return np.asarray(rng.uniform(self.low, self.high, size), dtype)
        if self.kind == "distinct":
            order = rng.permutation(int(np.prod(size, dtype=np.int64))).reshape(size)
            return np.asarray(order * 0.37 - 2.1, dtype)
        # Away from whole numbers by 0.2: no kink of any activation is near.
        whole = rng.integers(-4, 4, size)
        return np.asarray(whole + rng.uniform(0.2, 0.8, size), dtype)


def anything(*shape: int) -> Input:
    return Input(shape)


def uniform(low: float, high: float, *shape: int) -> Input:
    return Input(shape, "uniform", low=low, high=high)


def distinct(*shape: int) -> Input:
    return Input(shape, "distinct")


def index(n: int, *shape: int) -> Input:
    return Input(shape, "index", "int64", -n, n)


def labels(n: int, *shape: int) -> Input:
    return Input(shape, "index", "int64", 0, n)


def booleans(*shape: int) -> Input:
    return Input(shape, dtype="bool")


@dataclass(frozen=True)
class Sample:
    inputs: tuple[Input, ...]
    attrs: dict[str, Any] = field(default_factory=dict)

    def arrays(self, dtype: str, name: str) -> list[Array]:
        seed = zlib.crc32(f"{name}{self.inputs}{self.attrs}".encode())
        rng = np.random.default_rng(seed)
        return [x.draw(dtype, rng) for x in self.inputs]

    def __str__(self) -> str:
        shapes = "_".join("x".join(map(str, x.shape)) or "0d" for x in self.inputs)
        attrs = "_".join(f"{k}={v}" for k, v in self.attrs.items())
        return (shapes + ("-" + attrs if attrs else "")).replace(" ", "")


def sample(*inputs: Input, **attrs: Any) -> Sample:
    return Sample(inputs, attrs)


@dataclass(frozen=True)
class Refusal:
    """Inputs (dtype, shape) and attributes that the op must refuse when the node is made."""

    inputs: tuple[tuple[str, tuple[Any, ...]], ...]
    match: str
    attrs: dict[str, Any] = field(default_factory=dict)


def refuse(match: str, *inputs: tuple[str, tuple[Any, ...]], **attrs: Any) -> Refusal:
    return Refusal(inputs, match, attrs)


@dataclass(frozen=True)
class Case:
    """One op.

    Attributes:
        reference: arrays (float64 for floating inputs) and attributes to the expected array.
        samples: what it is tried on.
        relative: allowed error, in units of the dtype's epsilon times the result.
        absolute: allowed error, in units of the epsilon; an array-valued function of the inputs
            where errors grow with them (sums).
        floor: error of the reference itself, relative to 1 (numerical derivatives).
        refusals: what it must refuse.
        constant_inputs: positions that are not differentiated though they are floating.
    """

    reference: Callable[..., Any]
    samples: Sequence[Sample]
    relative: float = 4.0
    absolute: float | Callable[..., Any] = 0.0
    floor: float = 0.0
    refusals: Sequence[Refusal] = ()
    constant_inputs: tuple[int, ...] = ()


CASES: dict[str, Case] = {}


def case(name: str, reference: Callable[..., Any], samples: Sequence[Sample], **kw: Any) -> None:
    assert name not in CASES, name
    CASES[name] = Case(reference, samples, **kw)


def derivative(f: Callable[..., Array]) -> Callable[..., Array]:
    """f' by central differences of order 4 in extended precision, good to about 1e-12."""

    def slope(x: Array, **attrs: Any) -> Array:
        x = np.asarray(x, np.longdouble)
        h = np.longdouble(1e-3)
        near = f(x + h, **attrs) - f(x - h, **attrs)
        far = f(x + 2 * h, **attrs) - f(x - 2 * h, **attrs)
        return np.asarray((8 * near - far) / (12 * h), np.float64)

    return slope


# Odd sizes, a scalar, an empty axis, more than one tile of 512 elements.
SHAPES = [(), (1,), (7,), (3, 5), (2, 0, 3), (2, 3, 4), (1037,)]
PAIRS = [
    ((), ()),
    ((7,), (7,)),
    ((3, 5), (5,)),
    ((3, 1), (1, 5)),
    ((), (2, 3)),
    ((2, 3, 4), (3, 1)),
    ((0, 3), (3,)),
    ((4, 1), (1,)),
    ((3, 400), (3, 1)),
]
