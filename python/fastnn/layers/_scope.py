"""What a trace of layers collects beside its outputs: the training flag, losses, updates."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastnn._tensor import Tensor, Variable


class Scope:
    """One trace of a model.

    Attributes:
        training: whether the trace is of the training phase (dropout is active).
        losses: terms that layers have added to the cost (``add_loss``, activity regularizers).
        draws: how many random tensors each layer with a seed of its own has drawn, by its id.
        updates: (variable, new value) pairs of layers with state, such as batch normalisation.
        lookups: what indexes the rows of a layer's table, and how many rows it has.
    """

    def __init__(self, training: bool) -> None:
        self.training = training
        self.losses: list[Tensor] = []
        self.draws: dict[int, int] = {}
        self.updates: list[tuple[Variable, Tensor]] = []
        self.lookups: list[tuple[Tensor, int]] = []


class _Local(threading.local):
    scope: Scope | None = None
    file: FileWeights | None = None


_local = _Local()


def current() -> Scope | None:
    """The scope of the trace that this thread is in, if any."""
    return _local.scope


@contextmanager
def tracing(training: bool) -> Iterator[Scope]:
    """Opens a scope: layers called inside become part of one trace."""
    outer = _local.scope
    _local.scope = Scope(training)
    try:
        yield _local.scope
    finally:
        _local.scope = outer


@contextmanager
def suspended() -> Iterator[None]:
    """Steps out of the trace: layers called inside are recorded as a functional model's."""
    outer = _local.scope
    _local.scope = None
    try:
        yield
    finally:
        _local.scope = outer


@contextmanager
def phase(scope: Scope, training: Any) -> Iterator[None]:
    """Overrides the training flag for one layer's call; ``None`` leaves it as it is."""
    outer = scope.training
    if training is not None:
        scope.training = bool(training)
    try:
        yield
    finally:
        scope.training = outer


class FileWeights:
    """Room for the weights of layers that are made from a file: no more than the file holds.

    Args:
        nbytes: of the file's weights.
    """

    def __init__(self, nbytes: int) -> None:
        self._left = nbytes

    def zeros(self, owner: str, name: str, shape: tuple[int, ...], dtype: str) -> Any:
        """A weight that is still to be read.

        Args:
            owner: the layer's class, for messages.
            name: of the weight.
            shape: its sizes.
            dtype: of its numbers.

        Raises:
            ValueError: where the file has not that many numbers.
        """
        wanted = math.prod(shape) * np.dtype(dtype).itemsize
        if wanted > self._left:
            raise ValueError(
                f"[{owner}] {name} of shape {shape} takes {wanted} bytes, the file has "
                f"{self._left} left for weights"
            )
        self._left -= wanted
        return np.zeros(shape, dtype)


@contextmanager
def weights_from_file(nbytes: int) -> Iterator[None]:
    """Within it, weights of new layers are zeros, and take no more memory than the file has."""
    outer = _local.file
    _local.file = FileWeights(nbytes)
    try:
        yield
    finally:
        _local.file = outer


def file_weights() -> FileWeights | None:
    """The room for weights, while layers are made from a file."""
    return _local.file
