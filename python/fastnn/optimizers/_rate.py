"""The learning rate of an optimizer: a variable, or a schedule over the step counter."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn import graph, ops
from fastnn._registry import serialize
from fastnn._tensor import Variable
from fastnn.optimizers._options import checked_rate
from fastnn.optimizers.schedules import LearningRateSchedule


class Rate:
    """What an optimizer multiplies its steps with.

    Args:
        value: a number, a schedule or its configuration.
        iterations: the counter that a schedule follows.
        owner: the optimizer's class, for messages.
        name: the variable's.

    Raises:
        ValueError: for something else.
    """

    def __init__(self, value: Any, iterations: Variable, owner: str, name: str) -> None:
        self.variable = graph.shared(np.zeros((), np.float64), name=name, role="hyperparameter")
        self.schedule: LearningRateSchedule | None = None
        # Raised when a compiled program has the old schedule in it.
        self.revision = 0
        self._iterations = iterations
        self._owner = owner
        self._set(checked_rate(value, owner))

    def _set(self, value: float | LearningRateSchedule) -> None:
        if isinstance(value, LearningRateSchedule):
            self.schedule = value
            self.revision += 1
        else:
            self.variable.set_value(np.float64(value))

    def assign(self, value: Any) -> None:
        """Sets the rate.

        Raises:
            TypeError: for a number in the place of a schedule, which would go on to overwrite it.
            ValueError: for something that is no rate.
        """
        number = value.get_value()[()] if isinstance(value, Variable) else value
        rate = checked_rate(number, self._owner)
        if self.schedule is not None and not isinstance(rate, LearningRateSchedule):
            raise TypeError(
                f"[{self._owner}] follows the schedule {type(self.schedule).__name__}; "
                "give a number as learning_rate at the start to set it later"
            )
        self._set(rate)

    def value(self) -> Any:
        """The variable; or the schedule's present number."""
        if self.schedule is None:
            return self.variable
        return self.schedule(int(self._iterations.get_value()))

    def tensor(self, dtype: str) -> Any:
        """The rate as a scalar of a program."""
        rate = self.variable if self.schedule is None else self.schedule(self._iterations)
        return rate if rate.dtype == dtype else ops.cast(rate, dtype)

    def config(self) -> Any:
        """A number or a schedule's configuration."""
        if self.schedule is None:
            return float(self.variable.get_value())
        return serialize(self.schedule)
