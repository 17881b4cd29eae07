"""All that training changes: weights, optimizer, metrics and the place in the epoch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn._tensor import Variable
from fastnn.io._tensors import Source, TensorFile
from fastnn.layers import _track
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten
from fastnn.models._clock import Clock

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable


def source(variable: Variable) -> Source:
    """A variable as a tensor to be written."""
    return Source(np.dtype(variable.dtype), tuple(variable.shape), variable.get_value)


def array_source(array: NDArray[Any]) -> Source:
    """An array as a tensor to be written."""
    return Source(array.dtype, array.shape, lambda: array)


def weight_names(model: Layer) -> list[str]:
    """A name for each of ``model.weights``: the layers that lead to it, and its own.

    Args:
        model: a model or layer.

    Example:
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense
        >>> weight_names(Sequential([Dense(1, input_dim=2, name="out")]))
        ['out/kernel', 'out/bias']
    """
    names: dict[int, str] = {}
    taken: set[str] = set()
    seen: set[int] = set()

    def visit(layer: Layer, prefix: str) -> None:
        seen.add(id(layer))
        for variable in _track.own_variables(layer):
            if id(variable) not in names:
                names[id(variable)] = unique(f"{prefix}{variable.name}", taken)
        for inner in _track.sublayers(layer):
            if id(inner) not in seen:
                visit(inner, f"{prefix}{inner.name}/")

    visit(model, "")
    return [names[id(variable)] for variable in model.weights]


def unique(name: str, taken: set[str]) -> str:
    """The name, with a number where it is taken; it is taken from now on."""
    found, number = name, 0
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    taken.add(found)
    return found


class Tensors:
    """Collects what is written, each under a name of its own."""

    def __init__(self) -> None:
        self.sources: dict[str, Source] = {}
        self._taken: set[str] = set()

    def add(self, name: str, tensor: Source) -> str:
        """Takes a tensor in and returns the name it got."""
        name = unique(name, self._taken)
        self.sources[name] = tensor
        return name

    def add_variables(self, prefix: str, variables: Iterable[Variable]) -> list[str]:
        """Takes variables in under a prefix."""
        return [self.add(f"{prefix}/{v.name}", source(v)) for v in variables]

    def add_weights(self, model: Layer) -> list[str]:
        """Takes a model's weights in."""
        pairs = zip(weight_names(model), model.weights, strict=True)
        return [self.add(name, source(v)) for name, v in pairs]


def collect_optimizer(model: Any, tensors: Tensors, optimizer: Any = None) -> dict[str, Any] | None:
    """The optimizer's state, with the numbers of the weights that it belongs to.

    Args:
        model: the model; it has weights.
        tensors: receives the state.
        optimizer: default: the model's.

    Raises:
        ValueError: where the optimizer trains variables that are not the model's.
    """
    optimizer = model.optimizer if optimizer is None else optimizer
    if optimizer is None:
        return None
    place = {id(variable): number for number, variable in enumerate(model.weights)}
    if any(id(variable) not in place for variable in optimizer._trained):
        raise ValueError(
            f"[{type(model).__name__}] the optimizer {optimizer.name!r} trains variables that are "
            "not the model's: save with include_optimizer=False"
        )
    undecayed, pattern = optimizer._undecayed
    return {
        "built": optimizer.built,
        "trained": [place[id(variable)] for variable in optimizer._trained],
        "undecayed": sorted(place[key] for key in undecayed if key in place),
        "undecayed_names": None if pattern is None else pattern.pattern,
        "tensors": tensors.add_variables("optimizer", optimizer.variables),
    }


def restore_optimizer(
    model: Any, state: Mapping[str, Any], file: TensorFile, optimizer: Any = None
) -> None:
    """Sets the state of a model's optimizer, building it where needed.

    Args:
        model: the model, compiled.
        state: from :func:`collect_optimizer`.
        file: the file.
        optimizer: default: the model's.

    Raises:
        ValueError: where the state belongs to another optimizer.
    """
    optimizer = model.optimizer if optimizer is None else optimizer
    owner = type(optimizer).__name__
    weights = model.weights
    numbers = [*state["trained"], *state["undecayed"]]
    if any(type(n) is not int or not 0 <= n < len(weights) for n in numbers):
        raise ValueError(f"[{owner}] the state is for more weights than the model has")
    trained = [weights[number] for number in state["trained"]]
    slots = sum(len(optimizer.slot_values(variable)) for variable in trained)
    if state["built"] and slots > len(state["tensors"]):
        raise ValueError(f"[{owner}] expected {slots} arrays of state, got {len(state['tensors'])}")
    if state["built"] and not optimizer.built:
        names = state["undecayed_names"]
        optimizer.exclude_from_weight_decay(
            [weights[number] for number in state["undecayed"]], None if names is None else [names]
        )
        optimizer.build(trained)
    if [id(v) for v in optimizer._trained] != [id(v) for v in trained] and state["built"]:
        raise ValueError(f"[{owner}] the state is for other weights than those it trains")
    set_all(optimizer.variables, state["tensors"], file, owner)


