"""What the cells of recurrent layers share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import _random as random
from fastnn import _registry as registry
from fastnn import activations, constraints, initializers, ops, regularizers
from fastnn._tensor import Tensor, Variable
from fastnn.layers import _draw as draw
from fastnn.layers._arguments import FLOATS, Shape, get_activation, positive_int
from fastnn.layers._base import Layer

_WEIGHTS = ("kernel", "recurrent", "bias")
_IGNORED = ("implementation", "use_cudnn")  # Keras's ways to compute the same


class Cell(Layer):
    """What the cells of this module share: weights, dropout, and the inputs' part of a step.

    Args:
        units: the size of the state.
        activation: default "tanh".
        use_bias: whether there is a bias; default True.
        kernel_initializer: of the inputs' weights; default "glorot_uniform".
        recurrent_initializer: of the state's weights; default "orthogonal".
        bias_initializer: default "zeros".
        kernel_regularizer: adds a function of the kernel to the cost; default none.
        recurrent_regularizer: the same for the state's weights.
        bias_regularizer: the same for the bias.
        kernel_constraint: applied to the kernel after each update; default none.
        recurrent_constraint: the same for the state's weights.
        bias_constraint: the same for the bias.
        dropout: the share of inputs dropped in training; default 0. A draw holds for all steps of
            a row, and for all gates (Gal and Ghahramani, 2016).
        recurrent_dropout: the same for the state.
        seed: of what dropout draws, which then follows from it alone; default: it follows from the
            process's seed and this layer's place in the model.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for units below 1, a rate outside [0, 1) or an unknown name.
        TypeError: for units that are no whole number.
    """

    blocks = 1
    """Blocks of ``units`` columns that the kernels have."""
    kernel: Variable
    recurrent_kernel: Variable

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        for name in _IGNORED:
            kwargs.pop(name, None)
        super().__init__(**kwargs)
        owner = type(self).__name__
        if self.dtype not in FLOATS:
            raise ValueError(f"[{owner}] expected dtype float32 or float64, got {self.dtype}")
        self.units = positive_int(owner, "units", units)
        self.activation = get_activation(owner, activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = _rate(owner, "dropout", dropout)
        self.recurrent_dropout = _rate(owner, "recurrent_dropout", recurrent_dropout)
        self.seed = None if seed is None else random.check_seed(seed)
        self._expect(rank=2)

    @property
    def state_size(self) -> Any:
        """The size of each state."""
        return self.units

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def build(self, input_shape: Shape) -> None:
        """Makes the weights.

        Args:
            input_shape: (batch, features).
        """
        owner = type(self).__name__
        features = input_shape[-1]
        if features is None:
            raise ValueError(
                f"[{owner}] expected a known number of features, got shape {tuple(input_shape)}"
            )
        width = self.blocks * self.units
        shapes = {
            "kernel": (features, width),
            "recurrent_kernel": (self.units, width),
            "bias": self._bias_shape(),
        }
        self.bias: Any = None
        for name, shape in shapes.items():
            if name == "bias" and not self.use_bias:
                continue
            kind = name.removesuffix("_kernel")
            initializer = getattr(self, f"{kind}_initializer")
            weight = self.add_weight(
                shape,
                self._initial_bias if name == "bias" else initializer,
                regularizer=getattr(self, f"{kind}_regularizer"),
                constraint=getattr(self, f"{kind}_constraint"),
                name=name,
            )
            setattr(self, name, weight)
        self._expect({-1: int(features)}, rank=2)

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.blocks * self.units,)

    def _initial_bias(self, shape: Sequence[int], dtype: str = "float32") -> Any:
        initialize: Any = self.bias_initializer
        return initialize(tuple(shape), dtype)

    # --- a step, in parts: what RNN does once for all steps, and what it does at each

    def draw_masks(self, batch: Any, features: int, training: bool) -> Any:
        """What dropout multiplies inputs and state by, or None for each.

        Args:
            batch: the number of rows.
            features: of the inputs.
            training: whether anything is dropped.
        """
        sizes = ((self.dropout, features), (self.recurrent_dropout, self.units))
        return tuple(
            self._draw(batch, size, rate) if training and rate > 0 else None for rate, size in sizes
        )

    def _draw(self, batch: Any, size: int, rate: float) -> Tensor:
        ones = ops.full((batch, size), 1.0, self.dtype)
        kept: Tensor = draw.bernoulli(self, ones, 1.0 - rate, None) * (1.0 / (1.0 - rate))
        return kept

    def project(self, inputs: Tensor, masks: Any) -> Any:
        """What the inputs add to the blocks, of one step or of all of them.

        Args:
            inputs: (batch, features) or (batch, time, features).
            masks: from :meth:`draw_masks`.
        """
        if masks[0] is not None:
            inputs = inputs * (masks[0] if inputs.ndim == 2 else ops.expand_dims(masks[0], 1))
        outputs = ops.matmul(inputs, self.kernel)
        bias = self._input_bias()
        return outputs if bias is None else outputs + bias

    def _input_bias(self) -> Any:
        return self.bias

    def advance(self, blocks: Tensor, states: Sequence[Tensor], masks: Any) -> Any:
        """One step, from the inputs' part of the blocks.

        Args:
            blocks: from :meth:`project`, (batch, blocks * units).
            states: before the step.
            masks: from :meth:`draw_masks`.

        Returns:
            The output and the list of new states.
        """
        raise NotImplementedError

    def can_fuse(self, training: bool) -> bool:
        """Whether one op computes all steps: with the default activations, and no dropout of the
        state.
        """
        dropped = training and self.recurrent_dropout > 0
        return not dropped and self.activation is activations.get("tanh")

    def run(self, blocks: Tensor, states: Sequence[Tensor], mask: Any, reverse: bool) -> list[Any]:
        """All steps at once: each state after each step, (batch, time, units).

        Args:
            blocks: from :meth:`project`, (batch, time, blocks * units).
            states: before the first step.
            mask: (batch, time) or None.
            reverse: from the last step to the first.
        """
        raise NotImplementedError

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> Any:
        """One step.

        Args:
            inputs: (batch, features).
            states: a tensor (batch, units) for each state: one, or a list.
            training: whether dropout is active.

        Returns:
            The output (batch, units), and the new states in the form of ``states``.
        """
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        if len(given) != len(_as_list(self.state_size)):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(_as_list(self.state_size))} states, got "
                f"{len(given)}"
            )
        masks = self.draw_masks(inputs.dims[0], int(inputs.dims[-1]), training)
        output, new = self.advance(self.project(inputs, masks), given, masks)
        return output, (new if isinstance(states, (list, tuple)) else new[0])

    def get_initial_state(self, batch_size: Any = None) -> list[Tensor]:
        """Zeros for each state.

        Args:
            batch_size: the number of rows: a number, or a name for an open one.
        """
        sizes = _as_list(self.state_size)
        return [ops.full((batch_size, size), 0.0, self.dtype) for size in sizes]

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        config = {
            **super().get_config(),
            "units": self.units,
            "activation": registry.serialize(self.activation),
            "use_bias": self.use_bias,
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }
        for part in ("initializer", "regularizer", "constraint"):
            for weight in _WEIGHTS:
                name = f"{weight}_{part}"
                config[name] = registry.serialize(getattr(self, name))
        return config


def _as_list(sizes: Any) -> list[Any]:
    return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]


def _rate(owner: str, name: str, rate: float) -> float:
    if isinstance(rate, str) or not 0 <= rate < 1:
        raise ValueError(f"[{owner}] expected {name} in [0, 1), got {rate!r}")
    return float(rate)
