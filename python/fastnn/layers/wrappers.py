"""Layers around layers: in both directions of time, at every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn import _registry as registry
from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape, format_shape
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten, map_structure
from fastnn.layers.rnn import RNN

_MERGE = ("concat", "sum", "ave", "mul", None)
_COMMON = ("return_sequences", "return_state", "stateful")


class Bidirectional(Layer):
    """Runs a recurrent layer from both ends of sequences (Schuster and Paliwal, 1997).

    Args:
        layer: an :class:`RNN`, :class:`LSTM`, :class:`GRU` or :class:`SimpleRNN`.
        merge_mode: how the outputs are combined: "concat" (default), "sum", "ave", "mul", or
            None for a pair of them.
        weights: initial values for both layers, the forward one's first; default none.
        backward_layer: the layer from the end; default: one like ``layer``.
        **kwargs: as for :class:`Layer`.

    Shapes: those of the layer, with twice the units for "concat". With return_state the states
    of the forward layer, then those of the backward layer, follow the output.

    Raises:
        ValueError: for an unknown merge_mode, or layers that do not go together.
        TypeError: for a layer that is not recurrent.

    Example:
        >>> import numpy as np
        >>> from fastnn.layers import LSTM
        >>> Bidirectional(LSTM(4))(np.ones((2, 5, 3), "float32")).shape
        (2, 8)
    """

    _masking = True
    _holds = ("layer", "backward_layer")

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for given in (layer, backward_layer):
            if given is not None and not isinstance(given, RNN):
                raise TypeError(f"[Bidirectional] expected a recurrent layer, got {given!r}")
        if merge_mode not in _MERGE:
            raise ValueError(
                f"[Bidirectional] expected merge_mode of {', '.join(map(repr, _MERGE))}, got "
                f"{merge_mode!r}"
            )
        self.merge_mode = merge_mode
        self.forward_layer = _like(layer, "forward_", layer.go_backwards)
        given = layer if backward_layer is None else backward_layer
        backwards = not layer.go_backwards if backward_layer is None else given.go_backwards
        self.backward_layer = _like(given, "backward_", backwards)
        self._check_pair()
        # What the other direction says about a masked step must not be taken for this one's.
        for side in (self.forward_layer, self.backward_layer):
            side.zero_output_for_mask = side.return_sequences
        self._initial_weights = weights
        self._expect(rank=3)

    def _check_pair(self) -> None:
        a, b = self.forward_layer, self.backward_layer
        if a.go_backwards == b.go_backwards:
            raise ValueError(
                "[Bidirectional] expected layers of different directions, got go_backwards="
                f"{a.go_backwards} for both"
            )
        for name in _COMMON:
            if getattr(a, name) != getattr(b, name):
                raise ValueError(
                    f"[Bidirectional] expected layers of the same {name}, got {getattr(a, name)} "
                    f"and {getattr(b, name)}"
                )

    def build(self, sequences_shape: Shape) -> None:
        """Builds both layers.

        Args:
            sequences_shape: (batch, time, features).
        """
        for side in (self.forward_layer, self.backward_layer):
            if not side.built:
                side.build(sequences_shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the sequences where all outputs are returned.

        Args:
            inputs: the sequences.
            mask: theirs.
        """
        mask = flatten(mask)[0] if self.forward_layer.return_sequences else None
        return [mask, mask] if self.merge_mode is None else [mask]

    def reset_states(self) -> None:
        """Sets the states of stateful layers to 0."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states

    def call(self, sequences: Tensor, initial_state: Any = None, mask: Any = None) -> Any:
        """Both layers' outputs, merged; then their states, where those are returned.

        Args:
            sequences: (batch, time, features).
            initial_state: the forward layer's states, then the backward layer's; default zeros.
            mask: (batch, time).
        """
        first: Any = None
        second: Any = None
        if initial_state is not None:
            states = list(initial_state)
            first, second = states[: len(states) // 2], states[len(states) // 2 :]
        forward = self.forward_layer(sequences, initial_state=first, mask=mask)
        backward = self.backward_layer(sequences, initial_state=second, mask=mask)
        states = []
        if self.forward_layer.return_state:
            states = [*forward[1:], *backward[1:]]
            forward, backward = forward[0], backward[0]
        if self.forward_layer.return_sequences:
            backward = ops.flip(backward, axis=1)
        merged = self._merge(forward, backward)
        outputs = list(merged) if self.merge_mode is None else [merged]
        return (*outputs, *states) if len(outputs) + len(states) > 1 else merged

    def _merge(self, a: Any, b: Any) -> Any:
        if self.merge_mode is None:
            return a, b
        if self.merge_mode == "concat":
            return ops.concatenate([a, b], axis=-1)
        if self.merge_mode == "mul":
            return a * b
        return a + b if self.merge_mode == "sum" else (a + b) * 0.5

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "layer": registry.serialize(self.forward_layer),
            "backward_layer": registry.serialize(self.backward_layer),
            "merge_mode": self.merge_mode,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Bidirectional:
        """Makes the layer from what :meth:`get_config` returned (not its weights).

        Args:
            config: the settings.
        """
        settings = dict(config)
        for name in ("layer", "backward_layer"):
            settings[name] = _layer_from(settings.get(name))
        return cls(**settings)


class TimeDistributed(Layer):
    """Applies a layer to every step of sequences.

    The steps of all rows go through the layer as one batch: what a layer learns about its batch
    (BatchNormalization) is about all of them.

    Args:
        layer: any layer.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, time, ...) to (batch, time, ...), from the layer's (batch, ...) to (batch, ...).

    Raises:
        TypeError: for something that is no layer.

    Example:
        >>> import numpy as np
        >>> from fastnn.layers import Dense
        >>> TimeDistributed(Dense(2))(np.ones((4, 5, 3), "float32")).shape
        (4, 5, 2)
    """

    _masking = True
    _holds = ("layer",)

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise TypeError(f"[TimeDistributed] expected a layer, got {layer!r}")
        self.layer = layer
        self._expect(rank=3)

    def build(self, input_shape: Shape) -> None:
        """Builds the layer for a single step.

        Args:
            input_shape: (batch, time, ...).
        """
        self._check_shape(input_shape)
        if not self.layer.built:
            self.layer.build((input_shape[0], *input_shape[2:]))

    def call(self, inputs: Tensor, mask: Any = None) -> Any:
        """The layer of every step.

        Args:
            inputs: (batch, time, ...).
            mask: (batch, time, ...); what it says beyond steps reaches a layer that takes masks.

        Raises:
            ValueError: for a mask that is not of the inputs' batch and time.
        """
        rows, time = inputs.dims[:2]
        if mask is not None and mask.ndim < 2:
            raise ValueError(
                "[TimeDistributed] expected a mask of shape (batch, time, ...), got "
                f"{format_shape(mask.shape)}"
            )
        given = {}
        if mask is not None and mask.ndim > 2:
            given["mask"] = ops.reshape(mask, (rows * time, *mask.dims[2:]))
        outputs = self.layer(ops.reshape(inputs, (rows * time, *inputs.dims[2:])), **given)
        return map_structure(lambda y: ops.reshape(y, (rows, time, *y.dims[1:])), outputs)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The inputs' own.

        Args:
            inputs: (batch, time, ...).
            mask: theirs.
        """
        return mask

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "layer": registry.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TimeDistributed:
        """Makes the layer from what :meth:`get_config` returned (not its weights).

        Args:
            config: the settings.
        """
        settings = dict(config)
        settings["layer"] = _layer_from(settings["layer"])
        return cls(**settings)


def _like(layer: RNN, prefix: str, go_backwards: bool) -> RNN:
    name = prefix + layer.name.removeprefix(prefix)
    config = {**layer.get_config(), "name": name, "go_backwards": go_backwards}
    return type(layer).from_config(config)


def _layer_from(config: Any) -> Any:
    if config is None or isinstance(config, Layer):
        return config
    from fastnn import layers

    return registry.Registry("layer", [getattr(layers, name) for name in layers.__all__]).get(
        config
    )
