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
    level = _levels(boxes)
    longest = max((len(line) for box in boxes for line in [box.title, *box.lines]), default=10)
    wide = max(150.0, 7.0 * longest + 20)
    lefts, row_tops, width = _placed(boxes, level, wide)
    tops = [row_tops[depth] for depth in level]
    items = [
        "<defs><marker id='tip' viewBox='0 0 8 8' refX='7' refY='4' markerWidth='8' "
        f"markerHeight='8' orient='auto'><path d='M0,0 L8,4 L0,8 z' fill='{DARK}'/></marker></defs>"
    ]
    lanes: list[list[tuple[int, int]]] = []
    for i, box in enumerate(boxes):
        for source in box.sources:
            if level[i] == level[source] + 1:
                below = tops[source] + _tall(boxes[source])
                path = _down(lefts[source], below, lefts[i], tops[i], wide)
            else:
                lane = width + 12.0 * _lane(lanes, level[source], level[i])
                start = (lefts[source] + wide / 2, tops[source] + _tall(boxes[source]))
                end = (lefts[i] + wide / 2, tops[i])
                path = _around(start, row_tops[level[source] + 1] - 22.0, lane, end)
            items.append(f"<path d='{path}' fill='none' stroke='{DARK}' marker-end='url(#tip)'/>")
    for box, left, top in zip(boxes, lefts, tops, strict=True):
        items += _box(box, left, top, wide)
    return drawing(width + 12.0 * len(lanes) + 4, row_tops[-1], items)


def _tall(box: Box) -> float:
    return 30.0 + 16.0 * len(box.lines)


def _levels(boxes: Sequence[Box]) -> list[int]:
    """How many boxes lie above each."""
    level: list[int] = []
    for box in boxes:
        level.append(1 + max((level[i] for i in box.sources), default=-1))
    return level


def _placed(
    boxes: Sequence[Box], level: list[int], wide: float
) -> tuple[list[float], list[float], float]:
    """The left edge of each box, the upper edge of each level and of what follows, the width."""
    rows: dict[int, list[int]] = {}
    for i, depth in enumerate(level):
        rows.setdefault(depth, []).append(i)
    width = max(len(found) for found in rows.values()) * (wide + 40) + 20
    lefts, row_tops = [0.0] * len(boxes), [16.0]
    for depth in sorted(rows):
        found = rows[depth]
        start = (width - len(found) * (wide + 40) + 40) / 2
        for place, i in enumerate(found):
            lefts[i] = start + place * (wide + 40)
        row_tops.append(row_tops[-1] + max(_tall(boxes[i]) for i in found) + 34)
    return lefts, row_tops, width


def _lane(lanes: list[list[tuple[int, int]]], first: int, last: int) -> int:
    """The nearest lane beside the boxes that is free between two levels."""
    for number, taken in enumerate(lanes):
        if all(last < start or end < first for start, end in taken):
            taken.append((first, last))
            return number
    lanes.append([(first, last)])
    return len(lanes) - 1


def _down(x1: float, y1: float, x2: float, y2: float, wide: float) -> str:
    """An arrow from a box to one on the next level."""
    x1, x2, bend = x1 + wide / 2, x2 + wide / 2, (y1 + y2) / 2
    return f"M{x1:.1f},{y1:.1f} C{x1:.1f},{bend:.1f} {x2:.1f},{bend:.1f} {x2:.1f},{y2:.1f}"


def _around(start: tuple[float, float], below: float, lane: float, end: tuple[float, float]) -> str:
    """An arrow from a box to one further below, by a lane beside those between them."""
    (x1, y1), (x2, y2) = start, end
    above = y2 - 16.0
    return (
        f"M{x1:.1f},{y1:.1f} L{x1:.1f},{below:.1f} L{lane - 6:.1f},{below:.1f} "
        f"Q{lane:.1f},{below:.1f} {lane:.1f},{below + 6:.1f} L{lane:.1f},{above - 6:.1f} "
        f"Q{lane:.1f},{above:.1f} {lane - 6:.1f},{above:.1f} L{x2:.1f},{above:.1f} "
        f"L{x2:.1f},{y2:.1f}"
    )


def _box(box: Box, left: float, top: float, wide: float) -> list[str]:
    middle = left + wide / 2
    items = [
        f"<rect x='{left:.1f}' y='{top:.1f}' width='{wide:.1f}' height='{_tall(box):.1f}' rx='5' "
        f"fill='#eef4fa' stroke='{COLORS[0]}'><title>{escape(box.title)}</title></rect>",
        text(middle, top + 20, box.title, extra="font-weight='600'"),
    ]
    for number, line in enumerate(box.lines):
        items.append(text(middle, top + 37 + 16 * number, line, size=11))
    return items
