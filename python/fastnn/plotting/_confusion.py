"""What was taken for what."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastnn._figure import figure_class, saved
from fastnn.preprocessing import confusion_matrix


def plot_confusion_matrix(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    names: Sequence[str] | None = None,
    normalize: bool = False,
    path: str | os.PathLike[str] | None = None,
) -> Any:
    """Draws how many rows of each class were taken for each.

    Args:
        y_true: the true classes, shape (rows,) or (rows, 1).
        y_pred: the predicted classes, likewise; or probabilities, shape (rows, classes), whose
            highest counts.
        names: of the classes, in their order; default: the classes themselves.
        normalize: shares of a true class in place of counts; default False.
        path: a file to write, whose suffix tells the format (.png, .svg, .pdf); None writes none.

    Returns:
        The matplotlib Figure.

    Raises:
        ImportError: matplotlib is not installed.
        ValueError: for lengths or names that do not fit.
    """
    figure_type = figure_class()
    true, predicted = np.asarray(y_true).reshape(-1), np.asarray(y_pred)
    if predicted.ndim == 2 and predicted.shape[1] > 1:
        classes = np.arange(predicted.shape[1])
        predicted = predicted.argmax(axis=1)
    else:
        predicted = predicted.reshape(-1)
        classes = np.unique(np.concatenate([true, predicted]))
    labels = [str(c) for c in classes] if names is None else list(names)
    if len(labels) != len(classes):
        raise ValueError(f"expected a name for each of {len(classes)} classes, got {len(labels)}")
    matrix = confusion_matrix(true, predicted, labels=classes)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = 1.6 + 0.65 * len(labels)
    figure = figure_type(figsize=(size, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(labels)), labels, rotation=45 if len(labels) > 6 else 0)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="predicted", ylabel="true")
    for (i, j), share in np.ndenumerate(shares):
        text = f"{share:.2f}" if normalize else str(matrix[i, j])
        axes.text(j, i, text, ha="center", va="center", color="white" if share > 0.55 else "black")
    return saved(figure, path)
