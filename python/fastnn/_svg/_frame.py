"""The frame of a chart: its scales, ticks, grid and labels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape

FONT = "font-family='system-ui, sans-serif'"
GRAY, DARK = "#8a8f98", "#30343b"
# Told apart by people with any colour vision (Okabe and Ito, 2008).
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#b8a800")


def text(
    x: float, y: float, content: str, anchor: str = "middle", size: float = 12, extra: str = ""
) -> str:
    """A piece of text."""
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' text-anchor='{anchor}' font-size='{size}' "
        f"fill='{DARK}' {extra}>{escape(content)}</text>"
    )


def number(value: float) -> str:
    """A short spelling of a number."""
    if value == 0.0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        return f"{value:.6f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.6g}"
    return f"{value:.3g}"


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Round numbers between two."""
    span = high - low
    if not span > 0.0:
        return [low]
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [i * step for i in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass
class Frame:
    """The scales of a chart, and what is drawn in it.

    Attributes:
        x: the lowest and highest value of the horizontal axis.
        y: of the vertical one.
        width: of the drawing, in pixels.
        height: of the drawing.
        left: of the space for labels.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    width: float = 420
    height: float = 300
    left: float = 58
    right: float = 14
    top: float = 30
    bottom: float = 44
    items: list[str] = field(default_factory=list)

    def px(self, x: float) -> float:
        """Pixels of a value on the horizontal axis."""
        low, high = self.x
        share = (x - low) / (high - low) if high > low else 0.5
        return self.left + share * (self.width - self.left - self.right)

    def py(self, y: float) -> float:
        """Pixels of a value on the vertical axis."""
        low, high = self.y
        share = (y - low) / (high - low) if high > low else 0.5
        return self.height - self.bottom - share * (self.height - self.top - self.bottom)

    def axes(self, title: str, xlabel: str, ylabel: str, whole: bool = False) -> None:
        """Draws grid, ticks and labels.

        Args:
            title: above the chart.
            xlabel: below it.
            ylabel: beside it.
            whole: whether the horizontal axis has whole numbers only.
        """
        down, right = self.height - self.bottom, self.width - self.right
        for value in ticks(*self.x):
            if whole and not float(value).is_integer():
                continue
            x = self.px(value)
            self.items.append(_line(x, self.top, x, down))
            self.items.append(text(x, down + 16, number(value), size=11))
        for value in ticks(*self.y):
            y = self.py(value)
            self.items.append(_line(self.left, y, right, y))
            self.items.append(text(self.left - 6, y + 4, number(value), "end", 11))
        middle = (self.left + right) / 2
        self.items.append(text(middle, 18, title, size=14, extra="font-weight='600'"))
        self.items.append(text(middle, self.height - 8, xlabel))
        across = (self.top + down) / 2
        self.items.append(
            text(14, across, ylabel, extra=f"transform='rotate(-90 14 {across:.1f})'")
        )

    def svg(self) -> str:
        """The drawing."""
        return drawing(self.width, self.height, self.items)


def drawing(width: float, height: float, items: list[str]) -> str:
    """An SVG image of these items."""
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width:.0f}' height='{height:.0f}' "
        f"viewBox='0 0 {width:.0f} {height:.0f}' {FONT}>"
        f"<rect width='100%' height='100%' fill='white'/>{''.join(items)}</svg>"
    )


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f"<line x1='{x1:.1f}' y1='{y1:.1f}' x2='{x2:.1f}' y2='{y2:.1f}' stroke='#e4e6ea'/>"
