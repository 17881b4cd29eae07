"""Networks: neurons with their weights, and layers as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from fastnn._svg._frame import COLORS, DARK, drawing, text

_MOST_SHOWN = 14
_ROW = 20.0
_COLUMN = 150.0


def neurons(
    units: Sequence[int],
    kernels: Sequence[Any] | None = None,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
    titles: Sequence[str] | None = None,
) -> str:
    """A network of dense layers: a circle a neuron, a line a weight.

    Of wide layers the first and last neurons are drawn.

    Args:
        units: of the input and each layer.
        kernels: the weights between them, (inputs, units): lines are as thick as they are large,
            blue above 0, orange below; default: thin lines.
        inputs: names of the inputs.
        outputs: names of the outputs.
        titles: below each layer; default: the number of units.

    Returns:
        An SVG image.

    Example:
        >>> neurons([2, 3, 1]).count("<circle")
        6
    """
    shown = [_shown(count) for count in units]
    rows = [len(chosen) + (len(chosen) < count) for chosen, count in zip(shown, units, strict=True)]
    left = 24 + 6.2 * max([len(_short(name)) for name in inputs or [""]])
    right = 24 + 6.2 * max([len(_short(name)) for name in outputs or [""]])
    tallest = max(rows)
    height = _ROW * (tallest + 1) + 44
    width = left + _COLUMN * (len(units) - 1) + right
    places = []
    for layer, chosen in enumerate(shown):
        top = 20 + (tallest - rows[layer]) * _ROW / 2
        # A wide layer leaves a row free for the dots that stand for the rest.
        after = len(chosen) // 2 if rows[layer] > len(chosen) else len(chosen)
        x = left + _COLUMN * layer
        places.append({unit: (x, top + _ROW * (i + (i >= after))) for i, unit in enumerate(chosen)})
    items = _weights(places, kernels)
    for layer, found in enumerate(places):
        for unit, (x, y) in found.items():
            items.append(
                f"<circle cx='{x:.1f}' cy='{y:.1f}' r='6.5' fill='white' stroke='{DARK}'/>"
            )
            if layer == 0 and inputs is not None:
                items.append(text(x - 11, y + 4, _short(inputs[unit]), "end", 11))
            if layer == len(units) - 1 and outputs is not None:
                items.append(text(x + 11, y + 4, _short(outputs[unit]), "start", 11))
        if len(found) < units[layer]:
            ys = [y for _, y in found.values()]
            gap = (ys[len(ys) // 2 - 1] + ys[len(ys) // 2]) / 2
            items.append(text(left + _COLUMN * layer, gap + 5, "⋮", size=15))
        title = str(units[layer]) if titles is None else titles[layer]
        items.append(text(left + _COLUMN * layer, height - 10, title, size=11))
    return drawing(width, height, items)


def _shown(count: int) -> list[int]:
    if count <= _MOST_SHOWN:
        return list(range(count))
    half = _MOST_SHOWN // 2
    return [*range(half), *range(count - half, count)]


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _weights(places: list[dict[int, tuple[float, float]]], kernels: Any) -> list[str]:
    items = []
    for layer in range(len(places) - 1):
        kernel = None if kernels is None else np.asarray(kernels[layer], float)
        largest = 1.0 if kernel is None else float(np.abs(kernel).max()) or 1.0
        for i, (x1, y1) in places[layer].items():
            for j, (x2, y2) in places[layer + 1].items():
                value = 0.15 * largest if kernel is None else float(kernel[i, j])
                share = abs(value) / largest
                color = COLORS[0] if value >= 0 else COLORS[1]
                thick, dense = 0.3 + 2.2 * share, 0.25 + 0.6 * share
                items.append(
                    f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' "
                    f"stroke='{'#b0b4bb' if kernel is None else color}' "
                    f"stroke-width='{thick:.2f}' stroke-opacity='{dense:.2f}'/>"
                )
    return items


@dataclass
class Box:
    """A layer in a drawing.

    Attributes:
        title: its name and class.
        lines: what is said of it.
        sources: the numbers of the boxes that feed it.
    """

    title: str
    lines: list[str]
    sources: list[int]


def layers(boxes: Sequence[Box]) -> str:
    """A model's layers as boxes with arrows between them, in order of computation from the top.

    Args:
        boxes: each after those that feed it.

    Returns:
        An SVG image.
    """
    level: list[int] = []
    for box in boxes:
        level.append(1 + max((level[i] for i in box.sources), default=-1))
    rows: dict[int, list[int]] = {}
    for i, depth in enumerate(level):
        rows.setdefault(depth, []).append(i)
    longest = max((len(line) for box in boxes for line in [box.title, *box.lines]), default=10)
    wide = max(150.0, 7.0 * longest + 20)
    tall = [30.0 + 16.0 * len(box.lines) for box in boxes]
    width = max(len(found) for found in rows.values()) * (wide + 40) + 20 if rows else 200
    tops: dict[int, float] = {}
    lefts: dict[int, float] = {}
    y = 16.0
    for depth in sorted(rows):
        found = rows[depth]
        start = (width - len(found) * (wide + 40) + 40) / 2
        for place, i in enumerate(found):
            tops[i], lefts[i] = y, start + place * (wide + 40)
        y += max(tall[i] for i in found) + 34
    items = [
        "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' "
        f"markerHeight='8' orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{DARK}'/></marker></defs>"
    ]
    for i, box in enumerate(boxes):
        for source in box.sources:
            x1, y1 = lefts[source] + wide / 2, tops[source] + tall[source]
            x2, y2 = lefts[i] + wide / 2, tops[i]
            bend = (y1 + y2) / 2 if level[i] == level[source] + 1 else y1 + 17
            side = x1 if level[i] == level[source] + 1 else lefts[source] + wide + 20
            path = (
                f"M{x1:.1f},{y1:.1f} C{side:.1f},{bend:.1f} {x2:.1f},{bend:.1f} {x2:.1f},{y2:.1f}"
            )
            items.append(f"<path d='{path}' fill='none' stroke='{DARK}' marker-end='url(#tip)'/>")
    for i, box in enumerate(boxes):
        items.append(
            f"<rect x='{lefts[i]:.1f}' y='{tops[i]:.1f}' width='{wide:.1f}' "
            f"height='{tall[i]:.1f}' rx='5' fill='#eef4fa' stroke='{COLORS[0]}'>"
            f"<title>{escape(box.title)}</title></rect>"
        )
        middle = lefts[i] + wide / 2
        items.append(text(middle, tops[i] + 20, box.title, extra="font-weight='600'"))
        for n, line in enumerate(box.lines):
            items.append(text(middle, tops[i] + 37 + 16 * n, line, size=11))
    return drawing(width, y, items)
