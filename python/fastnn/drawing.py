"""Drawings of a computational graph, with the value and the gradient at each node.

Text for a terminal, DOT for graphviz, and images where graphviz is installed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._figure import graphviz
from ._tensor import Array, Tensor
from .graph import function, grad

INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "floor_divide": "//",
    "mod": "%", "power": "**", "matmul": "@", "equal": "==", "not_equal": "!=", "less": "<",
    "less_equal": "<=", "greater": ">", "greater_equal": ">=",
}  # fmt: skip
# What a reader does not miss in a formula.
UNSAID = {
    "body", "carried", "dtype", "seed", "sequences", "shape", "stream", "trip", "value", "variable",
}  # fmt: skip
DEEPEST_TREE = 14
ELEMENTS_SHOWN = 4


def draw(
    outputs: Tensor | Sequence[Tensor],
    values: Mapping[Tensor, npt.ArrayLike] | None = None,
    cost: Tensor | None = None,
) -> Drawing:
    """Draws the graph that computes tensors, from the inputs on.

    Named nodes (``p.name = "p"``) are shown by their name, others by a number.

    Args:
        outputs: a tensor or several: what they are computed from is drawn.
        values: what the placeholders are; then each node shows its value. ``{}`` where there are
            only variables.
        cost: then each node also shows the gradient of this scalar with respect to it. By default
            the output itself, where it is one floating scalar.

    Returns:
        A drawing: print it, or ``save`` it as .txt, .dot, .svg, .png or .pdf.

    Raises:
        TypeError: if an output is no tensor.
        ValueError: if a value has the wrong shape, or a placeholder has none.

    Example:
        >>> import fastnn
        >>> x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
        >>> p = x + y
        >>> g = p * z
        >>> p.name, g.name = "p", "g"
        >>> print(fastnn.draw(g, {x: 1, y: 3, z: -3}))
        node          type        value  dg/dnode
        g = p * z     float32 ()  -12    1
        ├─ p = x + y  float32 ()  4      -3
        │  ├─ x       float32 ()  1      -3
        │  └─ y       float32 ()  3      -3
        └─ z          float32 ()  -3     4
    """
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    for t in roots:
        if not isinstance(t, Tensor):
            raise TypeError(f"[draw] expected tensors, got {type(t).__name__}")
    drawing = Drawing([t._value for t in roots], _nodes(roots))
    if values is None:
        if cost is not None:
            raise ValueError("[draw] gradients need values for the placeholders, got none")
        return drawing
    if cost is None and len(roots) == 1 and _is_scalar_cost(roots[0]):
        cost = roots[0]
    _compute(drawing, values, cost)
    return drawing


@dataclass
class Node:
    """One node of a drawing."""

    value: _core.Value
    label: str
    formula: str
    result: Array | None = None
    gradient: Array | None = None

    @property
    def title(self) -> str:
        """'p = x + y', or the label alone where there is nothing to compute."""
        return f"{self.label} = {self.formula}" if self.formula else self.label

    @property
    def type(self) -> str:
        """Dtype and shape: that of the result where there is one."""
        shape = self.value.dims if self.result is None else self.result.shape
        dims = [str(d) for d in shape]
        return f"{self.value.dtype} ({', '.join(dims)}{',' if len(dims) == 1 else ''})"


@dataclass
class Drawing:
    """A drawn graph; made by :func:`fastnn.draw`."""

    roots: list[_core.Value]
    nodes: dict[_core.Value, Node]
    gradient_name: str = field(default="gradient")

    def __str__(self) -> str:
        """As text: a tree below each output, or a list in order of computation if it is deep."""
        rows = self._tree_rows() if self._depth() <= DEEPEST_TREE else self._list_rows()
        columns = ["node", "type"]
        if any(n.result is not None for n in self.nodes.values()):
            columns.append("value")
        if any(n.gradient is not None for n in self.nodes.values()):
            columns.append(self.gradient_name)
        table = [columns] + [row[: len(columns)] for row in rows]
        widths = [max(len(row[i]) for row in table if i < len(row)) for i in range(len(columns))]
        return "\n".join(
            "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=False)).rstrip()
            for row in table
        )

    def __repr__(self) -> str:
        return str(self)

    @property
    def dot(self) -> str:
        """The graph in graphviz's language."""
        lines = ["digraph {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
        names = {value: f"n{i}" for i, value in enumerate(self.nodes)}
        for value, node in self.nodes.items():
            shape = {"placeholder": "box", "variable": "cylinder"}.get(value.op, "ellipse")
            label = "\\n".join(_escaped(text) for text in self._lines(node))
            lines.append(f'  {names[value]} [shape={shape}, label="{label}"];')
        for value in self.nodes:
            lines += [f"  {names[i]} -> {names[value]};" for i in value.inputs if i in names]
        return "\n".join([*lines, "}"]) + "\n"

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the drawing; the ending of the name says how: .txt, .dot, or an image.

        Images (.svg, .png, .pdf and what else graphviz knows) need its program ``dot``.

        Raises:
            RuntimeError: if an image is wanted and graphviz is not installed, or fails.
            ValueError: if the name has no ending.
        """
        path = Path(path)
        kind = path.suffix.lstrip(".").lower()
        if not kind:
            raise ValueError(f"[draw] expected a name such as graph.svg, got {path.name!r}")
        if kind == "txt":
            path.write_text(f"{self}\n", encoding="utf-8")
        elif kind in ("dot", "gv"):
            path.write_text(self.dot, encoding="utf-8")
        else:
            path.write_bytes(graphviz(self.dot, kind, "draw"))

    def _lines(self, node: Node) -> list[str]:
        lines = [node.title, node.type]
        if node.result is not None:
            lines.append(f"value {_numbers(node.result)}")
        if node.gradient is not None:
            lines.append(f"{self.gradient_name} {_numbers(node.gradient)}")
        return lines

    def _row(self, prefix: str, node: Node) -> list[str]:
        given = (node.result, node.gradient)
        return [prefix + node.title, node.type, *("" if v is None else _numbers(v) for v in given)]

    def _list_rows(self) -> list[list[str]]:
        return [self._row("", node) for node in self.nodes.values()]

    def _tree_rows(self) -> list[list[str]]:
        rows: list[list[str]] = []
        shown: set[_core.Value] = set()

        def visit(value: _core.Value, prefix: str, below: str) -> None:
            node = self.nodes[value]
            if value in shown:
                rows.append([prefix + node.label + (" (above)" if node.formula else "")])
                return
            shown.add(value)
            rows.append(self._row(prefix, node))
            inputs = self._inputs(value)
            for i, x in enumerate(inputs):
                last = i == len(inputs) - 1
                visit(x, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))

        for root in self.roots:
            if root not in shown:
                visit(root, "", "")
        return rows

    def _inputs(self, value: _core.Value) -> list[_core.Value]:
        """The drawn inputs, each once."""
        return [i for i in dict.fromkeys(value.inputs) if i in self.nodes]

    def _depth(self) -> int:
        depth: dict[_core.Value, int] = {}
        for value in self.nodes:  # inputs come first
            depth[value] = 1 + max((depth[i] for i in self._inputs(value)), default=0)
        return max(depth.values(), default=0)


def _nodes(roots: Iterable[Tensor]) -> dict[_core.Value, Node]:
    """Nodes in order of computation; scalar constants stand in formulas only."""
    outputs = [t._value for t in roots]
    order = _core.topological_order(outputs)
    used = {i for v in order for i in v.inputs} | set(outputs)
    nodes: dict[_core.Value, Node] = {}
    texts: dict[_core.Value, str] = {}
    for value in order:
        if value not in used:
            continue
        if value.op == "full" and value.ndim == 0 and value not in outputs:
            texts[value] = value.attr("value")
            continue
        label = value.name or (value.attr("variable") if value.op == "variable" else "")
        texts[value] = label = label or f"#{len(nodes) + 1}"
        nodes[value] = Node(value, label, _formula(value, [texts[i] for i in value.inputs]))
    return nodes


def _formula(value: _core.Value, inputs: list[str]) -> str:
    if value.op in ("placeholder", "variable"):
        return ""
    attrs = value.attrs()
    if value.op == "matmul":
        turned = (attrs["transpose_a"] == "True", attrs["transpose_b"] == "True")
        inputs = [f"{x}.T" if t else x for x, t in zip(inputs, turned, strict=True)]
    if value.op in INFIX and len(inputs) == 2:
        return f"{inputs[0]} {INFIX[value.op]} {inputs[1]}"
    if value.op == "negative":
        return f"-{inputs[0]}"
    said = [f"{k}={v}" for k, v in attrs.items() if k not in UNSAID and v != "False"]
    return f"{value.op}({', '.join(inputs + said)})"


def _is_scalar_cost(tensor: Tensor) -> bool:
    return tensor.ndim == 0 and tensor.dtype.startswith("float")


def _compute(drawing: Drawing, values: Mapping[Tensor, npt.ArrayLike], cost: Tensor | None) -> None:
    nodes = list(drawing.nodes.values())
    wanted = [Tensor(n.value) for n in nodes]
    inner: list[Node] = []
    if cost is not None:
        inner = [n for n in nodes if n.value.dtype.startswith("float")]
        wanted += grad(cost, [Tensor(n.value) for n in inner])
        if cost.name:
            drawing.gradient_name = f"d{cost.name}/dnode"
    results = function(list(values), wanted)(*values.values())
    for node, result in zip(nodes, results, strict=False):
        node.result = result
    for node, result in zip(inner, results[len(nodes) :], strict=True):
        node.gradient = result


def _numbers(a: Array) -> str:
    """A number, a few, or the range of many."""
    if a.ndim == 0:
        return _number(a[()])
    if a.size <= ELEMENTS_SHOWN:
        return str(_nested(a))
    if a.dtype == np.bool_:
        return f"{int(a.sum())} of {a.size} true"
    bad = int(a.size - np.isfinite(a).sum())
    if bad:
        return f"{bad} of {a.size} not finite"
    low, high = a.min(), a.max()
    return f"all {_number(low)}" if low == high else f"{_number(low)} to {_number(high)}"


def _number(x: Any) -> str:
    return str(bool(x)) if isinstance(x, np.bool_) else f"{x:.6g}"


def _nested(a: Array) -> str:
    if a.ndim == 0:
        return _number(a[()])
    return "[" + ", ".join(_nested(part) for part in a) + "]"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
