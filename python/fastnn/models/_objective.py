"""What compile() was given, resolved for a model's outputs: losses, metrics, their variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _registry as registry
from fastnn import graph, losses, metrics, ops
from fastnn._tensor import Tensor, Variable
from fastnn.layers._arguments import format_shape
from fastnn.layers._nest import is_deep, spread_over
from fastnn.models import _checks
from fastnn.models._last_layer import warn_of_mismatch

_BINARY = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy)
_CATEGORICAL = (losses.CategoricalCrossentropy, losses.CategoricalFocalCrossentropy)
_SPARSE = (losses.SparseCategoricalCrossentropy,)


@dataclass
class Settings:
    """The arguments of compile(), checked as far as they can be without a model's outputs."""

    loss: Any = None
    loss_weights: Any = None
    metrics: Any = None
    weighted_metrics: Any = None

    def check(self) -> None:
        """Raises ValueError for unknown names of losses and metrics."""
        for identifier in _names_in(self.loss):
            if identifier.lower() not in ("crossentropy", "ce"):
                losses.get(identifier)
        for given in (self.metrics, self.weighted_metrics):
            for identifier in _names_in(given):
                if identifier.lower() not in _BY_SHAPE:
                    metrics.get(identifier)

    def wanted(self, owner: str, names: list[str], template: Any) -> list[bool]:
        """Which outputs are trained or measured, and so need targets."""
        chosen = for_outputs(owner, "loss", self.loss, names, template)
        measured = [
            metric_lists(owner, given, names, template)
            for given in (self.metrics, self.weighted_metrics)
        ]
        return [
            loss is not None or any(lists[number] for lists in measured)
            for number, loss in enumerate(chosen)
        ]


_BY_SHAPE = ("accuracy", "acc", "crossentropy", "ce")


def _names_in(given: Any) -> list[str]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, Mapping):
        return [name for value in given.values() for name in _names_in(value)]
    if isinstance(given, (list, tuple)):
        return [name for value in given for name in _names_in(value)]
    return []


def for_outputs(owner: str, what: str, given: Any, names: list[str], template: Any) -> list[Any]:
    """One entry an output, from what compile() was given.

    Args:
        owner: the class that error messages name.
        what: the argument.
        given: a list, a dict by name, the outputs' own structure, or a single thing for all.
        names: of the outputs.
        template: their structure.

    Raises:
        ValueError: for unknown names, or another number of entries.
    """
    if isinstance(given, Mapping) and "class_name" in given:
        return [given] * len(names)
    if is_deep(template) and isinstance(given, (Mapping, list, tuple)):
        try:
            return spread_over(template, given)
        except (KeyError, ValueError) as error:
            raise ValueError(
                f"[{owner}] {what} differs from the outputs' structure: {error}"
            ) from None
    if isinstance(given, Mapping):
        for key in given:
            if key not in names:
                hint = registry.did_you_mean(str(key), names)
                raise ValueError(
                    f"[{owner}] {what} names an output {key!r}, the model has "
                    f"{', '.join(names)}{hint}"
                )
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(
                f"[{owner}] expected {len(names)} entries in {what} ({', '.join(names)}), got "
                f"{len(given)}"
            )
        return list(given)
    return [given] * len(names)


def metric_lists(owner: str, given: Any, names: list[str], template: Any) -> list[list[Any]]:
    """A list of metrics for each output; see :func:`for_outputs`."""
    if given is None:
        return [[] for _ in names]
    if not isinstance(given, (list, tuple, Mapping)):
        given = [given]
    if isinstance(given, (list, tuple)):
        nested = any(isinstance(item, (list, tuple)) for item in given)
        if len(names) == 1 and not nested:
            return [list(given)]
    parts = for_outputs(owner, "metrics", given, names, template)
    return [
        [] if part is None else list(part) if isinstance(part, (list, tuple)) else [part]
        for part in parts
    ]


class Mean:
    """A running mean of scalars, weighted by the size of their batch.

    Args:
        name: of its variables.
    """

    def __init__(self, name: str) -> None:
        self.total: Variable = graph.shared(np.zeros((), np.float64), f"{name}_total", "metric")
        self.count: Variable = graph.shared(np.zeros((), np.float64), f"{name}_count", "metric")

    def update(self, value: Tensor, rows: Tensor) -> list[tuple[Variable, Tensor]]:
        """The updates that add a batch's value."""
        added = ops.cast(value, "float64") * rows
        return [(self.total, self.total + added), (self.count, self.count + rows)]

    def result(self) -> float:
        """The mean; 0 before any value."""
        count = float(self.count.get_value())
        return float(self.total.get_value()) / count if count else 0.0

    def reset_state(self) -> None:
        """Starts again."""
        nothing = np.zeros((), np.float64)
        self.total.set_value(nothing)
        self.count.set_value(nothing)


@dataclass
class Tracked:
    """A metric of an output.

    Attributes:
        key: its name in logs.
        metric: the object.
        output: the number of the output.
        weighted: whether sample weights count.
    """

    key: str
    metric: Any
    output: int
    weighted: bool


