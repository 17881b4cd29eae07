"""Curves, bars, counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from fastnn._svg._frame import COLORS, GRAY, Frame, drawing, number, text

_MOST_POINTS = 2000


@dataclass
class Series:
    """Points of one name.

    Attributes:
        label: in the legend; "" for none.
        x: horizontal places.
        y: vertical places; those that are not finite are left out.
        kind: "line", "points" or "dashes".
    """

    label: str
    x: Any
    y: Any
    kind: str = "line"


def curves(
    series: Sequence[Series],
    title: str,
    xlabel: str,
    ylabel: str,
    x: tuple[float, float] | None = None,
    y: tuple[float, float] | None = None,
    whole: bool = False,
) -> str:
    """A chart of lines and points.

    Args:
        series: what is drawn, each in a colour of its own but for dashes, which are gray.
        title: above it.
        xlabel: below it.
        ylabel: beside it.
        x: the ends of the horizontal axis; default: those of the points.
        y: the ends of the vertical axis; default: those of the points, with a margin.
        whole: whether the horizontal axis has whole numbers only.

    Returns:
        An SVG image.

    Example:
        >>> curves([Series("loss", [1, 2], [0.5, 0.25])], "loss", "epoch", "")[:4]
        '<svg'
    """
    points = [_finite(item) for item in series]
    frame = Frame(x or _ends([p[0] for p in points], 0.0), y or _ends([p[1] for p in points], 0.04))
    frame.axes(title, xlabel, ylabel, whole)
    colors = iter(COLORS * (1 + len(series) // len(COLORS)))
    legend = []
    for item, (xs, ys) in zip(series, points, strict=True):
        color = GRAY if item.kind == "dashes" else next(colors)
        frame.items.append(_marks(frame, item.kind, xs, ys, color))
        if item.label:
            legend.append((item.label, color))
    if len(legend) > 1:
        frame.items += _legend(frame, legend, points)
    return frame.svg()


def _finite(item: Series) -> tuple[Any, Any]:
    xs, ys = np.asarray(item.x, float), np.asarray(item.y, float)
    good = np.isfinite(xs) & np.isfinite(ys)
    xs, ys = xs[good], ys[good]
    if len(xs) > _MOST_POINTS:  # more cannot be told apart
        kept = np.linspace(0, len(xs) - 1, _MOST_POINTS).astype(int)
        xs, ys = xs[kept], ys[kept]
    return xs, ys


def _ends(arrays: list[Any], margin: float) -> tuple[float, float]:
    values = np.concatenate([*arrays, np.zeros(0)])
    if len(values) == 0:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 0.5, high + 0.5
    return low - margin * (high - low), high + margin * (high - low)


def _marks(frame: Frame, kind: str, xs: Any, ys: Any, color: str) -> str:
    places = [(frame.px(x), frame.py(y)) for x, y in zip(xs, ys, strict=True)]
    if kind == "points" or len(places) == 1:
        return "".join(
            f"<circle cx='{x:.1f}' cy='{y:.1f}' r='2.5' fill='{color}' fill-opacity='0.6'/>"
            for x, y in places
        )
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dashes = "stroke-dasharray='4 4'" if kind == "dashes" else ""
    return f"<polyline points='{path}' fill='none' stroke='{color}' stroke-width='1.8' {dashes}/>"


def _legend(frame: Frame, entries: list[tuple[str, str]], points: list[Any]) -> list[str]:
    """Names beside their colours, in the corner that the curves use least."""
    width = 30 + 6.6 * max(len(label) for label, _ in entries)
    height = 16.0 * len(entries) + 6
    lefts = (frame.width - frame.right - width - 4, frame.left + 4)
    tops = (frame.top + 4, frame.height - frame.bottom - height - 4)
    places = [place for xs, ys in points for place in _along(frame, xs, ys)]

    def covered(corner: tuple[float, float]) -> int:
        x, y = corner
        return sum(x <= px <= x + width and y <= py <= y + height for px, py in places)

    left, top = min(((x, y) for y in tops for x in lefts), key=covered)
    items = [
        f"<rect x='{left:.1f}' y='{top:.1f}' width='{width:.1f}' height='{height:.1f}' "
        "fill='white' fill-opacity='0.8'/>"
    ]
    for i, (label, color) in enumerate(entries):
        y = top + 14 + 16 * i
        items.append(
            f"<line x1='{left + 4:.1f}' y1='{y - 4:.1f}' x2='{left + 20:.1f}' y2='{y - 4:.1f}' "
            f"stroke='{color}' stroke-width='2.5'/>"
        )
        items.append(text(left + 25, y, label, "start", 11))
    return items


def _along(frame: Frame, xs: Any, ys: Any) -> list[tuple[float, float]]:
    """Pixels of a curve's points and of some between them."""
    if len(xs) == 0:
        return []
    at = np.linspace(0, len(xs) - 1, max(len(xs), 200))
    number = np.arange(len(xs))
    pairs = zip(np.interp(at, number, xs), np.interp(at, number, ys), strict=True)
    return [(frame.px(x), frame.py(y)) for x, y in pairs]


