"""The base class of metrics: accumulators, what a batch adds to them, and the result."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import graph, initializers
from fastnn._registry import snake_case, unique_name
from fastnn._tensor import Tensor, Variable, assigning
from fastnn.losses._base import as_value

Pair = tuple[Variable, Any]


class Metric:
    """Base class: subclasses define :meth:`update` and :meth:`result`.

    A metric keeps float64 variables. What a batch adds to them is an expression, so that training
    runs it in C++; :meth:`result` is worked out with NumPy when somebody asks.

    Or, as in Keras, a subclass defines :meth:`update_state` in place of ``update``: of tensors,
    with ``assign``, ``assign_add`` and ``assign_sub`` of its variables. It is traced once; what a
    variable is within it, is what it was before the batch.

    Args:
        name: by default the class's, in snake_case.
        dtype: accepted and ignored: accumulators are float64.

    Attributes:
        direction: 'up' or 'down': what is better; None: it is not known.

    Example:
        >>> from fastnn import ops
        >>> class Largest(Metric):
        ...     def build(self, y_true_shape, y_pred_shape):
        ...         self.largest = self.add_variable("largest")
        ...     def update(self, y_true, y_pred, sample_weight=None):
        ...         self.ensure_built(y_true.shape, y_pred.shape)
        ...         error = ops.cast(ops.max(ops.absolute(y_true - y_pred)), "float64")
        ...         return [(self.largest, ops.maximum(self.largest, error))]
        ...     def result(self):
        ...         return float(self.largest.get_value())
        >>> Largest()(np.zeros((3, 1)), np.array([[1.0], [-4.0], [2.0]]))
        4.0
        >>> class Positives(Metric):
        ...     def __init__(self, name="positives"):
        ...         super().__init__(name)
        ...         self.count = self.add_weight(name="count", initializer="zeros")
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.count.assign_add(ops.sum(ops.cast(y_pred > 0.5, "float32")))
        ...     def result(self):
        ...         return self.count
        >>> Positives()(np.zeros((3, 1)), np.array([[0.1], [0.7], [0.9]]))
        2.0
    """

    direction: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("update_state")
        if own is not None and "update" not in cls.__dict__:
            cls._own_update_state = own  # type: ignore[attr-defined]
            cls.update = _traced_update  # type: ignore[method-assign]
            cls.update_state = _taking_in(own)  # type: ignore[method-assign]
        if "result" in cls.__dict__:
            cls.result = _in_numbers(cls.result)  # type: ignore[method-assign]

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        self.name = name or unique_name(snake_case(type(self).__name__))
        self.variables: list[Variable] = []
        self.built = False
        self._compiled: dict[Any, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """All but what is compiled."""
        return {k: v for k, v in vars(self).items() if k != "_compiled"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _compiled={})

    def add_variable(
        self,
        name: str | None = None,
        shape: tuple[int, ...] = (),
        initializer: Any = "zeros",
        dtype: Any = None,
    ) -> Variable:
        """A float64 accumulator. :meth:`reset_state` sets it to 0.

        Args:
            name: default "variable".
            shape: of the accumulator; default a number.
            initializer: what it holds at first; default zeros.
            dtype: accepted and ignored.
        """
        fill = initializers.get(initializer) or initializers.Zeros()
        value = np.asarray(fill(tuple(shape)), np.float64)
        variable = graph.shared(value, name=f"{self.name}/{name or 'variable'}", role="metric")
        self.variables.append(variable)
        return variable

    add_weight = add_variable

    def build(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Makes the accumulators for targets and predictions of these shapes."""

    def ensure_built(self, y_true_shape: tuple[Any, ...], y_pred_shape: tuple[Any, ...]) -> None:
        """Calls :meth:`build` the first time."""
        if not self.built:
            self.build(tuple(y_true_shape), tuple(y_pred_shape))
            self.built = True

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
        """What a batch adds: (variable, expression) pairs.

        Args:
            y_true: the targets, a tensor.
            y_pred: the predictions, a tensor.
            sample_weight: a tensor of weights, or None.
        """
        raise NotImplementedError(f"{type(self).__name__} has to define update()")

    def result(self) -> Any:
        """The metric over all batches since the last reset: a float, or an array."""
        raise NotImplementedError(f"{type(self).__name__} has to define result()")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes in a batch of arrays.

        Args:
            y_true: targets.
            y_pred: predictions.
            sample_weight: weights, or None.

        Raises:
            ValueError: if the shapes do not fit.
        """
        if _symbolic(y_true, y_pred, sample_weight):
            for variable, value in self._inherited_update(y_true, y_pred, sample_weight):
                variable.assign(value)
            return
        self._take_in([("y_true", y_true), ("y_pred", y_pred)], sample_weight)

    def _inherited_update(self, y_true: Any, y_pred: Any, sample_weight: Any) -> list[Pair]:
        """What ``super().update_state`` adds within an update_state of tensors."""
        self.ensure_built(y_true.shape, y_pred.shape)
        for cls in type(self).__mro__:
            update = cls.__dict__.get("update")
            if update is not None and update is not _traced_update:
                pairs: list[Pair] = update(self, y_true, y_pred, sample_weight)
                return pairs
        raise NotImplementedError(f"{type(self).__name__} has no update() to inherit")

    def reset_state(self) -> None:
        """Forgets all batches."""
        for variable in self.variables:
            variable.set_value(np.zeros(variable.shape, np.float64))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Takes in a batch (see :meth:`update_state`) and gives the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def _take_in(self, inputs: list[tuple[str, Any]], sample_weight: Any) -> None:
        named = [*inputs] if sample_weight is None else [*inputs, ("sample_weight", sample_weight)]
        arrays = [_numbers(value, name) for name, value in named]
        _check_lengths([name for name, _ in named], arrays)
        key = tuple((str(a.dtype), a.shape[1:], a.ndim) for a in arrays), sample_weight is None
        run = self._compiled.get(key)
        if run is None:
            symbols = [
                graph.placeholder(("batch", *a.shape[1:]) if a.ndim else (), str(a.dtype), name)
                for a, (name, _) in zip(arrays, named, strict=True)
            ]
            updates = self.update(*symbols)
            run = self._compiled[key] = graph.function(symbols, [], updates=updates)
        run(*arrays)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make this metric again, without its state."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """Makes the metric from what :meth:`get_config` gave (or Keras's, which has a dtype)."""
        return cls(**{key: value for key, value in config.items() if key != "dtype"})

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


def _symbolic(*given: Any) -> bool:
    return any(isinstance(one, Tensor) for one in given)


def _traced_update(self: Metric, y_true: Any, y_pred: Any, sample_weight: Any = None) -> list[Pair]:
    """What the class's own update_state assigns, given tensors."""
    self.ensure_built(y_true.shape, y_pred.shape)
    with assigning() as found:
        if sample_weight is None:
            self._own_update_state(y_true, y_pred)  # type: ignore[attr-defined]
        else:
            self._own_update_state(  # type: ignore[attr-defined]
                y_true, y_pred, sample_weight=sample_weight
            )
    return list(found.items())


def _taking_in(own: Callable[..., Any]) -> Callable[..., Any]:
    """An update_state of tensors that takes arrays too."""

    @functools.wraps(own)
    def update_state(self: Metric, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        if _symbolic(y_true, y_pred, sample_weight):
            own(self, y_true, y_pred, sample_weight)
        else:
            Metric.update_state(self, y_true, y_pred, sample_weight)

    return update_state


def _in_numbers(own: Callable[..., Any]) -> Callable[..., Any]:
    """A result() that may be worked out with tensors."""

    @functools.wraps(own)
    def result(self: Metric) -> Any:
        value = own(self)
        return plain(graph.evaluate(value)) if isinstance(value, Tensor) else value

    return result


def _numbers(value: Any, name: str) -> NDArray[Any]:
    """An array of a dtype that the graph has."""
    array: NDArray[Any] = as_value(value, name)
    kinds = {"f": np.float32 if array.dtype == np.float16 else array.dtype, "b": np.bool_}
    return np.ascontiguousarray(array, dtype=kinds.get(array.dtype.kind, np.int64))


def _check_lengths(names: list[str], arrays: list[NDArray[Any]]) -> None:
    lengths = {n: len(a) for n, a in zip(names, arrays, strict=True) if a.ndim > 0}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"expected arrays of one length, got {lengths}")


def quotient(a: Any, b: Any) -> Any:
    """``a / b``, and 0 where b is 0 (NumPy)."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)


def plain(value: Any) -> Any:
    """A float of a 0-d array, else the array."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value)
