"""Curves of a training."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from fastnn._figure import history_figure


def plot_history(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str] | None = None
) -> Any:
    """Draws a curve of each quantity of a training over its epochs.

    The loss and each metric have a panel of their own, with the validation's curve beside the
    training's. ``model.fit(...).plot()`` is the same.

    Args:
        history: ``model.fit(...).history``: lists of one value an epoch.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the history is empty, or the suffix is none that matplotlib writes.
    """
    return history_figure(history, path)