def bars(labels: Sequence[str], values: Any, title: str, xlabel: str, spread: Any = None) -> str:
    """Horizontal bars, the first on top.

    Args:
        labels: of the bars.
        values: their lengths.
        title: above them.
        xlabel: below them.
        spread: half the length of a line at each bar's end; default none.

    Returns:
        An SVG image.
    """
    values = np.asarray(values, float)
    spread = np.zeros(len(values)) if spread is None else np.asarray(spread, float)
    shown = [label if len(label) <= 28 else label[:27] + "…" for label in labels]
    left = 16 + 6.6 * max([len(label) for label in shown], default=1)
    ends = _ends([np.append(values + spread, 0.0), values - spread], 0.02)
    frame = Frame(
        ends, (0.0, 1.0), left=left, right=34, width=left + 350, height=80 + 22 * len(values)
    )
    zero = frame.px(0.0)
    frame.items.append(text(frame.width / 2, 18, title, size=14, extra="font-weight='600'"))
    for i, (label, value, half) in enumerate(zip(shown, values, spread, strict=True)):
        y = frame.top + 6 + 22 * i
        start, end = sorted((zero, frame.px(value)))
        frame.items += [
            text(left - 6, y + 12, label, "end", 11),
            f"<rect x='{start:.1f}' y='{y:.1f}' width='{max(end - start, 0.5):.1f}' height='15' "
            f"fill='{COLORS[0]}'><title>{escape(label)}: {number(float(value))}</title></rect>",
            f"<line x1='{frame.px(value - half):.1f}' x2='{frame.px(value + half):.1f}' "
            f"y1='{y + 7.5:.1f}' y2='{y + 7.5:.1f}' stroke='{GRAY}' stroke-width='2'/>",
        ]
    for edge in (0.0, ends[1]):
        frame.items.append(text(frame.px(edge), frame.height - 28, f"{edge:.3g}", size=11))
    frame.items.append(text(frame.px((ends[0] + ends[1]) / 2), frame.height - 8, xlabel))
    return frame.svg()


def counts(matrix: Any, names: Sequence[str], title: str, rows: str, columns: str) -> str:
    """A square table of counts, each cell as dark as its share of its row.

    Args:
        matrix: whole numbers, shape (n, n).
        names: of rows and columns alike.
        title: above it.
        rows: what the rows are.
        columns: what the columns are.

    Returns:
        An SVG image.
    """
    matrix = np.asarray(matrix)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    shown = [name if len(name) <= 14 else name[:13] + "…" for name in names]
    side = 64 if len(names) <= 6 else max(360 / len(names), 16)
    left = 34 + 6.6 * max(map(len, shown))
    items = [text(left + side * len(names) / 2, 18, title, size=14, extra="font-weight='600'")]
    items.append(text(left + side * len(names) / 2, 38, columns))
    middle = 62 + side * len(names) / 2
    items.append(text(14, middle, rows, extra=f"transform='rotate(-90 14 {middle:.1f})'"))
    size = 12 if side >= 40 else 9
    for i, name in enumerate(shown):
        items.append(text(left - 6, 62 + side * (i + 0.5) + 4, name, "end", size))
        items.append(text(left + side * (i + 0.5), 56, name, size=size))
        for j in range(len(names)):
            share = float(shares[i, j])
            x, y = left + side * j, 62 + side * i
            label = f"{names[i]}, {names[j]}: {matrix[i, j]}"
            items.append(
                f"<rect x='{x:.1f}' y='{y:.1f}' width='{side - 1:.1f}' height='{side - 1:.1f}' "
                f"fill='{_shade(share)}'><title>{escape(label)}</title></rect>"
            )
            if side >= 24:
                color = "style='fill:white'" if share > 0.55 else ""
                place = (x + side / 2, y + side / 2 + 4)
                items.append(text(*place, str(matrix[i, j]), size=size, extra=color))
    return drawing(max(left + side * len(names) + 14, 260), 76 + side * len(names), items)


def _shade(share: float) -> str:
    """From white to blue."""
    mixed = [round(255 + (end - 255) * share) for end in (0, 114, 178)]
    return "#" + "".join(f"{value:02x}" for value in mixed)
