"""Whole recurrent layers as one operation each; cells of one's own are :func:`fastnn.scan`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import _core
from .._tensor import Tensor
from ._dispatch import TensorLike, operation


def _outputs(op: str, inputs: Sequence[Tensor], given: int, reverse: bool, states: int) -> Any:
    values = [t._value for t in inputs]
    if len(values) > given:
        values[given] = _core.cast(values[given], "bool")
    made = _core.make_all(op, values, {"reverse": bool(reverse)})
    return [Tensor(v) for v in made[:states]]


@operation(-1)
def _lstm(inputs: Sequence[Tensor], reverse: bool) -> Any:
    return _outputs("lstm", inputs, 4, reverse, 2)


@operation(-1)
def _gru(inputs: Sequence[Tensor], reverse: bool) -> Any:
    return _outputs("gru", inputs, 4, reverse, 1)[0]


@operation(-1)
def _simple_rnn(inputs: Sequence[Tensor], reverse: bool) -> Any:
    return _outputs("simple_rnn", inputs, 3, reverse, 1)[0]


def _with_mask(inputs: list[Any], mask: Any) -> list[Any]:
    return inputs if mask is None else [*inputs, mask]


def lstm(
    x: TensorLike,
    kernel: TensorLike,
    h: TensorLike,
    c: TensorLike,
    mask: TensorLike | None = None,
    reverse: bool = False,
) -> Any:
    """A long short-term memory over a whole sequence (Hochreiter and Schmidhuber, 1997).

    At each step the four blocks i, f, g, o of ``x + h @ kernel`` give
    ``c = sigmoid(f) * c + sigmoid(i) * tanh(g)`` and ``h = sigmoid(o) * tanh(c)``.

    Args:
        x: what the inputs add to the blocks at every step, bias included:
            (batch, time, 4 units).
        kernel: (units, 4 units).
        h: the state before the first step, (batch, units).
        c: the cell before the first step, (batch, units).
        mask: (batch, time); a step where it is False leaves state and cell as they were.
        reverse: from the last step to the first.

    Returns:
        State and cell after each step, each (batch, time, units); those of step t stand at t,
        whichever way time runs. It can be differentiated once.

    Raises:
        ValueError: for other shapes, or dtypes that differ.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> state = np.zeros((2, 3))
        >>> h, c = ops.lstm(np.ones((2, 5, 12)), np.ones((3, 12)), state, state)
        >>> h.shape, c.shape
        ((2, 5, 3), (2, 5, 3))
    """
    states, cells = _lstm(_with_mask([x, kernel, h, c], mask), reverse)
    return states, cells


def gru(
    x: TensorLike,
    kernel: TensorLike,
    bias: TensorLike,
    h: TensorLike,
    mask: TensorLike | None = None,
    reverse: bool = False,
) -> Any:
    """Gated recurrent units over a whole sequence (Cho et al., 2014).

    At each step, with the three blocks z, r, n of ``x`` and p, q, s of ``h @ kernel + bias``:
    ``h = u * h + (1 - u) * tanh(n + sigmoid(r + q) * s)``, ``u = sigmoid(z + p)``. The reset
    gate comes behind the product (Keras's ``reset_after``).

    Args:
        x: what the inputs add to the blocks at every step, their bias included:
            (batch, time, 3 units).
        kernel: (units, 3 units).
        bias: (3 units,), of the state's product.
        h: the state before the first step, (batch, units).
        mask: (batch, time); a step where it is False leaves the state as it was.
        reverse: from the last step to the first.

    Returns:
        The state after each step, (batch, time, units). It can be differentiated once.

    Raises:
        ValueError: for other shapes, or dtypes that differ.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> ops.gru(np.ones((2, 5, 9)), np.ones((3, 9)), np.ones(9), np.zeros((2, 3))).shape
        (2, 5, 3)
    """
    return _gru(_with_mask([x, kernel, bias, h], mask), reverse)


def simple_rnn(
    x: TensorLike,
    kernel: TensorLike,
    h: TensorLike,
    mask: TensorLike | None = None,
    reverse: bool = False,
) -> Any:
    """``h = tanh(x + h @ kernel)`` over a whole sequence (Elman, 1990).

    Args:
        x: what the inputs add at every step, (batch, time, units).
        kernel: (units, units).
        h: the state before the first step, (batch, units).
        mask: (batch, time); a step where it is False leaves the state as it was.
        reverse: from the last step to the first.

    Returns:
        The state after each step, (batch, time, units). It can be differentiated once.

    Raises:
        ValueError: for other shapes, or dtypes that differ.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> ops.simple_rnn(np.ones((1, 2, 1)), [[0.0]], [[0.0]]).round(3)
        array([[[0.762],
                [0.762]]])
    """
    return _simple_rnn(_with_mask([x, kernel, h], mask), reverse)
