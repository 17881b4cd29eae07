"""The layer that runs any cell over the steps of sequences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fastnn import _registry as registry
from fastnn import graph, ops
from fastnn._tensor import Tensor
from fastnn.layers import _scope
from fastnn.layers._arguments import Shape, format_shape
from fastnn.layers._base import Layer
from fastnn.layers._cell import Cell
from fastnn.layers._nest import flatten, map_structure, pack_like
from fastnn.layers.stacked_cells import StackedRNNCells, cell_from, last_output, state_sizes

_IGNORED = ("unroll",)  # how Keras may carry the recurrence out


class RNN(Layer):
    """Runs a cell over the steps of sequences.

    Args:
        cell: a cell of this module, or a layer of one's own whose ``call(inputs, states)`` takes
            inputs (batch, features) and states (batch, size) and returns the output and the new
            states, with an attribute ``state_size``: a size, or a list of them. A list of cells
            is stacked (:class:`StackedRNNCells`).
        return_sequences: whether the output of every step is returned; default: the last one's.
        return_state: whether the last states follow the output; default False.
        go_backwards: runs from the last step to the first; the outputs stand in that order.
        stateful: each batch goes on from the states that the last one has left, in training and
            prediction; :meth:`reset_states` sets them to 0. The batch's size has to be known:
            ``batch_input_shape=(8, 10, 3)``, or ``Input(batch_shape=(8, 10, 3))``.
        zero_output_for_mask: whether the output of a masked step is 0; default: that of the step
            before. A masked step leaves the states as they are.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, time, features) to (batch, units), or (batch, time, units); time may be open.

    Raises:
        ValueError: for a cell without ``state_size``.

    Example:
        >>> import numpy as np
        >>> from fastnn.layers import LSTMCell
        >>> x = np.ones((2, 5, 3), "float32")
        >>> RNN(LSTMCell(4), return_sequences=True)(x).shape
        (2, 5, 4)
    """

    _masking = True
    _holds: tuple[str, ...] = ("cell",)

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        for name in _IGNORED:
            kwargs.pop(name, None)
        super().__init__(**kwargs)
        owner = type(self).__name__
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        if not callable(cell) or getattr(cell, "state_size", None) is None:
            raise ValueError(
                f"[{owner}] expected a cell: a layer with call(inputs, states) and state_size, "
                f"got {cell!r}"
            )
        self.cell = cell
        self.return_sequences = bool(return_sequences)
        self.return_state = bool(return_state)
        self.go_backwards = bool(go_backwards)
        self.stateful = bool(stateful)
        self.zero_output_for_mask = bool(zero_output_for_mask)
        self._kept_states: Any = None
        self._expect(rank=3)

    # --- building

    def build(self, sequences_shape: Shape) -> None:
        """Builds the cell, and makes the states of a stateful layer.

        Args:
            sequences_shape: (batch, time, features).

        Raises:
            ValueError: for a stateful layer whose batch is open.
        """
        self._check_shape(sequences_shape)
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            self._make_states(sequences_shape)
        if sequences_shape[-1] is not None:
            self._expect({-1: int(sequences_shape[-1])}, rank=3)

    def _make_states(self, shape: Shape) -> None:
        rows = shape[0]
        if rows is None:
            raise ValueError(
                f"[{type(self).__name__}] a stateful layer keeps a state for each row of a batch: "
                "its size has to be known. Give the layer batch_input_shape=(rows, steps, "
                f"features) or the model Input(batch_shape=...), got {format_shape(shape)}"
            )
        self._kept_states = map_structure(
            lambda size: graph.shared(
                np.zeros((rows, size), self.dtype), name=f"{self.name}_state", role="state"
            ),
            state_sizes(self.cell),
        )

    @property
    def states(self) -> Any:
        """The variables of a stateful layer, in the form of the cell's state_size; else None.

        They are no weights: their shape is that of a batch.
        """
        return self._kept_states

    def reset_states(self) -> None:
        """Sets the states of a stateful layer to 0."""
        for state in flatten(self.states) if self.states is not None else []:
            state.set_value(np.zeros_like(state.get_value()))

    reset_state = reset_states

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """That of the sequences where all outputs are returned; the last one has none.

        Args:
            inputs: the sequences.
            mask: theirs.
        """
        out = flatten(mask)[0] if self.return_sequences else None
        return [out, *[None] * len(flatten(state_sizes(self.cell)))] if self.return_state else out

    # --- running

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """See :class:`Layer`; a stateful layer takes its batch size from the first array."""
        if self.stateful and not self.built and args and isinstance(args[0], np.ndarray):
            self.build(args[0].shape)
        return super().__call__(*args, **kwargs)

    def call(
        self,
        sequences: Tensor,
        initial_state: Any = None,
        mask: Any = None,
        training: bool = False,
    ) -> Any:
        """The output of the last step, or of all, and the last states where they are wanted.

        Args:
            sequences: (batch, time, features).
            initial_state: the states before the first step, in the form of the cell's
                state_size; default: zeros, or what a stateful layer has kept.
            mask: (batch, time); the steps where it is False are passed over. The mask beside
                sequences reaches the layer by itself, but not together with initial_state: then,
                as in Keras, it has to be given.
            training: whether dropout is active.
        """
        states = self._first_states(sequences, initial_state)
        fused = isinstance(self.cell, Cell) and sequences.ndim == 3 and self.cell.can_fuse(training)
        run = self._run_fused if fused else self._run_steps
        last, outputs, states = run(sequences, states, mask, training)
        self._keep(states)
        if self.return_sequences:
            last = ops.flip(outputs, axis=1) if self.go_backwards else outputs
        return (last, *flatten(states)) if self.return_state else last

    def _first_states(self, sequences: Tensor, given: Any) -> Any:
        rows = sequences.dims[0]
        sizes = state_sizes(self.cell)
        if given is None and self.states is not None:
            given = self.states
        if given is None:
            return map_structure(lambda size: ops.full((rows, size), 0.0, self.dtype), sizes)
        leaves = flatten(given)
        if len(leaves) != len(flatten(sizes)):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(flatten(sizes))} initial states, got "
                f"{len(leaves)}"
            )
        fitted = []
        for state, size in zip(leaves, flatten(sizes), strict=True):
            shape = tuple(state.shape)
            if len(shape) != 2 or shape[1] not in (None, size):
                raise ValueError(
                    f"[{type(self).__name__}] expected an initial state of shape (batch, {size}), "
                    f"got {format_shape(shape)}"
                )
            fitted.append(ops.cast(state, self.dtype))
        return pack_like(sizes, fitted)

    def _keep(self, states: Any) -> None:
        scope = _scope.current()
        if self.states is None or scope is None:
            return
        for variable, state in zip(flatten(self.states), flatten(states), strict=True):
            scope.updates.append((variable, ops.reshape(state, variable.shape)))

    def _run_fused(self, sequences: Tensor, states: Any, mask: Any, training: bool) -> Any:
        cell: Cell = self.cell
        masks = cell.draw_masks(sequences.dims[0], int(sequences.dims[2]), training)
        blocks = cell.project(sequences, masks)
        steps = cell.run(blocks, flatten(states), mask, self.go_backwards)
        final = [step[:, 0] if self.go_backwards else step[:, -1] for step in steps]
        outputs = steps[0]
        if mask is not None and self.zero_output_for_mask:
            outputs = ops.where(ops.expand_dims(mask, -1), outputs, 0.0)
        return final[0], outputs, pack_like(state_sizes(self.cell), final)

    def _run_steps(self, sequences: Tensor, states: Any, mask: Any, training: bool) -> Any:
        """Any cell, a step at a time: a loop of the graph."""
        template = state_sizes(self.cell)
        # The rows of a kept state are a number, those of a batch open: they meet when it runs.
        rows = sequences.dims[0]
        states = map_structure(lambda s: ops.reshape(s, (rows, s.dims[1])), states)
        step, inputs = self._prepared(sequences, training)
        order = [1, 0, *range(2, inputs.ndim)]
        xs = [ops.transpose(inputs, order)]
        if mask is not None:
            mask = ops.reshape(mask, sequences.dims[:2])
            xs.append(ops.expand_dims(ops.transpose(mask, [1, 0]), -1))
        last = last_output(self.cell, states)

        def body(x: Tensor, *carried: Any) -> Any:
            seen, (previous, *old) = (None, carried) if mask is None else (carried[0], carried[1:])
            output, new = step(x, pack_like(template, list(old)))
            fresh = flatten(new)
            if seen is None:
                return [output, *fresh], output
            kept = [ops.where(seen, a, b) for a, b in zip(fresh, old, strict=True)]
            hidden = ops.zeros_like(previous) if self.zero_output_for_mask else previous
            output = ops.where(seen, output, hidden)
            return [output, *kept], output

        carried, outputs = graph.scan(body, xs, [last, *flatten(states)], reverse=self.go_backwards)
        back = [1, 0, *range(2, outputs.ndim)]
        final = pack_like(template, list(carried[1:]))
        return carried[0], ops.transpose(outputs, back), final

    def _prepared(self, sequences: Tensor, training: bool) -> tuple[Any, Tensor]:
        """One step as a function, and what it reads: what can be is done for all steps at once."""
        cell = self.cell
        rows = sequences.dims[0]
        if isinstance(cell, Cell) and sequences.ndim == 3:
            masks = cell.draw_masks(rows, int(sequences.dims[2]), training)

            def advance(blocks: Tensor, states: Any) -> Any:
                return cell.advance(blocks, flatten(states), masks)

            return advance, cell.project(sequences, masks)
        if isinstance(cell, StackedRNNCells):
            return cell.stepper(rows, int(sequences.dims[-1]), training), sequences
        return cell, sequences

    # --- configuration

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data.

        Raises:
            NotImplementedError: for a cell that is no layer.
        """
        config = {**super().get_config(), **self._run_config()}
        config["cell"] = registry.serialize(self.cell)
        return config

    def _run_config(self) -> dict[str, Any]:
        names = ("return_sequences", "return_state", "go_backwards", "stateful")
        config = {name: getattr(self, name) for name in names}
        return {**config, "zero_output_for_mask": self.zero_output_for_mask}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> RNN:
        """Makes the layer from what :meth:`get_config` returned (not its weights).

        Args:
            config: the settings; a cell may be one of this module, or an object.

        Raises:
            ValueError: for a cell of an unknown class.
        """
        settings = dict(config)
        if "cell" in settings:
            settings["cell"] = cell_from(settings["cell"])
        return cls(**settings)
