"""The text of a C program: arrays and their elements, blocks, numbers, and where results lie."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "int32": "int32_t",
    "int64": "int64_t",
    "uint8": "uint8_t",
    "bool": "uint8_t",
}
_NUMBERS_A_LINE = 8


@dataclass(frozen=True)
class Ref:
    """An array of the program.

    Attributes:
        name: the C expression of its first element's address.
        dtype: fastnn's.
        shape: its sizes, for one row.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)

    @property
    def ctype(self) -> str:
        """The C type of a number."""
        return C_TYPES[self.dtype]

    def at(self, index: Sequence[str]) -> str:
        """The element at an index, one expression an axis."""
        return f"{self.name}[{flat(self.shape, index)}]"

    def broadcast(self, index: Sequence[str]) -> str:
        """The element that NumPy's broadcasting takes for an index of a larger shape."""
        own = list(index)[len(index) - len(self.shape) :]
        kept = ["0" if size == 1 else i for i, size in zip(own, self.shape, strict=True)]
        return self.at(kept)


def flat(shape: Sequence[int], index: Sequence[str]) -> str:
    """The place of an element in C order."""
    terms, stride = [], 1
    for size, i in zip(reversed(shape), reversed(list(index)), strict=True):
        if i != "0":
            terms.append(i if stride == 1 else f"{i} * {stride}")
        stride *= size
    return " + ".join(reversed(terms)) or "0"


def slice_of(ref: Ref, t: str) -> Ref:
    """One step of a sequence whose first axis is time."""
    shape = ref.shape[1:]
    return Ref(f"({ref.name} + {t} * {prod(shape)})", ref.dtype, shape)


def copied(target: Ref, source: Ref) -> str:
    """The statement that copies an array."""
    return f"memcpy({target.name}, {source.name}, {source.size} * sizeof({source.ctype}));"


class Source:
    """The text of the functions, line by line.

    Args:
        extents: the lengths of open axes.
    """

    def __init__(self, extents: dict[str, int]) -> None:
        self._extents = extents
        self.lines: list[str] = []
        self._depth = 1
        self._indices = 0

    def number(self, dim: Any) -> int:
        """A dimension for one row."""
        return number(dim, self._extents)

    def line(self, text: str) -> None:
        """Adds a line."""
        self.lines.append("  " * self._depth + text)

    def fresh(self) -> str:
        """A name for a variable."""
        self._indices += 1
        return f"i{self._indices}"

    def block(self, head: str) -> _Block:
        """A block behind a head: ``with source.block("for (...)"):``."""
        return _Block(self, head)

    def loop(self, count: int, name: str | None = None) -> _Block:
        """A loop; ``with source.loop(n) as i:`` gives its counter."""
        name = name or self.fresh()
        return _Block(self, f"for (int {name} = 0; {name} < {count}; ++{name})", name)

    def loops(self, shape: Sequence[int], always: bool = False) -> Iterator[list[str]]:
        """Loops over all axes: ``for index in source.loops(shape):`` runs its body once.

        Args:
            shape: the sizes.
            always: also over axes of length 1, so that the body may say ``continue``.
        """
        opened = [self.loop(size) if size != 1 or always else None for size in shape]
        index = [block.__enter__() if block else "0" for block in opened]
        yield index
        for block in reversed(opened):
            if block:
                block.__exit__()


class _Block:
    def __init__(self, source: Source, head: str, name: str = "") -> None:
        self._source = source
        self._head = head
        self._name = name

    def __enter__(self) -> str:
        self._source.line(f"{self._head} {{")
        self._source._depth += 1
        return self._name

    def __exit__(self, *error: object) -> None:
        self._source._depth -= 1
        self._source.line("}")


class Memory:
    """Places of intermediate results: one array a C type, shared by those that do not overlap."""

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self._live: dict[str, list[tuple[int, int, int]]] = {}

    def take(self, ctype: str, size: int, now: int, until: int) -> int:
        """A place that is free from the step ``now`` to the step ``until``."""
        live = [item for item in self._live.get(ctype, []) if item[2] >= now]
        place = 0
        for start, stop, _ in sorted(live):
            if start - place >= size:
                break
            place = max(place, stop)
        self._live[ctype] = [*live, (place, place + size, until)]
        self.sizes[ctype] = max(self.sizes.get(ctype, 0), place + size)
        return place


def number(dim: Any, extents: dict[str, int]) -> int:
    """A dimension for one row.

    Raises:
        NotImplementedError: for a length that only the data know.
    """
    if isinstance(dim, int):
        return dim

    def value(node: ast.AST) -> int:
        if isinstance(node, ast.BinOp):
            left, right = value(node.left), value(node.right)
            kinds = {ast.Add: left + right, ast.Sub: left - right, ast.Mult: left * right}
            if type(node.op) in kinds:
                return kinds[type(node.op)]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -value(node.operand)
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return node.value
        if isinstance(node, ast.Name) and node.id in extents:
            return extents[node.id]
        raise NotImplementedError(
            f"[to_c] the length {dim} is known only at run time, and a header is for inputs of "
            "known sizes: give to_c() a length"
        )

    return value(ast.parse(str(dim), mode="eval").body)


def literal(x: Any, dtype: str) -> str:
    """A number as C writes it."""
    if dtype == "float32":
        if np.isnan(x):
            return "NAN"
        if np.isinf(x):
            return "INFINITY" if x > 0 else "-INFINITY"
        text = f"{float(np.float32(x)):.9g}"
        return f"{text}f" if re.search(r"[.e]", text) else f"{text}.0f"
    if dtype == "float64":
        if np.isnan(x):
            return "NAN"
        if np.isinf(x):
            return "INFINITY" if x > 0 else "-INFINITY"
        text = f"{float(x):.17g}"
        return text if re.search(r"[.e]", text) else f"{text}.0"
    return str(int(x))


def numbers(array: NDArray[Any]) -> str:
    """The numbers of an array, some on each line."""
    found = [literal(x, str(array.dtype)) for x in array.ravel()] or ["0"]
    lines = (found[i : i + _NUMBERS_A_LINE] for i in range(0, len(found), _NUMBERS_A_LINE))
    return ",\n".join("  " + ", ".join(line) for line in lines)
