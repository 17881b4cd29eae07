"""An optimizer's step on its own: gradients as arrays, outside of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import graph
from fastnn._tensor import Variable

if TYPE_CHECKING:
    from fastnn.optimizers._base import Optimizer


def as_arrays(grads: Sequence[Any], variables: Sequence[Variable], who: str) -> list[Any]:
    """Gradients as arrays of their variables' dtypes; None stays.

    Raises:
        ValueError: for another number of gradients than of variables, or another shape.
    """
    if len(grads) != len(variables):
        raise ValueError(
            f"[{who}] expected a gradient for each of {len(variables)} variables, got {len(grads)}"
        )
    arrays = []
    for gradient, variable in zip(grads, variables, strict=True):
        array = None if gradient is None else np.asarray(gradient, variable.dtype)
        if array is not None and array.shape != tuple(variable.shape):
            raise ValueError(
                f"[{who}] expected a gradient of shape {tuple(variable.shape)} for "
                f"{variable.name!r}, got {array.shape}"
            )
        arrays.append(array)
    return arrays


class CompiledStep:
    """The plan of an optimizer as functions of given gradients.

    Args:
        optimizer: whose plan it is.
        arrays: gradients; None where there is none.
        variables: what they are the gradients of.
    """

    def __init__(
        self, optimizer: Optimizer, arrays: Sequence[Any], variables: Sequence[Variable]
    ) -> None:
        inputs = [
            None if array is None else graph.placeholder(variable.shape, variable.dtype)
            for array, variable in zip(arrays, variables, strict=True)
        ]
        plan = optimizer.updates(inputs, variables)
        given = [x for x in inputs if x is not None]
        self._every = plan.every
        self._iterations = optimizer.iterations
        # Keeps the variables alive: the step is found by their identity.
        self._variables = list(variables)
        self._sum = None
        if plan.every > 1:
            self._sum = graph.function(given, updates=plan.step_updates)
            given = []
        self._update = graph.function(given, updates=plan.update_effects)
        self._after = graph.function([], updates=plan.post_updates)

    def __call__(self, arrays: Sequence[Any]) -> None:
        """Makes one step."""
        given = [array for array in arrays if array is not None]
        if self._sum is not None:
            self._sum(*given)
            given = []
        if (int(self._iterations.get_value()) + 1) % self._every == 0:
            self._update(*given)
        self._after()
