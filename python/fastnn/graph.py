"""The symbolic API: placeholders, shared variables, gradients, loops, compiled functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._random import current_seed
from ._tensor import Array, Dimension, Tensor, Variable
from .ops._dispatch import to_tensors


def placeholder(
    shape: Sequence[Dimension], dtype: str = "float32", name: str | None = None
) -> Tensor:
    """A tensor whose value is given when a function is called.

    Args:
        shape: a length for each axis; None leaves it open, a string names an open length that
            other placeholders can share ("batch").
        dtype: of the values.
        name: shown in errors and drawings.

    Raises:
        ValueError: if a length is negative.
        TypeError: if the dtype is none of fastnn's.

    Example:
        >>> import fastnn
        >>> x = fastnn.placeholder((None, 2), name="x")
        >>> fastnn.function([x], x * 2)([[1, 2]])
        array([[2., 4.]], dtype=float32)
    """
    return Tensor(_core.placeholder(dtype, list(shape), name or ""))


def shared(
    value: npt.ArrayLike, name: str | None = None, role: str = "parameter", dtype: Any = None
) -> Variable:
    """A variable that functions can read and update; see :class:`fastnn.Variable`.

    Example:
        >>> import fastnn
        >>> count = fastnn.shared(0.0)
        >>> step = fastnn.function([], count, updates=[(count, count + 1)])
        >>> float(step()), float(step()), float(count.get_value())
        (0.0, 1.0, 2.0)
    """
    return Variable(value, name=name, role=role, dtype=dtype)


def grad(cost: Tensor, wrt: Tensor | Sequence[Tensor]) -> Any:
    """Gradients of a scalar, as tensors of the graph, so that they can be differentiated again.

    Args:
        cost: a floating tensor with one element.
        wrt: a tensor or several; each gradient has the shape of its tensor, and is zero where it
            has no influence on the cost.

    Returns:
        A tensor, or a list of them if ``wrt`` is a list.

    Raises:
        ValueError: if the cost is no scalar, or an op on the way has no gradient.

    Example:
        >>> import fastnn
        >>> x = fastnn.placeholder(())
        >>> g = fastnn.grad(x**3, x)
        >>> float(fastnn.function([x], fastnn.grad(g, x))(2.0))
        12.0
    """
    single = isinstance(wrt, Tensor)
    targets = [wrt] if isinstance(wrt, Tensor) else list(wrt)
    values = _core.gradients(cost._value, [t._value for t in targets])
    tensors = [Tensor(v) for v in values]
    return tensors[0] if single else tensors


def _as_list(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


class _CallSignature:
    """What ``inspect.signature`` finds in a function; nothing in its class, which has its own."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return None
        import inspect

        return inspect.Signature([inspect.Parameter("args", inspect.Parameter.VAR_POSITIONAL)])