def metric_variables(model: Trainable) -> list[Variable]:
    """The accumulators of loss and metrics, in order."""
    objective = model._objective
    if objective is None:
        return []
    trackers = [objective.loss_tracker, *(t for t in objective.part_trackers if t is not None)]
    found = [variable for tracker in trackers for variable in (tracker.total, tracker.count)]
    return [*found, *(v for item in objective.tracked for v in item.metric.variables)]


def collect_training(model: Trainable, tensors: Tensors) -> dict[str, Any]:
    """The place in the training, the metrics of the epoch so far, the states of layers.

    Args:
        model: the model.
        tensors: receives the metrics.
    """
    clock = model._engine.clock
    metrics = metric_variables(model) if clock.batch else []
    return {
        "clock": clock.state(),
        "metrics": tensors.add_variables("metrics", metrics),
        "states": tensors.add_variables("states", state_variables(model)),
    }


def state_variables(model: Layer) -> list[Variable]:
    """What stateful recurrent layers keep from batch to batch, which is no weight."""
    states = [getattr(layer, "states", None) for layer in _track.layers_within(model)]
    kept = [leaf for state in states for leaf in flatten(state)]
    return list({id(v): v for v in kept if isinstance(v, Variable)}.values())


class Resume:
    """What a training is gone on with.

    Args:
        clock: where it was.
        metrics: the accumulators of its epoch so far, none at the start of an epoch.
    """

    def __init__(self, clock: Clock, metrics: Sequence[NDArray[Any]]) -> None:
        self.clock = clock
        self._metrics = list(metrics)

    def restore_metrics(self, model: Trainable) -> None:
        """Sets loss and metrics to what they were; once.

        Args:
            model: the model, in training.

        Raises:
            ValueError: where they are those of another compilation.
        """
        values, self._metrics = self._metrics, []
        if not values:
            return
        variables = metric_variables(model)
        shapes = [tuple(v.shape) for v in variables]
        if [value.shape for value in values] != shapes:
            raise ValueError(
                f"[{type(model).__name__}] the file's metrics are not those that the model is "
                f"compiled with: expected shapes {shapes}, got {[v.shape for v in values]}"
            )
        for variable, value in zip(variables, values, strict=True):
            variable.set_value(value)


def resume_from(model: Trainable, training: Mapping[str, Any], file: TensorFile) -> Resume:
    """The inverse of :func:`collect_training`: sets the states of layers, and gives the rest.

    Args:
        model: the model.
        training: the plain data.
        file: the file.

    Raises:
        ValueError: for data that are no such state.
    """
    set_all(state_variables(model), training["states"], file, type(model).__name__)
    metrics = [file.read(name) for name in training["metrics"]]
    return Resume(Clock.from_state(training["clock"]), metrics)


def set_all(
    variables: Sequence[Variable], names: Sequence[str], file: TensorFile, owner: str
) -> None:
    """Sets variables from a file, in order, after all shapes and dtypes were compared.

    Args:
        variables: all of them.
        names: of the file's tensors.
        file: the file.
        owner: the class that error messages name.

    Raises:
        ValueError: for another number, shape or dtype.
    """
    if len(names) != len(variables):
        raise ValueError(
            f"[{owner}] expected {len(variables)} arrays in the file, got {len(names)}"
        )
    for variable, name in zip(variables, names, strict=True):
        dtype, shape = file.type_of(name)
        if shape != tuple(variable.shape) or dtype != variable.dtype:
            raise ValueError(
                f"[{owner}] {name}: expected {variable.dtype} of shape {tuple(variable.shape)}, "
                f"got {dtype} of shape {shape}"
            )
    for variable, name in zip(variables, names, strict=True):
        set_from(variable, name, file)


def set_from(variable: Variable, name: str, file: TensorFile) -> None:
    """Sets a variable from a tensor of its shape, without a copy of it on the way."""
    plain = file.entries[name].dtype not in ("BOOL", "BF16")
    if plain and file.type_of(name)[0] == variable.dtype:
        file.copy_to(name, variable._storage.set_bytes)
    else:
        variable.set_value(file.read(name))
