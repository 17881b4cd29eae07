"""The base class of all layers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn import _registry as registry
from fastnn import constraints, graph, initializers, ops, regularizers
from fastnn._tensor import Tensor, Variable, with_mask
from fastnn.layers import _history, _masks, _scope, _track
from fastnn.layers._arguments import (
    FLOATS,
    checked_dtype,
    checked_weight_shape,
    declared_shape,
    format_shape,
    map_shapes,
)
from fastnn.layers._eager import EagerFunctions
from fastnn.layers._expected import Expected
from fastnn.layers._nest import flatten, map_structure


class Layer(_track.Trackable):
    """What every layer and model is: variables, and a function over ops.

    A layer of one's own overrides ``__init__`` (settings), ``build`` (variables, whose shapes
    follow from the input's) and ``call`` (the computation, composed from ``fastnn.ops``). Called
    on symbolic tensors it extends the graph; called on arrays it computes at once. ``call`` may
    take ``training``, a Python bool that is fixed when the graph is traced: training and
    prediction are traced separately; and ``mask``, which says which steps of the input count
    (``None``: all). Layers, variables and lists or dicts of them that are set as
    attributes are tracked.

    Args:
        name: default: the class's name in snake case, with a number.
        trainable: whether training changes its variables.
        dtype: of its variables and its computation; default "float32". Floating inputs are cast
            to it.
        activity_regularizer: a function of the output that, divided by the batch's size, is added
            to the cost.
        input_shape: of one row; lets a Sequential build its variables at once.
        input_dim: the same for inputs of rank two: ``input_shape=(input_dim,)``.

    Raises:
        TypeError: for an unknown argument.
        ValueError: for an unknown dtype or regularizer.

    Example:
        >>> import numpy as np
        >>> import fastnn
        >>> class Scale(fastnn.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.scale = self.add_weight((input_shape[-1],), "ones", name="scale")
        ...     def call(self, inputs):
        ...         return inputs * self.scale
        >>> Scale()(np.array([[1.0, 2.0]], "float32"))
        array([[1., 2.]], dtype=float32)
    """

    _masking: bool | None = None
    _trainable = True

    def __init__(
        self,
        name: str | None = None,
        trainable: bool = True,
        dtype: str | None = None,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        self._declared_shape = declared_shape(type(self), kwargs)
        if name is not None and not isinstance(name, str):
            raise TypeError(f"[{type(self).__name__}] expected name to be a str, got {name!r}")
        self.name = name or registry.unique_name(registry.snake_case(type(self).__name__))
        self.trainable = bool(trainable)
        self.dtype = checked_dtype(type(self).__name__, dtype)
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self._own_weights: list[Variable] = []
        self._regularized: list[tuple[Variable, Any]] = []
        self._expected = Expected(type(self).__name__, {}, 0, None)
        self._calls: list[_history.Call] = []
        self._output_shape: Any = None
        self._eager = EagerFunctions()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _noting_that_it_is_built(cls.build)  # type: ignore[method-assign]

    # --- what a layer of one's own overrides

    def build(self, input_shape: Any) -> None:
        """Makes the variables. Called once, before the first ``call``.

        Args:
            input_shape: a tuple with ``None`` for an open axis (the batch); for several inputs a
                list or dict of such tuples.
        """

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, from symbolic tensors to symbolic tensors.

        Raises:
            NotImplementedError: where a subclass has none.
        """
        raise NotImplementedError(f"[{type(self).__name__}] has no call(): define it")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the output; by default that of the input.

        A layer that overrides it, or sets ``self.supports_masking = True``, puts a mask beside its
        output. Others drop the mask of their input, with a warning.

        Args:
            inputs: as ``call`` gets them.
            mask: of the inputs, in their structure: booleans, False for steps that do not count;
                None where all count.

        Returns:
            A mask for each output, or None.

        Example:
            >>> import numpy as np
            >>> from fastnn.layers import Masking
            >>> Masking().compute_mask(np.array([[[1.0, 2.0], [0.0, 0.0]]]))
            array([[ True, False]])
        """
        return mask

    @property
    def supports_masking(self) -> bool:
        """Whether outputs have masks; by default whether the class overrides compute_mask."""
        return self._has_own_masks if self._masking is None else self._masking

    @supports_masking.setter
    def supports_masking(self, value: bool) -> None:
        self._masking = bool(value)

    @property
    def _has_own_masks(self) -> bool:
        return type(self).compute_mask is not Layer.compute_mask

    def get_config(self) -> dict[str, Any]:
        """The arguments from which :meth:`from_config` makes the same layer, as plain data."""
        config: dict[str, Any] = {"name": self.name, "trainable": self.trainable}
        config["dtype"] = self.dtype
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = registry.serialize(self.activity_regularizer)
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Layer:
        """Makes a layer from what :meth:`get_config` returned (not its weights).

        Args:
            config: the settings.

        Raises:
            TypeError: for settings that the layer does not have.
        """
        return cls(**config)

    def __getstate__(self) -> dict[str, Any]:
        """All but what is compiled, and the calls that belong to graphs."""
        return {k: v for k, v in vars(self).items() if k not in ("_eager", "_calls")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _eager=EagerFunctions(), _calls=[])
        _track.version.raise_()

    def _copy(self) -> Layer:
        """A layer of the same settings with variables of its own."""
        return type(self).from_config(self.get_config())

    # --- variables and losses

    def add_weight(
        self,
        shape: Sequence[int] | int | None = None,
        initializer: Any = None,
        dtype: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Makes a variable of this layer.

        Args:
            shape: default: a scalar.
            initializer: a name, an object or a callable (shape, dtype); default
                "glorot_uniform" for floating dtypes, else "zeros".
            dtype: default: the layer's.
            trainable: False for state that training does not differentiate by.
            regularizer: a function of the variable that is added to the cost.
            constraint: applied to the variable after each update.
            name: default "variable".

        Returns:
            The variable, a symbolic tensor with get_value() and set_value().

        Raises:
            ValueError: for a negative, unknown or overflowing size, or an unknown name.

        Example:
            >>> layer = Layer()
            >>> layer.add_weight((2, 3), "ones", name="scale").shape
            (2, 3)
        """
        owner = type(self).__name__
        checked = checked_weight_shape(owner, name, shape)
        dtype = checked_dtype(owner, dtype or self.dtype)
        if initializer is None:
            initializer = "glorot_uniform" if dtype in FLOATS else "zeros"
        initialize: Any = initializers.get(initializer)
        room = _scope.file_weights()
        if room is not None:
            initialize = functools.partial(room.zeros, owner, name or "variable")
        variable = graph.shared(
            np.asarray(initialize(checked, dtype), dtype),
            name=name or "variable",
            role="parameter" if trainable else "state",
        )
        variable.trainable = trainable
        variable.constraint = constraints.get(constraint)
        self._own_weights.append(variable)
        if regularizer is not None:
            self._regularized.append((variable, regularizers.get(regularizer)))
        return variable

    def add_loss(self, loss: Any) -> None:
        """Adds a term to the cost of the model that this layer is in.

        Args:
            loss: a scalar tensor, or a list of them, computed inside ``call``.

        Raises:
            RuntimeError: outside of ``call``.
            ValueError: for a loss that is no scalar.

        Example:
            >>> from fastnn import ops
            >>> class Sparse(Layer):
            ...     def call(self, inputs):
            ...         self.add_loss(0.01 * ops.sum(ops.absolute(inputs)))
            ...         return inputs
        """
        scope = _scope.current()
        if scope is None:
            raise RuntimeError(
                f"[{type(self).__name__}] add_loss() belongs inside call(), where the tensors of "
                "the trace are"
            )
        for term in flatten(loss):
            if not isinstance(term, Tensor):
                term = ops.full((), float(term))
            if term.ndim != 0:
                raise ValueError(
                    f"[{type(self).__name__}] expected add_loss() of a scalar, got shape "
                    f"{format_shape(term.shape)}: take ops.sum or ops.mean of it"
                )
            scope.losses.append(term)

    def add_update(self, variable: Variable, value: Tensor) -> None:
        """Gives a variable a new value at the end of each training step.

        Args:
            variable: a non-trainable variable of this layer.
            value: its next value, computed inside ``call``. Ignored outside of training.

        Example:
            >>> from fastnn import ops
            >>> class Largest(Layer):
            ...     def build(self, input_shape):
            ...         self.seen = self.add_weight((), "zeros", trainable=False)
            ...     def call(self, inputs, training=False):
            ...         self.add_update(self.seen, ops.maximum(self.seen, ops.max(inputs)))
            ...         return inputs
            >>> layer = Largest()
            >>> _ = layer(np.array([[1.0, 5.0]], "float32"), training=True)
            >>> float(layer.seen)
            5.0
        """
        scope = _scope.current()
        if scope is not None and scope.training:
            scope.updates.append((variable, value))

    @property
    def trainable(self) -> bool:
        """Whether training changes its variables; setting it sets it for all layers inside too.

        A layer inside that is set to True again stays as it is while this one is False.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in _track.layers_within(self):
            layer._trainable = bool(value)

    @property
    def losses(self) -> list[Tensor]:
        """The regularisation terms of the trainable weights, as symbolic scalars."""
        return [
            regularizer(variable)
            for layer in _track.layers_within(self)
            for variable, regularizer in layer._regularized
            if layer.trainable
        ]

    @property
    def weights(self) -> list[Variable]:
        """All variables: this layer's own (trainable ones first), then those of its layers."""
        return _track.variables_of(self)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that training changes; none where ``trainable`` is False."""
        return _track.trainable_variables_of(self)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that training does not change by their gradient."""
        trainable = {id(variable) for variable in self.trainable_weights}
        return [variable for variable in self.weights if id(variable) not in trainable]

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    def count_params(self) -> int:
        """How many numbers the variables hold.

        Raises:
            ValueError: before the layer is built.

        Example:
            >>> from fastnn.layers import Dense
            >>> layer = Dense(2)
            >>> layer.build((None, 3))
            >>> layer.count_params()
            8
        """
        if not self.built and not self.weights:
            raise ValueError(self._unbuilt())
        return sum(variable.size for variable in self.weights)

    def _unbuilt(self) -> str:
        return (
            f"[{type(self).__name__}] {self.name!r} is not built yet: its variables' shapes "
            "follow from its input. Call it on data, or give it an input_shape"
        )

    def get_weights(self) -> list[NDArray[Any]]:
        """The values of :attr:`weights`, as copies.

        Example:
            >>> from fastnn.layers import Dense
            >>> layer = Dense(2)
            >>> layer.build((None, 3))
            >>> [weight.shape for weight in layer.get_weights()]
            [(3, 2), (2,)]
        """
        return [variable.get_value() for variable in self.weights]

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Sets the values of :attr:`weights`, all or none of them.

        Args:
            weights: arrays in the order and of the shapes of :meth:`get_weights`.

        Raises:
            ValueError: for another number of arrays, or another shape.
            TypeError: for values that are no numbers.

        Example:
            >>> from fastnn.layers import Dense
            >>> layer = Dense(1)
            >>> layer.build((None, 2))
            >>> layer.set_weights([[[1.0], [2.0]], [3.0]])
            >>> layer(np.ones((1, 2), "float32"))
            array([[6.]], dtype=float32)
        """
        variables = self.weights
        if not variables and not self.built:
            raise ValueError(self._unbuilt())
        if len(weights) != len(variables):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(variables)} weight arrays for "
                f"{self.name!r}, got {len(weights)}"
            )
        arrays = [np.asarray(value) for value in weights]
        for position, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
            if array.dtype.kind not in "fiub":
                raise TypeError(
                    f"[{type(self).__name__}] weight {position} ({variable.name}): expected "
                    f"numbers, got dtype {array.dtype}"
                )
            if array.shape != tuple(variable.shape):
                raise ValueError(
                    f"[{type(self).__name__}] weight {position} ({variable.name}): expected "
                    f"shape {tuple(variable.shape)}, got {array.shape}"
                )
        for variable, array in zip(variables, arrays, strict=True):
            variable.set_value(array)

    # --- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Applies the layer, building it first where needed.

        On symbolic tensors: adds to the graph and returns tensors. On arrays: computes now.

        Args:
            *args: tensors or arrays, or lists, tuples and dicts of them.
            **kwargs: further arguments of ``call``; ``training`` (default: that of the trace
                that this is in, else False); ``mask`` where ``call`` takes it (default: the mask
                beside the first argument, where that is the only tensor; with several, those of
                an argument ``a`` reach the argument ``a_mask`` only). Masks are carried beside
                symbolic tensors; between calls on arrays they are handed over by ``mask=``.

        Raises:
            ValueError: for inputs of a shape that the layer cannot take.
        """
        self._check_initialised()
        scope = _scope.current()
        if scope is not None:
            return self._trace(scope, args, kwargs)
        if not kwargs and len(args) == 1 and type(args[0]) is np.ndarray:
            function = self._eager.known(args[0])
            if function is not None:
                return function(args[0])
        if any(isinstance(leaf, Tensor) for leaf in flatten((args, kwargs))):
            with _scope.tracing(training=False) as opened:
                outputs = self._trace(opened, args, kwargs)
            return _history.record(self, args, kwargs, outputs)
        return self._eager.run(self, args, kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The output's shape for an input's, found by tracing (builds the layer).

        Args:
            input_shape: a tuple with ``None`` for open axes, or a list or dict of such.

        Raises:
            ValueError: for a shape that the layer cannot take.

        Example:
            >>> from fastnn.layers import Dense
            >>> Dense(2).compute_output_shape((None, 7, 3))
            (None, 7, 2)
        """
        inputs = map_shapes(
            lambda shape: graph.placeholder(_with_batch(shape), self.dtype), input_shape
        )
        with _scope.tracing(training=False) as scope:
            outputs = self._trace(scope, (inputs,), {})
        return map_structure(lambda tensor: tensor.shape, outputs)

    def _trace(self, scope: _scope.Scope, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Runs ``call`` on symbolic tensors within a scope."""
        kwargs = dict(kwargs)
        training = kwargs.pop("training", None)
        args = map_structure(self._cast, args)
        self._build_once(args)
        for leaf in flatten(args[:1]):
            if isinstance(leaf, Tensor):
                self._check_shape(leaf.shape)
        takes = _call_arguments(type(self))
        mask = _masks.hand_over(type(self).__name__, takes, args, kwargs)
        with _scope.phase(scope, training):
            if "training" in takes:
                kwargs["training"] = scope.training
            outputs = self.call(*args, **kwargs)
            if self.activity_regularizer is not None:
                self.add_loss([self._activity_cost(output) for output in flatten(outputs)])
            if mask is not None or self._has_own_masks:
                outputs = _masks.put_beside(self, takes, args, outputs, mask)
        self._output_shape = map_structure(lambda tensor: getattr(tensor, "shape", ()), outputs)
        return outputs

    def _activity_cost(self, output: Tensor) -> Any:
        """The activity regularizer's term: per row, so that it does not grow with the batch."""
        assert self.activity_regularizer is not None
        cost = self.activity_regularizer(output)
        return cost / ops.shape_of(output, 0, cost.dtype) if output.ndim else cost

    @property
    def _array_dtype(self) -> str:
        """The dtype in which floating arrays reach ``call``."""
        return self.dtype if self.dtype in FLOATS else "float32"

    def _check_initialised(self) -> None:
        if "_eager" not in self.__dict__:
            raise RuntimeError(
                f"[{type(self).__name__}] call super().__init__() first in its __init__()"
            )

    def _cast(self, leaf: Any) -> Any:
        """Floating inputs to the layer's dtype; anything else as it is."""
        if isinstance(leaf, Tensor) and leaf.dtype in FLOATS and leaf.dtype != self.dtype:
            return with_mask(ops.cast(leaf, self.dtype), leaf._mask)
        return leaf

    def _build_once(self, args: tuple[Any, ...]) -> None:
        if self.built or not args:
            return
        with _history.lock:
            if not self.built:
                self.build(map_structure(_shape_of, args[0]))
                self.built = True

    def _expect(self, axes: Mapping[int, int] | None = None, rank: int = 0) -> None:
        """Declares what ``call`` can take: sizes of axes, and the least rank."""
        self._expected = Expected(type(self).__name__, dict(axes or {}), rank, None)

    def _expect_rank(self, rank: int) -> None:
        """Declares that ``call`` takes inputs of exactly this rank."""
        self._expected = Expected(type(self).__name__, {}, rank, rank)

    def _check_shape(self, shape: Sequence[int | None]) -> None:
        self._expected.check(shape)

    # --- the place in a functional model

    @property
    def input(self) -> Any:
        """The symbolic input of its last call on symbolic tensors.

        Raises:
            AttributeError: before such a call.
        """
        call = self._require_call()
        return call.args[0] if len(call.args) == 1 else list(call.args)

    @property
    def output(self) -> Any:
        """The symbolic output of its last call on symbolic tensors.

        Raises:
            AttributeError: before such a call.
        """
        return self._require_call().outputs

    def _require_call(self) -> _history.Call:
        if not self._calls:
            raise AttributeError(
                f"[{type(self).__name__}] {self.name!r} was not yet called on a symbolic tensor: "
                "it has no input and output"
            )
        return self._calls[-1]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _noting_that_it_is_built(build: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> None:
        build(self, *args, **kwargs)
        self.built = True

    return wrapper


def _call_arguments(cls: type) -> tuple[str, ...]:
    """The names of call()'s arguments, behind self."""
    found = cls.__dict__.get("_arguments_of_call")
    if found is None:
        found = tuple(inspect.signature(cls.call).parameters)[1:]  # type: ignore[attr-defined]
        cls._arguments_of_call = found  # type: ignore[attr-defined]
    return found


def _shape_of(leaf: Any) -> Any:
    return leaf.shape if isinstance(leaf, Tensor) else np.shape(leaf)


def _with_batch(shape: Sequence[int | None]) -> tuple[Any, ...]:
    """A shape for a placeholder, in which an open first axis is the batch."""
    if len(shape) and shape[0] is None:
        return ("batch", *shape[1:])
    return tuple(shape)
