"""Single batches of one array of inputs and one of targets, like one that was checked in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.layers import _track
from fastnn.models import _checks
from fastnn.models._columns import Columns
from fastnn.models._programs import Signature, Step

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable


class KnownBatch:
    """What the checks of a batch have found that holds for others of its kind.

    Dtypes, shapes and the state of the model are compared; numbers are looked at in every batch.

    Args:
        model: the model.
        signature: of its inputs.
        step: the pass that takes the batch.
        x: the inputs.
        y: the targets, as they were given.
    """

    def __init__(
        self, model: Trainable, signature: Signature, step: Step, x: NDArray[Any], y: NDArray[Any]
    ) -> None:
        self._kind = _kind(x), _kind(y)
        self._state = _state(model)
        self._objective: Any = model._objective
        self._output_shape = signature.output_shapes[0]
        self.step = step

    def arrays(self, model: Trainable, x: Any, y: Any, check_finite: bool) -> Any:
        """The program's arrays; None for a batch of another kind, or one that is to be refused."""
        if type(x) is not np.ndarray or type(y) is not np.ndarray or x.ndim == 0 or y.ndim == 0:
            return None
        if (_kind(x), _kind(y)) != self._kind or _state(model) != self._state:
            return None
        if x.shape[0] != y.shape[0] or x.shape[0] == 0 or not _in_memory(x) or not _in_memory(y):
            return None
        if check_finite and (_checks.first_nonfinite(x) >= 0 or _checks.first_nonfinite(y) >= 0):
            return None
        return [x, self._objective.check_target(0, "y", y, self._output_shape)]


def known_batch(
    model: Trainable, signature: Signature, step: Step, columns: Columns, x: Any, y: Any
) -> KnownBatch | None:
    """What is known of a batch that was checked; None where it is of another structure."""
    plain = type(x) is np.ndarray and type(y) is np.ndarray and columns.arrays[0] is x
    one = len(columns.arrays) == 2 and len(signature.output_shapes) == 1 and not signature.lookups
    return KnownBatch(model, signature, step, x, y) if plain and one else None


def _kind(array: NDArray[Any]) -> tuple[Any, ...]:
    return array.dtype, array.shape[1:], array.ndim


def _state(model: Trainable) -> tuple[Any, ...]:
    """What programs are compiled for beside the data."""
    optimizer = model.optimizer
    return (
        _track.version.number,
        id(model._objective),
        id(optimizer),
        getattr(optimizer, "revision", 0),
    )


def _in_memory(array: NDArray[Any]) -> bool:
    """False for what may lie in a file: views of anything but an array that owns its numbers."""
    base = array.base
    return base is None or (type(base) is np.ndarray and base.base is None)
