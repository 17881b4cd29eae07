"""Symbolic tensors and variables: handles to values of the graph."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _core

Array = npt.NDArray[Any]
Dimension = Union[int, None, str, "_core.Dim"]

# Filled by the ops package, which stands above this module: operator name -> function.
_operators: dict[str, Callable[..., Any]] = {}

Method = Callable[[Any, Any], Any]


def _binary(op: str) -> tuple[Method, Method]:
    """The method for ``self op other`` and that for ``other op self``."""

    def plain(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented
        return _operators[op](self, other)

    def swapped(self: Any, other: Any) -> Any:
        if other is None or isinstance(other, str):
            return NotImplemented
        return _operators[op](other, self)

    return plain, swapped


def from_other_library(x: Any) -> Any:
    """An array of a library that speaks DLPack but not NumPy's protocol, as one of NumPy's.

    Anything else is returned as it is: NumPy takes arrays, buffers and lists by itself.

    Raises:
        TypeError: for an array on a device: it is not copied unasked.
    """
    if type(x) is np.ndarray:
        return x
    if isinstance(x, _core.DeviceArray) or (
        not hasattr(x, "__array__") and _core.lies_on_device(x)
    ):
        raise TypeError(
            "expected an array in the processor's memory, got one on cuda: copy it first"
        )
    if hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        return np.from_dlpack(x)
    return x


class Tensor:
    """A value of the computational graph: known by its dtype and shape, computed by a function.

    Tensors are made by :func:`fastnn.placeholder`, :func:`fastnn.shared` and by every function of
    :mod:`fastnn.ops` that is given one. They support NumPy's operators and indexing.

    Example:
        >>> import fastnn
        >>> x = fastnn.placeholder((None, 3), name="x")
        >>> (2 * x + 1).shape
        (None, 3)
    """

    __array_priority__ = 1000.0
    __array_ufunc__ = None  # numpy_array + tensor asks the tensor

    # Which steps count: set by layers, handed on by layers, lost by operations. It belongs to the
    # handle, not to the node, so that two layers can give one value different masks.
    _mask: Tensor | None = None

    def __init__(self, value: _core.Value) -> None:
        self._value = value

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Lengths of the axes; None where known only at run time."""
        return tuple(d if isinstance(d, int) else None for d in self._value.dims)

    @property
    def dims(self) -> tuple[int | _core.Dim, ...]:
        """Like shape, with the symbolic length of open axes."""
        return tuple(self._value.dims)

    @property
    def dtype(self) -> str:
        """'float32', 'float64', 'int32', 'int64', 'uint8' or 'bool'."""
        return self._value.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self._value.ndim

    @property
    def name(self) -> str:
        """The name that was given, or an empty string."""
        return self._value.name

    @name.setter
    def name(self, name: str) -> None:
        self._value.name = name

    @property
    def T(self) -> Any:
        """The tensor with its axes in reverse order."""
        return _operators["transpose"](self)

    def __repr__(self) -> str:
        shape = "(" + ", ".join(str(d) for d in self._value.dims)
        shape += ",)" if self.ndim == 1 else ")"
        name = f" name={self.name!r}" if self.name else ""
        return f"<{type(self).__name__} {self._value.op} {self.dtype} {shape}{name}>"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a symbolic tensor belongs to a graph and cannot be pickled or copied by itself: do it "
            "with the model that it is part of"
        )

    def __bool__(self) -> bool:
        raise TypeError(
            "a symbolic tensor has no truth value: use ops.where, ops.logical_and and so on"
        )

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("a tensor of 0 dimensions has no length")
        length = self.shape[0]
        if length is None:
            raise TypeError("the length of the first axis is known only at run time")
        return length

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __array__(self, *args: Any, **kwargs: Any) -> Array:
        raise TypeError(
            "a symbolic tensor has no numbers: compile it with fastnn.function and call that"
        )

    def __getitem__(self, key: Any) -> Any:
        return _operators["getitem"](self, key)

    def __neg__(self) -> Any:
        return _operators["negative"](self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return _operators["absolute"](self)

    def __invert__(self) -> Any:
        return _operators["logical_not"](self)

    __add__, __radd__ = _binary("add")
    __sub__, __rsub__ = _binary("subtract")
    __mul__, __rmul__ = _binary("multiply")
    __truediv__, __rtruediv__ = _binary("divide")
    __floordiv__, __rfloordiv__ = _binary("floor_divide")
    __mod__, __rmod__ = _binary("mod")
    __pow__, __rpow__ = _binary("power")
    __matmul__, __rmatmul__ = _binary("matmul")
    __lt__, _ = _binary("less")
    __le__, _ = _binary("less_equal")
    __gt__, _ = _binary("greater")
    __ge__, _ = _binary("greater_equal")
    __eq__, _ = _binary("equal")
    __ne__, _ = _binary("not_equal")
    __and__, __rand__ = _binary("logical_and")
    __or__, __ror__ = _binary("logical_or")
    del _

    __hash__ = object.__hash__


def mask_of(x: Any) -> Tensor | None:
    """The mask that layers have put beside a tensor; None: every step counts."""
    return getattr(x, "_mask", None)


def with_mask(tensor: Tensor, mask: Tensor | None) -> Tensor:
    """Another handle to the value of a tensor, with this mask beside it."""
    masked = Tensor(tensor._value)
    masked._mask = mask
    return masked


class _Assignments(threading.local):
    """What ``assign`` of a tensor means in this thread: an entry in a dict, or an error."""

    pending: dict[Variable, Tensor] | None = None


assignments = _Assignments()


@contextmanager
def assigning() -> Iterator[dict[Variable, Tensor]]:
    """Within it, tensors that are assigned to variables are noted in the dict."""
    outer = assignments.pending
    assignments.pending = {}
    try:
        yield assignments.pending
    finally:
        assignments.pending = outer


class Variable(Tensor):
    """A tensor with storage: parameters, state, hyperparameters, metric accumulators, counters.

    Several models, functions and optimizers may share one; each sees the others' writes.

    Args:
        value: the initial numbers; they fix shape and dtype (Python floats become float32).
        name: shown in errors and plans.
        role: 'parameter', 'state', 'hyperparameter', 'metric' or 'counter'.
        trainable: whether optimizers may change it.
        dtype: converts ``value`` first.

    Raises:
        TypeError: if ``value`` holds no numbers.
        ValueError: if ``role`` is unknown or the shape too large.

    Example:
        >>> import fastnn
        >>> w = fastnn.shared([1.0, 2.0], name="w")
        >>> w.set_value([3.0, 4.0])
        >>> w.get_value()
        array([3., 4.], dtype=float32)
    """

    def __init__(
        self,
        value: npt.ArrayLike,
        name: str | None = None,
        role: str = "parameter",
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        value = from_other_library(value)
        array = np.asarray(value)
        if dtype is not None:
            array = array.astype(dtype)
        elif not isinstance(value, (np.ndarray, np.generic)) and array.dtype == np.float64:
            array = array.astype(np.float32)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"[{name or 'variable'}] expected numbers, got dtype {array.dtype}")
        if array.dtype.newbyteorder("=") == np.float16:
            array = array.astype(np.float32)
        self._storage = _core.Storage(
            array.dtype.newbyteorder("="), list(array.shape), role, name or ""
        )
        self._storage.set(array)
        super().__init__(self._storage.value())
        self.trainable = trainable
        self.constraint: Callable[[Any], Any] | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        return tuple(self._storage.shape)

    @property
    def role(self) -> str:
        """What it is for: 'parameter', 'state', 'hyperparameter', 'metric' or 'counter'."""
        return self._storage.role

    @property
    def name(self) -> str:
        """The name that was given, or an empty string."""
        return self._storage.name

    @name.setter
    def name(self, name: str) -> None:
        self._storage.name = name
        self._value.name = name

    def get_value(self) -> Array:
        """A copy of the numbers."""
        return self._storage.get()

    def set_value(self, value: npt.ArrayLike) -> None:
        """Replaces the numbers.

        Raises:
            ValueError: if the shape differs.
            TypeError: if the dtype does not fit.
        """
        self._storage.set(from_other_library(value))

    def assign(self, value: Any) -> None:
        """As :meth:`set_value`. Within a metric's ``update_state``, value may be a tensor.

        Raises:
            TypeError: for a tensor elsewhere.
        """
        if not isinstance(value, Tensor) or isinstance(value, Variable):
            self.set_value(value)
            return
        if assignments.pending is None:
            raise TypeError(
                f"[{self.name or 'variable'}] assign() of a symbolic tensor works in a metric's "
                "update_state(): in a layer's call() use self.add_update(variable, tensor), in a "
                "function of your own fastnn.function(updates=)"
            )
        assignments.pending[self] = value

    def assign_add(self, value: Any) -> None:
        """Adds to the numbers; as :meth:`assign`.

        Example:
            >>> import fastnn
            >>> count = fastnn.shared(1.0)
            >>> count.assign_add(2.0)
            >>> float(count)
            3.0
        """
        self._assign_changed(value, 1)

    def assign_sub(self, value: Any) -> None:
        """Subtracts from the numbers; as :meth:`assign`."""
        self._assign_changed(value, -1)

    def _assign_changed(self, value: Any, sign: int) -> None:
        if isinstance(value, Tensor) and not isinstance(value, Variable):
            before = (assignments.pending or {}).get(self, self)
            self.assign(before + value if sign > 0 else before - value)
        else:
            self.set_value(self.get_value() + sign * np.asarray(value, self.dtype))

    @property
    def value(self) -> Variable:
        """The variable itself: its place in a graph, and its numbers for NumPy and float()."""
        return self

    numpy = get_value

    def __reduce__(self) -> Any:
        state = {key: value for key, value in vars(self).items() if key[0] != "_"}
        return type(self), (self.get_value(), self.name, self.role), state

    def __array__(self, dtype: Any = None, copy: Any = None) -> Array:
        """The numbers, copied: ``np.asarray(variable)``."""
        return self.get_value() if dtype is None else self.get_value().astype(dtype, copy=False)

    @property
    def device(self) -> str:
        """Where the numbers are: "cpu" or "cuda". They move to the programs that use them."""
        return self._storage.device

    def __dlpack__(self, *, dl_device: tuple[int, int] | None = None, **options: Any) -> Any:
        """The numbers for another library: ``torch.from_dlpack(variable)``.

        A copy in the processor's memory. On a GPU it is the memory itself; the variable leaves it
        when it moves to another device, or when a training lays its weights side by side.
        """
        if self.device != "cpu" and dl_device in (None, (2, 0)):
            return self._storage.on_device().__dlpack__(**options)
        if dl_device is not None:  # NumPy 1 does not know it
            options["dl_device"] = dl_device
        return self.get_value().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """DLPack's numbers of the memory that the numbers are in: (1, 0), on a GPU (2, 0)."""
        return (1, 0) if self.device == "cpu" else (2, 0)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The numbers on a GPU for another library: ``cupy.asarray(variable)``, without a copy.

        Raises:
            AttributeError: for a variable in the processor's memory.
        """
        if self.device == "cpu":
            raise AttributeError(
                f"the variable {self.name!r} is in the processor's memory: use get_value()"
            )
        interface: dict[str, Any] = self._storage.on_device().__cuda_array_interface__
        return interface

    def __buffer__(self, flags: int) -> memoryview:
        """The numbers, copied, as a buffer (Python 3.12 and newer)."""
        return self.get_value().data

    def __float__(self) -> float:
        return float(self.get_value())

    def __int__(self) -> int:
        return int(self.get_value())

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self._storage.shape, dtype=np.int64))
