"""One step of a recurrence: the cells that :class:`fastnn.layers.RNN` runs over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _registry as registry
from fastnn import activations, ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import get_activation
from fastnn.layers._cell import Cell


class SimpleRNNCell(Cell):
    """One step of ``h = activation(x @ kernel + h @ recurrent_kernel + bias)`` (Elman, 1990).

    Args:
        units: the size of the state.
        activation: default "tanh".
        use_bias: whether there is a bias; default True.
        **kwargs: the rest of what :class:`Cell` takes: initializers ("glorot_uniform",
            "orthogonal", "zeros"), regularizers and constraints of kernel, recurrent and bias
            (kernel_initializer, …), dropout, recurrent_dropout, seed, and Layer's.

    Shapes: (batch, features) to (batch, units).

    Example:
        >>> import numpy as np
        >>> cell = SimpleRNNCell(3)
        >>> output, state = cell(np.ones((2, 4), "float32"), np.zeros((2, 3), "float32"))
        >>> output.shape
        (2, 3)
    """

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(units, activation, use_bias, **kwargs)

    def advance(self, blocks: Tensor, states: Sequence[Tensor], masks: Any) -> Any:
        """One step; see :meth:`Cell.advance`.

        Args:
            blocks: (batch, units).
            states: h.
            masks: of dropout.
        """
        state = _masked(states[0], masks[1])
        output = self.activation(blocks + ops.matmul(state, self.recurrent_kernel))
        return output, [output]

    def run(self, blocks: Tensor, states: Sequence[Tensor], mask: Any, reverse: bool) -> list[Any]:
        """All steps; see :meth:`Cell.run`.

        Args:
            blocks: (batch, time, units).
            states: h.
            mask: (batch, time) or None.
            reverse: from the last step to the first.
        """
        return [ops.simple_rnn(blocks, self.recurrent_kernel, states[0], mask, reverse)]


class LSTMCell(Cell):
    """One step of a long short-term memory (Hochreiter and Schmidhuber, 1997).

    The blocks i, f, g, o of ``x @ kernel + h @ recurrent_kernel + bias`` give
    ``c = sigmoid(f) * c + sigmoid(i) * tanh(g)`` and ``h = sigmoid(o) * tanh(c)``.

    Args:
        units: the size of h and of c.
        activation: of g and c; default "tanh".
        recurrent_activation: of the gates; default "sigmoid".
        use_bias: whether there is a bias; default True.
        unit_forget_bias: whether the forget gate's bias starts at 1; default True (Jozefowicz et
            al., 2015).
        **kwargs: as for :class:`SimpleRNNCell`.

    Shapes: (batch, features) to (batch, units); states h and c, each (batch, units).

    Example:
        >>> import numpy as np
        >>> state = np.zeros((2, 3), "float32")
        >>> output, (h, c) = LSTMCell(3)(np.ones((2, 4), "float32"), [state, state])
        >>> output.shape, c.shape
        ((2, 3), (2, 3))
    """

    blocks = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = get_activation(type(self).__name__, recurrent_activation)
        self.unit_forget_bias = bool(unit_forget_bias)

    @property
    def state_size(self) -> Any:
        """The sizes of h and c."""
        return [self.units, self.units]

    def _initial_bias(self, shape: Sequence[int], dtype: str = "float32") -> Any:
        values = super()._initial_bias(shape, dtype)
        if self.unit_forget_bias:
            values = values.copy()
            values[self.units : 2 * self.units] = 1.0
        return values

    def advance(self, blocks: Tensor, states: Sequence[Tensor], masks: Any) -> Any:
        """One step; see :meth:`Cell.advance`.

        Args:
            blocks: (batch, 4 units).
            states: h and c.
            masks: of dropout.
        """
        h, c = _masked(states[0], masks[1]), states[1]
        total = blocks + ops.matmul(h, self.recurrent_kernel)
        i, f, g, o = ops.split(total, 4, axis=-1)
        gate = self.recurrent_activation
        c = gate(f) * c + gate(i) * self.activation(g)
        h = gate(o) * self.activation(c)
        return h, [h, c]

    def can_fuse(self, training: bool) -> bool:
        """Whether one op computes all steps; see :meth:`Cell.can_fuse`.

        Args:
            training: whether dropout is active.
        """
        return super().can_fuse(training) and _is_sigmoid(self.recurrent_activation)

    def run(self, blocks: Tensor, states: Sequence[Tensor], mask: Any, reverse: bool) -> list[Any]:
        """All steps; see :meth:`Cell.run`.

        Args:
            blocks: (batch, time, 4 units).
            states: h and c.
            mask: (batch, time) or None.
            reverse: from the last step to the first.
        """
        h, c = states
        return list(ops.lstm(blocks, self.recurrent_kernel, h, c, mask, reverse))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "recurrent_activation": registry.serialize(self.recurrent_activation),
            "unit_forget_bias": self.unit_forget_bias,
        }


class GRUCell(Cell):
    """One step of gated recurrent units (Cho et al., 2014).

    ``h = z * h + (1 - z) * m`` with the update gate z and m, which sees as much of h as the reset
    gate r lets through.

    Args:
        units: the size of the state.
        activation: of m; default "tanh".
        recurrent_activation: of the gates; default "sigmoid".
        use_bias: whether there is a bias; default True.
        reset_after: whether r multiplies the product of h and its weights (default), or h.
        **kwargs: as for :class:`SimpleRNNCell`.

    Shapes: (batch, features) to (batch, units); the bias is (2, 3 units) with reset_after, for
    the inputs' product and the state's, else (3 units,).

    Example:
        >>> import numpy as np
        >>> output, h = GRUCell(3)(np.ones((2, 4), "float32"), np.zeros((2, 3), "float32"))
        >>> output.shape
        (2, 3)
    """

    blocks = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, activation, use_bias, **kwargs)
        self.recurrent_activation = get_activation(type(self).__name__, recurrent_activation)
        self.reset_after = bool(reset_after)

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _input_bias(self) -> Any:
        return self.bias[0] if self.use_bias and self.reset_after else self.bias

    def _state_bias(self) -> Any:
        if self.use_bias and self.reset_after:
            return self.bias[1]
        return ops.full((3 * self.units,), 0.0, self.dtype)

    def advance(self, blocks: Tensor, states: Sequence[Tensor], masks: Any) -> Any:
        """One step; see :meth:`Cell.advance`.

        Args:
            blocks: (batch, 3 units).
            states: h.
            masks: of dropout.
        """
        h, state = states[0], _masked(states[0], masks[1])
        kernel, units, gate = self.recurrent_kernel, self.units, self.recurrent_activation
        z, r, n = ops.split(blocks, 3, axis=-1)
        if self.reset_after:
            inner = ops.matmul(state, kernel) + self._state_bias()
            p, q, s = ops.split(inner, 3, axis=-1)
            z, r = gate(z + p), gate(r + q)
            m = self.activation(n + r * s)
        else:
            p, q = ops.split(ops.matmul(state, kernel[:, : 2 * units]), 2, axis=-1)
            z, r = gate(z + p), gate(r + q)
            m = self.activation(n + ops.matmul(r * state, kernel[:, 2 * units :]))
        h = z * h + (1.0 - z) * m
        return h, [h]

    def can_fuse(self, training: bool) -> bool:
        """Whether one op computes all steps; see :meth:`Cell.can_fuse`.

        Args:
            training: whether dropout is active.
        """
        default = self.reset_after and _is_sigmoid(self.recurrent_activation)
        return default and super().can_fuse(training)

    def run(self, blocks: Tensor, states: Sequence[Tensor], mask: Any, reverse: bool) -> list[Any]:
        """All steps; see :meth:`Cell.run`.

        Args:
            blocks: (batch, time, 3 units).
            states: h.
            mask: (batch, time) or None.
            reverse: from the last step to the first.
        """
        bias = self._state_bias()
        return [ops.gru(blocks, self.recurrent_kernel, bias, states[0], mask, reverse)]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "recurrent_activation": registry.serialize(self.recurrent_activation),
            "reset_after": self.reset_after,
        }


def _masked(state: Tensor, mask: Any) -> Any:
    return state if mask is None else state * mask


def _is_sigmoid(activation: Any) -> bool:
    return activation is activations.get("sigmoid")
