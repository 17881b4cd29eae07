"""Several cells as one, and what is asked of any cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastnn import _registry as registry
from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers._arguments import Shape
from fastnn.layers._base import Layer
from fastnn.layers._cell import Cell
from fastnn.layers._nest import flatten, pack_like
from fastnn.layers.recurrent_cells import GRUCell, LSTMCell, SimpleRNNCell


class StackedRNNCells(Layer):
    """Several cells as one: each reads the output of the one before.

    Args:
        cells: a list of cells.
        **kwargs: as for :class:`Layer`.

    Raises:
        ValueError: for something that is no list of cells.

    Example:
        >>> import numpy as np
        >>> from fastnn.layers import RNN
        >>> x = np.ones((2, 5, 3), "float32")
        >>> RNN(StackedRNNCells([LSTMCell(4), GRUCell(6)]))(x).shape
        (2, 6)
    """

    _holds = ("cells",)

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = list(cells)
        for cell in self.cells:
            if getattr(cell, "state_size", None) is None:
                raise ValueError(f"[StackedRNNCells] expected cells with state_size, got {cell!r}")
        if not self.cells:
            raise ValueError("[StackedRNNCells] expected at least one cell, got none")

    @property
    def state_size(self) -> list[Any]:
        """The state sizes of all cells, a list of theirs."""
        return [state_sizes(cell) for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The last cell's."""
        return output_size(self.cells[-1])

    def build(self, input_shape: Shape) -> None:
        """Builds the cells.

        Args:
            input_shape: (batch, features).
        """
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def stepper(self, rows: Any, features: int, training: bool) -> Any:
        """A function of inputs and states, in which dropout draws once for all steps.

        Args:
            rows: of the batch.
            features: of the inputs.
            training: whether dropout is active.
        """
        masks: list[Any] = []
        for cell in self.cells:
            drawn = cell.draw_masks(rows, features, training) if isinstance(cell, Cell) else None
            masks.append(drawn)
            features = output_size(cell)

        def step(inputs: Tensor, states: Any) -> Any:
            new = []
            for cell, state, mask in zip(self.cells, states, masks, strict=True):
                if mask is None:
                    inputs, fresh = cell(inputs, state)
                else:
                    inputs, fresh = cell.advance(cell.project(inputs, mask), flatten(state), mask)
                new.append(fresh)
            return inputs, new

        return step

    def call(self, inputs: Tensor, states: Any, training: bool = False) -> Any:
        """One step of all cells.

        Args:
            inputs: (batch, features).
            states: a list of each cell's states.
            training: whether dropout is active.

        Returns:
            The last cell's output, and the new states in the form of ``states``.
        """
        step = self.stepper(inputs.dims[0], int(inputs.dims[-1]), training)
        outputs, new = step(inputs, states)
        return outputs, pack_like(states, flatten(new))

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "cells": [registry.serialize(c) for c in self.cells]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> StackedRNNCells:
        """Makes the cells from what :meth:`get_config` returned (not their weights).

        Args:
            config: the settings.
        """
        settings = dict(config)
        return cls([cell_from(cell) for cell in settings.pop("cells")], **settings)


CELLS = {cell.__name__: cell for cell in (SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells)}


def cell_from(config: Any) -> Any:
    """A cell of this module from its configuration, or the cell itself."""
    return registry.Registry("cell", CELLS.values()).get(config)


def state_sizes(cell: Any) -> Any:
    """The cell's state sizes, as a list where there is a list of them."""
    sizes = cell.state_size
    return list(sizes) if isinstance(sizes, (list, tuple)) else sizes


def output_size(cell: Any) -> int:
    """The size of the cell's output; by default that of its first state."""
    size = getattr(cell, "output_size", None)
    return int(flatten(state_sizes(cell))[0] if size is None else size)


def last_output(cell: Any, states: Any) -> Any:
    """What stands for the output before the first step: the state that is the output, or zeros."""
    own = states[-1] if isinstance(cell, StackedRNNCells) else states
    first = flatten(own)[0]
    size = output_size(cell)
    return first if first.shape[-1] == size else ops.full((first.dims[0], size), 0.0, first.dtype)
