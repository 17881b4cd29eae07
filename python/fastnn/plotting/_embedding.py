"""Codes as points in the plane."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn._figure import figure_class, saved

_MOST_CLASSES = 20


def plot_embedding(
    codes: ArrayLike,
    labels: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draws codes, embeddings or activations as points.

    Args:
        codes: shape (rows, dimensions); of more than two dimensions the first two principal
            components are drawn.
        labels: a class or a number for each row, which gives its colour; default none.
        names: a word for each row, written beside its point; default none.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: for codes of another shape, or labels or names of another length.
    """
    figure_type = figure_class()
    points = np.asarray(codes, dtype=np.float64)
    if points.ndim != 2 or 0 in points.shape:
        raise ValueError(
            f"[plot_embedding] expected codes of shape (rows, dimensions), got {points.shape}"
        )
    classes = None if labels is None else np.asarray(labels).reshape(-1)
    for what, given in (("labels", classes), ("names", names)):
        if given is not None and len(given) != len(points):
            raise ValueError(
                f"[plot_embedding] expected {len(points)} {what}, one a row, got {len(given)}"
            )
    points, axis_names = _plane(points)
    figure = figure_type(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1])
    axes.grid(alpha=0.3)
    _scatter(figure, axes, points, classes)
    for name, (x, y) in zip(names or (), points, strict=False):
        axes.annotate(str(name), (x, y), (3, 3), textcoords="offset points", fontsize=8)
    return saved(figure, path)


def _plane(points: Any) -> tuple[Any, tuple[str, str]]:
    if points.shape[1] == 1:
        return np.column_stack([points, np.zeros(len(points))]), ("code 1", "")
    if points.shape[1] == 2:
        return points, ("code 1", "code 2")
    centred = points - points.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    shares = np.square(sizes) / (np.square(sizes).sum() or 1.0)
    first, second = (f"component {i + 1} ({shares[i]:.0%} of the variance)" for i in range(2))
    return centred @ directions[:2].T, (first, second)


def _scatter(figure: Any, axes: Any, points: Any, classes: Any) -> None:
    style = {"s": 12, "alpha": 0.8, "linewidths": 0}
    if classes is None:
        axes.scatter(*points.T, **style)
        return
    found = np.unique(classes)
    if classes.dtype.kind == "f" or len(found) > _MOST_CLASSES:
        if classes.dtype.kind not in "biuf":
            raise ValueError(
                f"[plot_embedding] expected at most {_MOST_CLASSES} classes, got {len(found)}"
            )
        figure.colorbar(axes.scatter(*points.T, c=classes, cmap="viridis", **style))
        return
    for number, value in enumerate(found):
        axes.scatter(
            *points[classes == value].T, color=f"C{number % 10}", label=str(value), **style
        )
    axes.legend(markerscale=2, fontsize=8)
