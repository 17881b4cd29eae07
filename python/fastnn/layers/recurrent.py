"""The recurrent layers: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

import inspect
from typing import Any

from fastnn.layers._base import Layer
from fastnn.layers._cell import Cell
from fastnn.layers._legacy import renamed_arguments
from fastnn.layers.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell
from fastnn.layers.rnn import RNN

_OLD_NAMES = {
    "output_dim": "units",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}


class _CellLayer(RNN):
    """An RNN over a cell of this module, with the cell's arguments among its own."""

    _cell_class: type[Cell] = Cell
    _holds = ()

    def __init__(self, cell_settings: dict[str, Any], **kwargs: Any) -> None:
        names = _argument_names(self._cell_class) - _argument_names(Layer)
        for name in (set(kwargs) & names) - set(cell_settings):
            cell_settings[name] = kwargs.pop(name)
        for name in ("dtype", "trainable"):
            if name in kwargs:
                cell_settings[name] = kwargs[name]
        try:
            cell = self._cell_class(**cell_settings)
        except (TypeError, ValueError) as error:
            text = str(error).replace(f"[{self._cell_class.__name__}]", f"[{type(self).__name__}]")
            raise type(error)(text) from None
        super().__init__(cell, **kwargs)

    @property
    def units(self) -> int:
        """The size of the output."""
        return int(self.cell.units)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        inner = self.cell.get_config()
        return {**inner, **Layer.get_config(self), **self._run_config()}


class SimpleRNN(_CellLayer):
    """``h = activation(x @ kernel + h @ recurrent_kernel + bias)`` at each step (Elman, 1990).

    Args:
        units: the size of the output.
        activation: default "tanh".
        use_bias: whether there is a bias; default True.
        **kwargs: the rest of what :class:`SimpleRNNCell`, :class:`RNN` (return_sequences,
            return_state, go_backwards, stateful) and :class:`Layer` take.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units).

    Raises:
        ValueError: for units below 1, a rate outside [0, 1) or an unknown name.

    Example:
        >>> import numpy as np
        >>> SimpleRNN(4)(np.ones((2, 5, 3), "float32")).shape
        (2, 4)
    """

    _cell_class = SimpleRNNCell

    @renamed_arguments(**_OLD_NAMES)
    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, **kwargs: Any
    ) -> None:
        super().__init__({"units": units, "activation": activation, "use_bias": use_bias}, **kwargs)


class LSTM(_CellLayer):
    """A long short-term memory (Hochreiter and Schmidhuber, 1997).

    With the default activations and no recurrent_dropout the whole sequence is one kernel;
    otherwise each step is a few, in a loop of the graph.

    Args:
        units: the size of the output.
        activation: default "tanh".
        recurrent_activation: of the gates; default "sigmoid".
        use_bias: whether there is a bias; default True.
        unit_forget_bias: whether the forget gate's bias starts at 1; default True.
        **kwargs: the rest of what :class:`LSTMCell`, :class:`RNN` (return_sequences,
            return_state, go_backwards, stateful) and :class:`Layer` take.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units); the states are
    h and c.

    Raises:
        ValueError: for units below 1, a rate outside [0, 1) or an unknown name.

    Example:
        >>> import numpy as np
        >>> output, h, c = LSTM(4, return_state=True)(np.ones((2, 5, 3), "float32"))
        >>> output.shape, bool((output == h).all())
        ((2, 4), True)
    """

    _cell_class = LSTMCell

    @renamed_arguments(**_OLD_NAMES)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        unit_forget_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        settings = {
            "units": units,
            "activation": activation,
            "recurrent_activation": recurrent_activation,
            "use_bias": use_bias,
            "unit_forget_bias": unit_forget_bias,
        }
        super().__init__(settings, **kwargs)


class GRU(_CellLayer):
    """Gated recurrent units (Cho et al., 2014).

    With the default activations and reset_after, and no recurrent_dropout, the whole sequence is
    one kernel; otherwise each step is a few, in a loop of the graph.

    Args:
        units: the size of the output.
        activation: default "tanh".
        recurrent_activation: of the gates; default "sigmoid".
        use_bias: whether there is a bias; default True.
        reset_after: whether the reset gate multiplies the state's product (default), or the state.
        **kwargs: the rest of what :class:`GRUCell`, :class:`RNN` (return_sequences,
            return_state, go_backwards, stateful) and :class:`Layer` take.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units).

    Raises:
        ValueError: for units below 1, a rate outside [0, 1) or an unknown name.

    Example:
        >>> import numpy as np
        >>> GRU(4, return_sequences=True)(np.ones((2, 5, 3), "float32")).shape
        (2, 5, 4)
    """

    _cell_class = GRUCell

    @renamed_arguments(**_OLD_NAMES)
    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        reset_after: bool = True,
        **kwargs: Any,
    ) -> None:
        settings = {
            "units": units,
            "activation": activation,
            "recurrent_activation": recurrent_activation,
            "use_bias": use_bias,
            "reset_after": reset_after,
        }
        super().__init__(settings, **kwargs)


def _argument_names(cls: type) -> set[str]:
    """The names that the constructors of a class and its bases take."""
    names: set[str] = set()
    for base in cls.__mro__:
        if "__init__" in base.__dict__ and base is not object:
            names |= set(inspect.signature(base.__dict__["__init__"]).parameters)
    return names - {"self", "kwargs"}
