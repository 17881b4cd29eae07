"""The column that a network predicts: classes, or a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn.preprocessing import _cells
from fastnn.preprocessing._plans import require_list

# Whole numbers of no more different values than these are taken for classes.
_FEW = 10
_MOST_CLASSES = 1000


@dataclass
class TargetPlan:
    """How the target becomes numbers, and the network's outputs predictions.

    Attributes:
        name: of the column.
        task: "binary", "multiclass" or "regression".
        classes: of a classification, sorted.
        mean: of a regression's numbers.
        scale: what they are divided by.
    """

    name: str
    task: str
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    scale: float = 1.0

    @property
    def outputs(self) -> int:
        """How many outputs the network has."""
        return len(self.classes) if self.task == "multiclass" else 1

    def encode(self, cells: list[str]) -> NDArray[Any]:
        """What the network is trained on.

        Args:
            cells: without missing ones.

        Returns:
            Class numbers, int64, or standardised numbers, float32; shape (rows,).

        Raises:
            ValueError: for a class that was not there in training, or no number.
        """
        if self.task == "regression":
            values = _cells.numbers(cells)
            if values is None:
                raise ValueError(f"expected numbers in the target {self.name!r}")
            scaled: NDArray[Any] = ((values - self.mean) / self.scale).astype(np.float32)
            return scaled
        places = {value: i for i, value in enumerate(self.classes)}
        named = _canonical(cells)
        for cell in named:
            if cell not in places:
                raise ValueError(
                    f"the target {self.name!r} has the class {cell!r}, which the training had "
                    f"not; it had {', '.join(self.classes)}"
                )
        return np.array([places[cell] for cell in named], np.int64)

    def numbers(self, cells: list[str]) -> NDArray[np.float64]:
        """The numbers of a regression as they stand in the table."""
        values = _cells.numbers(cells)
        assert values is not None
        return values

    def unscaled(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """A regression's outputs in the target's unit."""
        return outputs[:, 0].astype(np.float64) * self.scale + self.mean

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """A classification's outputs as a probability for each class."""
        return np.concatenate([1 - outputs, outputs], axis=1) if self.task == "binary" else outputs

    def get_config(self) -> dict[str, Any]:
        """The plan as plain data."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TargetPlan:
        """Makes the plan again.

        Raises:
            ValueError: for something that is no plan.
        """
        try:
            plan = cls(**config)
            require_list([plan.name, plan.task], str, "the name and the task")
            classes = require_list(plan.classes, str, "the classes")
            figures = require_list([plan.mean, plan.scale], float, "mean and scale")
        except TypeError as error:
            raise ValueError(f"the plan of the target is damaged: {error}") from error
        least = {"binary": 2, "multiclass": 2, "regression": 0}.get(plan.task, _MOST_CLASSES + 1)
        most = {"binary": 2, "multiclass": _MOST_CLASSES, "regression": 0}.get(plan.task, 0)
        distinct = len(set(classes)) == len(classes)
        if not (least <= len(classes) <= most and distinct and np.isfinite(figures).all()):
            raise ValueError(
                f"the plan of the target is damaged: {plan.task}, {len(classes)} classes"
            )
        return plan


def plan_target(name: str, cells: list[str], task: str = "auto") -> TargetPlan:
    """Finds out what is to be predicted.

    Text is classes. Numbers are classes where there are two of them, or where they are whole and
    not more than ten; else they are a regression's.

    Args:
        name: of the column.
        cells: without missing ones.
        task: "auto", "binary", "multiclass", "classification" or "regression".

    Raises:
        ValueError: for cells that do not go with the task.
    """
    values = _cells.numbers(cells)
    named = _canonical(cells)
    classes = sorted(set(named), key=_order)
    if task == "auto":
        few = values is not None and (values == np.floor(values)).all() and len(classes) <= _FEW
        task = "regression" if values is not None and not few and len(classes) > 2 else "classes"
    if task == "regression":
        if values is None:
            other = next(cell for cell in cells if _cells.numbers([cell]) is None)
            raise ValueError(f"expected numbers in the target {name!r} of a regression: {other!r}")
        scale = float(values.std())
        if scale == 0.0:
            raise ValueError(f"the target {name!r} is the same in all rows: {cells[0]}")
        return TargetPlan(name, "regression", mean=float(values.mean()), scale=scale)
    if len(classes) < 2:
        raise ValueError(f"the target {name!r} is the same in all rows: {cells[0]}")
    if len(classes) > _MOST_CLASSES:
        raise ValueError(f"the target {name!r} has {len(classes)} classes; is it the right column?")
    if task == "binary" and len(classes) != 2:
        raise ValueError(f"expected 2 classes in the target {name!r}, got {len(classes)}")
    many = len(classes) > 2 or task == "multiclass"
    return TargetPlan(name, "multiclass" if many else "binary", classes=classes)


def _canonical(cells: list[str]) -> list[str]:
    """One spelling for a number: 1 and 1.0 are the same class."""
    values = _cells.numbers(cells)
    if values is None:
        return cells
    return [str(int(v)) if v.is_integer() else repr(v) for v in map(float, values)]


def _order(value: str) -> tuple[float, str]:
    number = _cells.numbers([value])
    return (float("inf") if number is None else float(number[0]), value)
