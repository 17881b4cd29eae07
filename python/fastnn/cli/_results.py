"""Figures of predictions, as both ``train`` and ``evaluate`` print them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.cli import _metrics
from fastnn.preprocessing import confusion_matrix
from fastnn.preprocessing._target import TargetPlan

Array = NDArray[Any]
_MOST_SHOWN = 12


@dataclass
class Results:
    """Predictions beside what was true.

    Attributes:
        target: the plan of the target.
        true: class numbers, or a regression's numbers, shape (rows,).
        outputs: of the network.
    """

    target: TargetPlan
    true: Array
    outputs: Array

    @property
    def predicted(self) -> Array:
        """Probabilities (rows, classes), or numbers (rows,)."""
        if self.target.task == "regression":
            return self.target.unscaled(self.outputs)
        return self.target.probabilities(self.outputs)

    @property
    def figures(self) -> dict[str, float]:
        """Metrics by name, the one that matters most first."""
        kind = "regression" if self.target.task == "regression" else "classification"
        figures: dict[str, float] = getattr(_metrics, kind)(self.true, self.predicted)
        return figures

    @property
    def confusion(self) -> Array:
        """Rows of a true class that were taken for another; of a classification."""
        numbers = np.arange(len(self.target.classes))
        return confusion_matrix(self.true, self.predicted.argmax(axis=1), labels=numbers)

    def __str__(self) -> str:
        width = max(map(len, self.figures))
        lines = [f"{name:{width}}  {value:.4f}" for name, value in self.figures.items()]
        if self.target.task != "regression":
            lines += ["", *self._matrix()]
        return "\n".join(lines)

    def _matrix(self) -> list[str]:
        classes = self.target.classes
        if len(classes) > _MOST_SHOWN:
            return [f"({len(classes)} classes: the confusion matrix is in the report)"]
        cells = [[f"{c}" for c in row] for row in self.confusion]
        wide = max(len(cell) for row in [classes, *cells] for cell in row) + 2
        first = max(len(f"{self.target.name} = {c}") for c in classes)
        head = f"{'predicted':>{first}}" + "".join(f"{c:>{wide}}" for c in classes)
        return [head] + [
            f"{f'{self.target.name} = {name}':{first}}" + "".join(f"{c:>{wide}}" for c in row)
            for name, row in zip(classes, cells, strict=True)
        ]