class Objective:
    """The cost of a model and what is measured beside it.

    Args:
        owner: the class that error messages name.
        settings: the arguments of compile().
        names: of the outputs.
        template: their structure.
        outputs: shapes of the outputs, None for the batch.
        targets: shapes of the targets; empty where there are none.

    Raises:
        ValueError: for names of outputs that the model does not have.
    """

    def __init__(
        self,
        owner: str,
        settings: Settings,
        names: list[str],
        template: Any,
        outputs: Sequence[tuple[int | None, ...]],
        targets: Sequence[tuple[int | None, ...]],
    ) -> None:
        self._owner = owner
        self.names = names
        self._template = template
        self._ranks = _ranks(targets)
        self._given = list(targets)
        shapes = list(zip(targets or outputs, outputs, strict=True))
        chosen = for_outputs(owner, "loss", settings.loss, names, template)
        self.losses: list[Any] = [
            losses.resolve(loss, true, pred)
            for loss, (true, pred) in zip(chosen, shapes, strict=True)
        ]
        self._looked_at = False  # whether losses and last activations go together
        self.loss_weights = self._weights(settings.loss_weights)
        self.loss_tracker = Mean("loss")
        several = sum(loss is not None for loss in self.losses) > 1
        self.part_trackers = [
            Mean(f"{name}_loss") if several and loss is not None else None
            for name, loss in zip(names, self.losses, strict=True)
        ]
        self.tracked: list[Tracked] = []
        for given, weighted in ((settings.metrics, False), (settings.weighted_metrics, True)):
            self._add_metrics(given, weighted, shapes)

    def suits(self, names: list[str], targets: Sequence[tuple[int | None, ...]]) -> bool:
        """Whether it serves for these outputs and targets: "accuracy" depends on both."""
        if any(_is_of_the_user(item.metric) for item in self.tracked) and targets:
            return names == self.names and list(targets) == self._given
        return names == self.names and _ranks(targets) == self._ranks

    def _weights(self, given: Any) -> list[float]:
        if given is None:
            return [1.0] * len(self.names)
        if isinstance(given, (int, float)):
            given = [given]
        found = for_outputs(self._owner, "loss_weights", given, self.names, self._template)
        for weight in found:
            if weight is not None and not isinstance(weight, (int, float, np.number)):
                raise ValueError(
                    f"[{self._owner}] expected numbers in loss_weights, got {weight!r}"
                )
        return [1.0 if weight is None else float(weight) for weight in found]

    def _add_metrics(
        self, given: Any, weighted: bool, shapes: list[tuple[tuple[Any, ...], tuple[Any, ...]]]
    ) -> None:
        if given is None:
            return
        per_output = metric_lists(self._owner, given, self.names, self._template)
        several = len(self.names) > 1
        for number, (items, (true, pred)) in enumerate(zip(per_output, shapes, strict=True)):
            for item in items:
                if item is None:
                    continue
                metric = metrics.resolve(item, true, pred)
                key = item if isinstance(item, str) else metric.name
                key = f"{self.names[number]}_{key}" if several else key
                if any(key == other.key for other in self.tracked):
                    key = f"weighted_{key}" if weighted else f"{key}_{len(self.tracked)}"
                metric.ensure_built(true, pred)
                self.tracked.append(Tracked(key, metric, number, weighted))

    # --- at trace

    def cost(
        self,
        outputs: Sequence[Tensor],
        targets: Sequence[Tensor | None],
        weights: Sequence[Tensor | None],
        added: Sequence[Tensor],
    ) -> tuple[Tensor, list[Tensor | None]]:
        """The scalar to minimise, and the loss of each output.

        Args:
            outputs: of the model.
            targets: one an output, or none.
            weights: sample weights, one an output.
            added: terms of layers and regularizers.

        Raises:
            ValueError: where nothing is to be minimised, or targets are missing.
        """
        parts: list[Tensor | None] = []
        terms: list[Tensor] = []
        for number, loss in enumerate(self.losses):
            if loss is None:
                parts.append(None)
                continue
            if not targets:
                raise ValueError(
                    f"[{self._owner}] the loss {loss.name!r} needs targets, got y=None"
                )
            if not self._looked_at:
                warn_of_mismatch(self._owner, self.names[number], outputs[number], loss)
            part = loss(targets[number], outputs[number], weights[number])
            if part.ndim != 0:
                raise ValueError(
                    f"[{self._owner}] expected the loss {loss.name!r} to give a number a batch, "
                    f"got shape {part.shape}: use a reduction"
                )
            parts.append(part)
            factor = self.loss_weights[number]
            terms.append(part if factor == 1.0 else part * factor)
        self._looked_at = True
        terms.extend(added)
        if not terms:
            raise ValueError(
                f"[{self._owner}] there is nothing to minimise: give compile() a loss, or add one "
                "with add_loss()"
            )
        total = terms[0]
        for term in terms[1:]:
            total = total + (term if term.dtype == total.dtype else ops.cast(term, total.dtype))
        return total, parts

    def updates(
        self,
        outputs: Sequence[Tensor],
        targets: Sequence[Tensor | None],
        weights: Sequence[Tensor | None],
        total: Tensor,
        parts: Sequence[Tensor | None],
        rows: Tensor,
    ) -> list[tuple[Variable, Tensor]]:
        """The updates of all metrics by a batch."""
        found = self.loss_tracker.update(total, rows)
        for tracker, part in zip(self.part_trackers, parts, strict=True):
            if tracker is not None and part is not None:
                found += tracker.update(part, rows)
        if targets:
            for item in self.tracked:
                weight = weights[item.output] if item.weighted else None
                target = targets[item.output]
                if target is not None and self._is_flattened(item, target):
                    target = ops.expand_dims(target, -1)
                found += item.metric.update(target, outputs[item.output], weight)
        return found

    def _is_flattened(self, item: Tracked, target: Tensor) -> bool:
        """Whether a metric of the user's own expects an axis of length 1 that the data had."""
        return target.ndim == len(self._given[item.output]) - 1 and _is_of_the_user(item.metric)

    def target_dtype(self, number: int, output_dtype: str) -> str:
        """The dtype in which targets reach the program: whole numbers for sparse losses."""
        if isinstance(self.losses[number], _SPARSE):
            return "int64"
        return output_dtype

    # --- figures

    def reset(self) -> None:
        """Starts all means again."""
        self.loss_tracker.reset_state()
        for tracker in self.part_trackers:
            if tracker is not None:
                tracker.reset_state()
        for item in self.tracked:
            item.metric.reset_state()

    def loss(self) -> float:
        """The mean loss since the last reset."""
        return self.loss_tracker.result()

    def results(self) -> dict[str, Any]:
        """All figures since the last reset: the loss first, then metrics as compiled."""
        logs: dict[str, Any] = {"loss": self.loss()}
        for name, tracker in zip(self.names, self.part_trackers, strict=True):
            if tracker is not None:
                logs[f"{name}_loss"] = tracker.result()
        for item in self.tracked:
            logs[item.key] = item.metric.result()
        return logs

    # --- targets

    def check_target(
        self, number: int, label: str, array: NDArray[Any], output: tuple[int | None, ...]
    ) -> NDArray[Any]:
        """Checks shape and values of an output's targets, as its loss needs them.

        Args:
            number: of the output.
            label: what error messages call the array.
            array: the targets.
            output: the output's shape.

        Returns:
            The array, or a view with an axis of length 1 added or removed.

        Raises:
            ValueError: for another shape, or labels that the loss has no meaning for.
        """
        loss = self.losses[number]
        known = loss is not None and type(loss).__module__.startswith("fastnn.losses")
        if isinstance(loss, _SPARSE):
            if array.shape[1:] == output[1:] and output[-1] != 1:
                raise ValueError(
                    f"[{self._owner}] expected {label} of shape {format_shape(output[:-1])}, got "
                    f"{array.shape}: for one-hot rows use the loss 'categorical_crossentropy'"
                )
            shaped = _checks.require_shape(self._owner, label, array, output[1:-1])
            if output[-1] is not None:
                ignored = loss.settings.get("ignore_class")
                _checks.require_classes(self._owner, label, array, output[-1], ignored)
            return shaped
        custom = isinstance(loss, losses.LossFunctionWrapper) and not (
            getattr(loss.fn, "__module__", "").startswith("fastnn.losses")
        )
        if known and not custom:
            if isinstance(loss, _CATEGORICAL) and _is_sparse(array, output):
                raise ValueError(
                    f"[{self._owner}] expected {label} of shape "
                    f"{format_shape(output)}, got {array.shape}: for class numbers use "
                    "the loss 'sparse_categorical_crossentropy', or fastnn.utils.to_categorical"
                )
            shaped = _checks.require_shape(self._owner, label, array, output[1:])
            if isinstance(loss, _BINARY):
                _checks.require_unit_interval(self._owner, label, array)
            return shaped
        if array.ndim == 1 and len(output) == 2 and output[-1] == 1:
            return array[:, None]
        return array


def _is_of_the_user(metric: Any) -> bool:
    """Whether a metric, or the function that it is the mean of, is none of fastnn's."""
    written = getattr(metric, "fn", None) or type(metric)
    return not str(getattr(written, "__module__", "")).startswith("fastnn.")


def _ranks(shapes: Sequence[tuple[int | None, ...]]) -> list[int]:
    """Ranks, in which a last axis of length 1 does not count."""
    return [len(shape) - (len(shape) > 1 and shape[-1] == 1) for shape in shapes]


def _is_sparse(array: NDArray[Any], output: tuple[int | None, ...]) -> bool:
    if output[-1] in (1, None):
        return False
    short = array.ndim == len(output) - 1
    return short or (array.ndim == len(output) and array.shape[-1] == 1)
