"""The table of a model's layers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fastnn.layers._base import Layer

if TYPE_CHECKING:
    from fastnn.models._model import Model

_ITEMSIZE = {"float32": 4, "float64": 8, "int32": 4, "int64": 8, "uint8": 1, "bool": 1}


def write_summary(
    model: Model,
    line_length: int | None = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Sequence[str] | None = None,
) -> None:
    """Prints the table; see :meth:`Model.summary`."""
    layers = _within(model.layers, layer_range)
    connections = _connections(model)
    titles = ["Layer (type)", "Output Shape", "Param #"]
    if connections is not None:
        titles.append("Connected to")
    if show_trainable:
        titles.append("Trainable")
    rows = []
    for layer, depth in _walk(layers, expand_nested, 0):
        row = _row(layer, depth)
        if connections is not None:
            feeding = connections.get(id(layer), []) if depth == 0 else []
            row.append(",\n".join(feeding) or "-")
        if show_trainable:
            row.append("-" if not layer.weights else "Y" if layer.trainable else "N")
        rows.append(row)
    length = line_length or 80
    widths = _widths(titles, rows, length)
    text = "\n".join([f'Model: "{model.name}"', *_table(titles, rows, widths), *_totals(model), ""])
    (print_fn or print)(text)


def _within(layers: Sequence[Layer], bounds: Sequence[str] | None) -> list[Layer]:
    """From the first layer that matches one bound to the last that matches the other."""
    if bounds is None:
        return list(layers)
    if len(bounds) != 2 or not all(isinstance(bound, str) for bound in bounds):
        raise ValueError(f"[summary] expected layer_range as two names, got {bounds!r}")
    first, last = ([i for i, x in enumerate(layers) if re.match(b, x.name)] for b in bounds)
    for bound, found in zip(bounds, (first, last), strict=True):
        if not found:
            raise ValueError(f"[summary] no layer's name matches {bound!r} of layer_range")
    if first[0] > last[-1]:
        raise ValueError(f"[summary] {bounds[0]!r} lies behind {bounds[1]!r}")
    return list(layers[first[0] : last[-1] + 1])


def _connections(model: Model) -> dict[int, list[str]] | None:
    """What feeds each layer; None where each is fed by the one before, and only once."""
    if model._graph is None or hasattr(model, "_stack"):
        return None
    found = model._graph.connections()
    layers = model._graph.layers
    chain = [[f"{layer.name}[0][0]"] for layer in layers[:-1]]
    return None if [found.get(id(layer), []) for layer in layers[1:]] == chain else found


def _walk(layers: Sequence[Layer], expand: bool, depth: int) -> list[tuple[Layer, int]]:
    found: list[tuple[Layer, int]] = []
    for layer in layers:
        found.append((layer, depth))
        inner = getattr(layer, "layers", None)
        if expand and inner:
            found += _walk(inner, expand, depth + 1)
    return found


def _row(layer: Layer, depth: int) -> list[str]:
    prefix = "   " * depth + "└ " if depth else ""
    shape = "?" if layer._output_shape is None else _shape_text(layer._output_shape)
    params = f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"
    return [f"{prefix}{layer.name} ({type(layer).__name__})", shape, params]


def _shape_text(shape: Any) -> str:
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{k}: {_shape_text(v)}" for k, v in shape.items()) + "}"
    if isinstance(shape, list) or (shape and isinstance(shape[0], tuple)):
        return ", ".join(_shape_text(item) for item in shape)
    return str(tuple(shape))


def _widths(titles: list[str], rows: list[list[str]], length: int) -> list[int]:
    """Columns as wide as they need to be, stretched to the line's length."""
    widths = [
        max([len(title), *(len(line) for row in rows for line in row[i].split("\n"))])
        for i, title in enumerate(titles)
    ]
    spare = length - sum(widths) - 3 * len(widths) - 1
    for i in range(max(spare, 0)):
        widths[i % len(widths)] += 1
    return widths


def _table(titles: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    def line(left: str, fill: str, middle: str, right: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    def cells(values: list[str], bar: str) -> list[str]:
        lines = itertools.zip_longest(*(value.split("\n") for value in values), fillvalue="")
        return [one_line(list(line), bar) for line in lines]

    def one_line(values: list[str], bar: str) -> str:
        padded = [
            value.rjust(width) if i == 2 else value.ljust(width)
            for i, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return f"{bar} " + f" {bar} ".join(padded) + f" {bar}"

    text = [line("┏", "━", "┳", "┓"), *cells(titles, "┃"), line("┡", "━", "╇", "┩")]
    for number, row in enumerate(rows):
        if number:
            text.append(line("├", "─", "┼", "┤"))
        text += cells(row, "│")
    text.append(line("└", "─", "┴", "┘"))
    return text


def _totals(model: Model) -> list[str]:
    built = model.optimizer is not None and model.optimizer.built
    optimizer = model.optimizer.variables if built else []
    trainable, frozen = model.trainable_weights, model.non_trainable_weights
    text = [
        f" Total params: {_amount([*trainable, *frozen, *optimizer])}",
        f" Trainable params: {_amount(trainable)}",
        f" Non-trainable params: {_amount(frozen)}",
    ]
    if optimizer:
        text.append(f" Optimizer params: {_amount(optimizer)}")
    text.append(f" CAP depth: {model.cap_depth}")
    return text


def _amount(variables: Sequence[Any]) -> str:
    count = sum(variable.size for variable in variables)
    size = float(sum(v.size * _ITEMSIZE.get(v.dtype, 4) for v in variables))
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{count:,} ({size:.2f} {unit})"
