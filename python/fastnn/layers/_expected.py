"""What shapes a layer can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastnn.layers._arguments import format_shape


@dataclass
class Expected:
    """A condition on the shape of an input.

    Attributes:
        owner: the class that error messages name.
        axes: sizes by axis.
        least: the lowest rank.
        most: the highest rank, None for any.
    """

    owner: str
    axes: dict[int, int]
    least: int
    most: int | None

    def check(self, shape: Sequence[int | None]) -> None:
        """Raises ValueError, saying what was expected and what came."""
        rank = len(shape)
        good = rank >= self.least and (self.most is None or rank <= self.most)
        for axis, size in self.axes.items():
            good = good and -rank <= axis < rank and shape[axis] in (None, size)
        if not good:
            raise ValueError(
                f"[{self.owner}] expected input of shape {self}, got {format_shape(shape)}"
            )

    def __str__(self) -> str:
        rank = max(self.least, 2 if self.axes else 0)
        items = ["batch", *["any"] * (rank - 1)]
        for axis, size in self.axes.items():
            items[axis] = str(size)
        text = ", ".join(items) + ("," if len(items) == 1 else "")
        return f"({text})" if self.most is not None or self.axes else f"({text}, ...)"