class Function(_core.Function):
    """A compiled graph: arrays in, arrays out; safe to call from several threads.

    Made by :func:`fastnn.function`. A call takes an array for each input and returns the outputs,
    in the form in which they were given.

    Raises:
        TypeError: on a call, if the number of arguments or a dtype is wrong.
        ValueError: on a call, if a shape does not match its placeholder.
        IndexError: on a call, if an index is out of bounds.
    """

    __signature__ = _CallSignature()
    if TYPE_CHECKING:  # the base class's: a method here would take longer than a small program

        def __call__(self, *args: npt.ArrayLike) -> Any: ...

    def __init__(
        self,
        inputs: Sequence[Tensor],
        outputs: Any,
        updates: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        self.outputs: list[Tensor] = [] if outputs is None else to_tensors(_as_list(outputs))
        self.inputs = list(inputs)
        for x in self.inputs:
            if not isinstance(x, Tensor) or x._value.op != "placeholder":
                raise TypeError(f"inputs: expected placeholders, got {x!r}")
        effects: list[Any] = []
        seen: set[int] = set()
        for update in updates.items() if isinstance(updates, dict) else updates:
            if isinstance(update, _core.Effect):
                effects.append(update)
                continue
            variable, expression = update
            if not isinstance(variable, Variable):
                raise TypeError(f"updates: expected a shared variable, got {variable!r}")
            if id(variable._storage) in seen:
                raise ValueError(f"updates: '{variable.name}' is updated twice")
            seen.add(id(variable._storage))
            value = to_tensors([variable, expression])[1]
            effects.append((variable._storage, _core.cast(value._value, variable.dtype)))
        sections = [("main", [t._value for t in self.outputs], effects)]
        one = outputs is not None and not isinstance(outputs, (list, tuple))
        super().__init__(
            [x._value for x in self.inputs],
            sections,
            current_seed(),
            returns="one" if one else "nothing" if outputs is None else "list",
            **options,
        )

    def plan(self, *shapes: Sequence[int]) -> str:
        """What will run: kernels with what was fused into them, work, and the arena's size.

        Args:
            shapes: of the inputs; without them, work is given in terms of the open axes.

        Example:
            >>> import fastnn
            >>> x = fastnn.placeholder((None, 2))
            >>> "matmul" in fastnn.function([x], x @ x.T).plan((3, 2))
            True
        """
        return super().plan(*shapes)


def function(
    inputs: Sequence[Tensor] | Tensor,
    outputs: Any = None,
    updates: Sequence[tuple[Variable, Any]] = (),
) -> Function:
    """Compiles a graph into a program that takes and returns arrays.

    On a GPU (:func:`fastnn.set_device`), arguments may lie there: arrays of any library that speaks
    DLPack or ``__cuda_array_interface__``. They are read where they are, and then the results are
    :class:`fastnn.DeviceArray`, which the same libraries take.

    Args:
        inputs: the placeholders to be given as arguments, in order.
        outputs: a tensor, a list of them, or None.
        updates: (variable, expression) pairs. All expressions see the values from before the
            call; then the variables change together.

    Raises:
        ValueError: if an output depends on a placeholder that is no input, a variable is updated
            twice, or an update has another shape than its variable.
        TypeError: if an input is no placeholder.

    Example:
        >>> import fastnn
        >>> a, b = fastnn.shared(1.0), fastnn.shared(2.0)
        >>> swap = fastnn.function([], updates=[(a, b), (b, a)])
        >>> swap()
        >>> float(a.get_value()), float(b.get_value())
        (2.0, 1.0)
    """
    return Function(_as_list(inputs), outputs, updates)


def _parameter(dtype: str, dims: Sequence[Any]) -> Tensor:
    return Tensor(_core.parameter(dtype, list(dims)))


def _free_leaves(
    outputs: Sequence[Tensor], parameters: Sequence[Tensor], first_id: int
) -> list[Tensor]:
    """What a step uses from outside: the values that do not depend on its parameters.

    Random numbers that the step draws itself (nodes from ``first_id`` on; a loop may draw some)
    are its own, new at each iteration; those from outside are the same at each.
    """
    own = {p._value for p in parameters}
    order = _core.topological_order([t._value for t in outputs])
    inside: set[Any] = set()
    for v in order:
        draws = v.id >= first_id and (v.op.startswith("random_") or v.op == "loop")
        if v in own or draws or any(i in inside for i in v.inputs):
            inside.add(v)
    free: dict[Any, None] = {}
    for v in order:
        if v in inside and v not in own:
            for i in v.inputs:
                if i not in inside and i.op not in ("full", "extent", "constant"):
                    free[i] = None
    for t in outputs:
        if t._value not in inside and t._value.op != "full":
            free[t._value] = None
    return [Tensor(v) for v in free]


def scan(
    step: Callable[..., Any],
    sequences: Any = (),
    initial_state: Any = (),
    *,
    length: Any = None,
    reverse: bool = False,
) -> Any:
    """Runs a step over the first axis of sequences, carrying state: a recurrence of one's own.

    Args:
        step: called once, with tensors: ``step(*slices, *state)`` returns ``(state, output)``,
            where state has the form of ``initial_state`` and output is a tensor, a list of
            tensors or None. It may use tensors from outside.
        sequences: a tensor or a list of them, of shape (time, ...); slices have shape (...).
        initial_state: a tensor (or array) or a list of them.
        length: the number of steps, where there is no sequence.
        reverse: from the last element to the first.

    Returns:
        ``(state, outputs)``: the final state, and each output stacked to shape (time, ...).

    Raises:
        ValueError: if the step changes the dtype or shape of the state, or lengths differ.

    Example:
        >>> import fastnn
        >>> x = fastnn.placeholder((None,))
        >>> total, partial = fastnn.scan(lambda v, s: (s + v, s + v), x, 0.0)
        >>> fastnn.function([x], partial)([1, 2, 3])
        array([1., 3., 6.], dtype=float32)
    """
    one_state = not isinstance(initial_state, (list, tuple))
    xs = to_tensors(_as_list(sequences))
    if any(x.ndim == 0 for x in xs):
        raise ValueError("[scan] expected sequences of shape (time, ...), got a scalar")
    if not xs and length is None:
        raise ValueError("[scan] expected sequences or a length, got neither")
    state0 = [
        to_tensors([s])[0] if not isinstance(s, (int, float)) else to_tensors([float(s)])[0]
        for s in _as_list(initial_state)
    ]
    trip = xs[0].dims[0] if xs else length
    slices = [_parameter(x.dtype, x.dims[1:]) for x in xs]
    carried = [_parameter(s.dtype, s.dims) for s in state0]
    first_id = _parameter("bool", ())._value.id
    new_state, output = step(*slices, *carried)
    states = to_tensors(_as_list(new_state))
    if len(states) != len(state0):
        raise ValueError(
            f"[scan] expected {len(state0)} state tensors from step, got {len(states)}"
        )
    outputs = [] if output is None else to_tensors(_as_list(output))

    free = _free_leaves([*states, *outputs], [*carried, *slices], first_id)
    inner = [_parameter(t.dtype, t.dims) for t in free]
    roots = _core.substitute(
        [t._value for t in (*states, *outputs)],
        [t._value for t in free],
        [t._value for t in inner],
    )
    body = _core.SubGraph([t._value for t in (*carried, *slices, *inner)], roots)
    results = _core.make_all(
        "loop",
        [t._value for t in (*state0, *xs, *free)],
        {
            "body": body,
            "trip": [trip],
            "reverse": reverse,
            "carried": len(state0),
            "sequences": len(xs),
        },
    )
    tensors = [Tensor(r) for r in results]
    final, stacked = tensors[: len(state0)], tensors[len(state0) :]
    shown = None if output is None else stacked if isinstance(output, (list, tuple)) else stacked[0]
    return (final[0] if one_state else final), shown


def tree_scan(
    step: Callable[..., Any], leaves: Any, left: Tensor, right: Tensor, counts: Tensor
) -> Any:
    """Runs a step over trees, level by level: a recursive network of one's own.

    All nodes of a level are computed together. They are numbered by level: the leaves of all
    trees, then the nodes all of whose children are leaves, and so on.

    On a GPU, left, right and counts are best given as arrays of this processor, which needs them to
    say what comes next: those that are only there are copied back first.

    Args:
        step: called once, with tensors: ``step(*left_states, *right_states)`` returns the states of
            nodes from those of their children, with a row a node. It may use tensors from outside,
            and must treat rows alike. Random numbers have no place in it.
        leaves: a tensor of shape (leaves, ...), or a list of them: the states of the leaves.
        left: int64, shape (inner,) of an open length: the number of each left child.
        right: of each right child.
        counts: int64, shape (levels,): how many nodes each level above the leaves has.

    Returns:
        The states of all nodes, of shape (leaves + inner, ...): a tensor or a list, as ``leaves``.

    Raises:
        ValueError: if the step changes the dtype or shape of a state or draws random numbers; when
            it runs, for counts that do not add up to ``inner``.
        IndexError: when it runs, for a child that is on no lower level.

    Example:
        >>> import fastnn
        >>> left, right = (fastnn.placeholder(("inner",), "int64") for _ in range(2))
        >>> x, counts = fastnn.placeholder((None, 1)), fastnn.placeholder((None,), "int64")
        >>> sums = fastnn.tree_scan(lambda a, b: a + b, x, left, right, counts)
        >>> f = fastnn.function([x, left, right, counts], sums)
        >>> f([[1], [2], [4]], [0, 3], [1, 2], [1, 1])[:, 0]
        array([1., 2., 4., 3., 7.], dtype=float32)
    """
    states = to_tensors(_as_list(leaves))
    rows = left.dims[0]
    children = [_parameter(s.dtype, (rows, *s.dims[1:])) for s in (*states, *states)]
    first_id = _parameter("bool", ())._value.id
    new = to_tensors(_as_list(step(*children)))
    free = _free_leaves(new, children, first_id)
    inner = [_parameter(t.dtype, t.dims) for t in free]
    roots = _core.substitute(
        [t._value for t in new], [t._value for t in free], [t._value for t in inner]
    )
    results = _core.make_all(
        "tree_scan",
        [t._value for t in (*states, left, right, counts, *free)],
        {
            "body": _core.SubGraph([t._value for t in (*children, *inner)], roots),
            "states": len(states),
        },
    )
    tensors = [Tensor(r) for r in results]
    return tensors if isinstance(leaves, (list, tuple)) else tensors[0]


def evaluate(outputs: Any, values: dict[Tensor, npt.ArrayLike] | None = None) -> Any:
    """Computes tensors once, without keeping the program.

    Example:
        >>> import fastnn
        >>> x = fastnn.placeholder(())
        >>> float(fastnn.evaluate(x + 1, {x: 2.0}))
        3.0
    """
    given = values or {}
    return function(list(given), outputs)(*[np.asarray(v) for v in given.values()])


__all__ = [
    "Array",
    "Function",
    "evaluate",
    "function",
    "grad",
    "placeholder",
    "scan",
    "shared",
    "tree_scan",
]
