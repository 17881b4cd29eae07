"""The table of a model's layers."""

from __future__ import annotations

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
) -> None:
    """Prints the table; see :meth:`Model.summary`."""
    titles = ["Layer (type)", "Output Shape", "Param #"]
    if show_trainable:
        titles.append("Trainable")
    rows = [
        _row(layer, depth, show_trainable) for layer, depth in _walk(model.layers, expand_nested, 0)
    ]
    length = line_length or 80
    widths = _widths(titles, rows, length)
    text = "\n".join([f'Model: "{model.name}"', *_table(titles, rows, widths), *_totals(model), ""])
    (print_fn or print)(text)


def _walk(layers: Sequence[Layer], expand: bool, depth: int) -> list[tuple[Layer, int]]:
    found: list[tuple[Layer, int]] = []
    for layer in layers:
        found.append((layer, depth))
        inner = getattr(layer, "layers", None)
        if expand and inner:
            found += _walk(inner, expand, depth + 1)
    return found


def _row(layer: Layer, depth: int, show_trainable: bool) -> list[str]:
    name = f"{'    ' * depth}{layer.name} ({type(layer).__name__})"
    shape = "?" if layer._output_shape is None else _shape_text(layer._output_shape)
    if layer.built:
        params = f"{layer.count_params():,}"
    else:
        params = "0 (unbuilt)"
    row = [name, shape, params]
    return [*row, "Y" if layer.trainable else "N"] if show_trainable else row


def _shape_text(shape: Any) -> str:
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{k}: {_shape_text(v)}" for k, v in shape.items()) + "}"
    if isinstance(shape, list) or (shape and isinstance(shape[0], tuple)):
        return ", ".join(_shape_text(item) for item in shape)
    return str(tuple(shape))


def _widths(titles: list[str], rows: list[list[str]], length: int) -> list[int]:
    """Columns as wide as they need to be, stretched to the line's length."""
    widths = [max([len(title), *(len(row[i]) for row in rows)]) for i, title in enumerate(titles)]
    spare = length - sum(widths) - 3 * len(widths) - 1
    for i in range(max(spare, 0)):
        widths[i % len(widths)] += 1
    return widths


def _table(titles: list[str], rows: list[list[str]], widths: list[int]) -> list[str]:
    def line(left: str, fill: str, middle: str, right: str) -> str:
        return left + middle.join(fill * (width + 2) for width in widths) + right

    def cells(values: list[str], bar: str) -> str:
        padded = [
            value.rjust(width) if i == 2 else value.ljust(width)
            for i, (value, width) in enumerate(zip(values, widths, strict=True))
        ]
        return f"{bar} " + f" {bar} ".join(padded) + f" {bar}"

    text = [line("┏", "━", "┳", "┓"), cells(titles, "┃"), line("┡", "━", "╇", "┩")]
    for number, row in enumerate(rows):
        if number:
            text.append(line("├", "─", "┼", "┤"))
        text.append(cells(row, "│"))
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
