"""Drawings of a training, by matplotlib (``pip install 'fastnn[plot]'``)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ._figure import figure_class


def plot_history(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str] | None = None
) -> Any:
    """Draws a curve of each quantity of a training over its epochs.

    The loss and each metric have a panel of their own, with the validation's curve beside the
    training's.

    Args:
        history: ``model.fit(...).history``: lists of one value an epoch.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: the history is empty, or the suffix is none that matplotlib writes.
    """
    figure_type = figure_class()
    names = [name for name in history if not name.startswith("val_")]
    if not names:
        raise ValueError("plot_history expected a history of at least one quantity, got none")
    figure = figure_type(figsize=(4.8 * len(names), 3.6), layout="constrained")
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                axes.plot(range(1, len(history[key]) + 1), history[key], label=label)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        if f"val_{name}" in history:
            axes.legend()
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure
