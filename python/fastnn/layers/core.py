"""Layers with a kernel or an index, and the ways into a model: Dense, Embedding, Lambda, Input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from fastnn import _registry as registry
from fastnn import constraints, graph, initializers, ops, regularizers
from fastnn._tensor import Tensor, with_mask
from fastnn.layers import _history, _scope
from fastnn.layers._arguments import Shape, get_activation, is_shape, positive_int
from fastnn.layers._base import Layer
from fastnn.layers._legacy import renamed_arguments


class Dense(Layer):
    """A fully connected layer: ``activation(x @ kernel + bias)``, over the input's last axis.

    Args:
        units: how many neurons; the size of the output's last axis.
        activation: a name or function; default none (linear).
        use_bias: whether there is a bias; default True.
        kernel_initializer: default "glorot_uniform".
        bias_initializer: default "zeros".
        kernel_regularizer: adds a function of the kernel to the cost; default none.
        bias_regularizer: the same for the bias.
        activity_regularizer: the same for the output.
        kernel_constraint: applied to the kernel after each update; default none.
        bias_constraint: the same for the bias.
        **kwargs: name, trainable, dtype, input_shape, input_dim, as for :class:`Layer`.

    Shapes: (batch, ..., input_dim) to (batch, ..., units); kernel (input_dim, units), bias
    (units,).

    Raises:
        ValueError: for units below 1 or an unknown name.
        TypeError: for units that are no whole number.

    Example:
        >>> import numpy as np
        >>> layer = Dense(1, kernel_initializer="ones")
        >>> layer(np.array([[1.0, 2.0]], "float32"))
        array([[3.]], dtype=float32)
    """

    _masking = True

    @renamed_arguments(
        output_dim="units",
        init="kernel_initializer",
        W_regularizer="kernel_regularizer",
        b_regularizer="bias_regularizer",
        W_constraint="kernel_constraint",
        b_constraint="bias_constraint",
        bias="use_bias",
    )
    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive_int("Dense", "units", units)
        self.activation = get_activation("Dense", activation)
        self.use_bias = bool(use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._expect(rank=2)

    def build(self, input_shape: Shape) -> None:
        """Makes kernel and bias.

        Args:
            input_shape: (batch, ..., input_dim); the last size must be known.

        Raises:
            ValueError: for a shape of rank below 2 or with an open last axis.
        """
        self._check_shape(input_shape)
        self.kernel = self.add_weight(
            (input_shape[-1], self.units),  # type: ignore[arg-type]
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (self.units,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self._expect({-1: int(input_shape[-1] or 0)}, rank=2)

    def call(self, inputs: Tensor) -> Any:
        """``activation(inputs @ kernel + bias)``.

        Args:
            inputs: (batch, ..., input_dim).
        """
        if inputs.dtype != self.dtype:
            inputs = ops.cast(inputs, self.dtype)
        outputs = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return self.activation(outputs)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": registry.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": registry.serialize(self.kernel_initializer),
            "bias_initializer": registry.serialize(self.bias_initializer),
            "kernel_regularizer": registry.serialize(self.kernel_regularizer),
            "bias_regularizer": registry.serialize(self.bias_regularizer),
            "kernel_constraint": registry.serialize(self.kernel_constraint),
            "bias_constraint": registry.serialize(self.bias_constraint),
        }


class Embedding(Layer):
    """Rows of a table, looked up by whole numbers.

    Args:
        input_dim: how many rows: indices are 0 .. input_dim - 1.
        output_dim: the length of a row.
        embeddings_initializer: default "uniform".
        embeddings_regularizer: default none.
        embeddings_constraint: default none.
        mask_zero: whether index 0 stands for no step: the output has a mask that leaves it out,
            for the layers behind, losses and metrics; default False.
        **kwargs: as for :class:`Layer`; input_length gives the shape (input_length,).

    Shapes: (batch, ...) to (batch, ..., output_dim); embeddings (input_dim, output_dim).

    Raises:
        ValueError: for sizes below 1.
        IndexError: when computed, for an index outside the table.

    Example:
        >>> import numpy as np
        >>> Embedding(4, 2, "ones")(np.array([[3, 0]])).shape
        (1, 2, 2)
    """

    @renamed_arguments(init="embeddings_initializer", W_regularizer="embeddings_regularizer")
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        if "input_length" in kwargs:
            kwargs["input_shape"] = (kwargs.pop("input_length"),)
        super().__init__(**kwargs)
        self.mask_zero = bool(mask_zero)
        self.supports_masking = self.mask_zero
        self.input_dim = positive_int("Embedding", "input_dim", input_dim)
        self.output_dim = positive_int("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)

    def build(self, input_shape: Shape) -> None:
        """Makes the table.

        Args:
            input_shape: of the indices.
        """
        self.embeddings = self.add_weight(
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
            name="embeddings",
        )

    def call(self, inputs: Tensor) -> Any:
        """The rows at the indices.

        Args:
            inputs: whole numbers, (batch, ...); floating inputs are cut to whole numbers.
        """
        scope = _scope.current()
        if scope is not None:
            scope.lookups.append((inputs, self.input_dim))
        if inputs.dtype != "int64":
            inputs = ops.cast(inputs, "int64")
        return ops.take(self.embeddings, inputs, axis=0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where the indices are not 0; None without mask_zero.

        Args:
            inputs: the indices.
            mask: ignored.
        """
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "mask_zero": self.mask_zero,
            "embeddings_initializer": registry.serialize(self.embeddings_initializer),
            "embeddings_regularizer": registry.serialize(self.embeddings_regularizer),
            "embeddings_constraint": registry.serialize(self.embeddings_constraint),
        }


class Masking(Layer):
    """Leaves out steps whose features all equal a value: sets them to 0, and masks them.

    Args:
        mask_value: default 0.
        **kwargs: as for :class:`Layer`.

    Shapes: (batch, steps, features) to the same; the mask is (batch, steps).

    Example:
        >>> import numpy as np
        >>> x = np.array([[[1.0, -1.0], [-1.0, -1.0]]], "float32")
        >>> Masking(-1.0)(x)
        array([[[ 1., -1.],
                [ 0.,  0.]]], dtype=float32)
    """

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self._expect(rank=2)

    def call(self, inputs: Tensor) -> Any:
        """The inputs, with 0 at the steps that are left out.

        Args:
            inputs: (batch, ..., features).
        """
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.where(counts, inputs, ops.zeros_like(inputs))
        return with_mask(outputs, ops.squeeze(counts, -1))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Where a feature differs from the value.

        Args:
            inputs: (batch, ..., features).
            mask: ignored.
        """
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        return {**super().get_config(), "mask_value": self.mask_value}


class Lambda(Layer):
    """A function over ops as a layer. A model that has one cannot be saved.

    Args:
        function: from tensors to tensors; ``mask`` and ``training`` reach it where it takes them.
        output_shape: accepted and ignored: the shape follows from the function.
        mask: the output's mask, or a function of inputs and mask that gives it; default: none.
        arguments: keyword arguments for the function; default none.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: for something that cannot be called.

    Example:
        >>> import numpy as np
        >>> from fastnn import ops
        >>> Lambda(ops.square)(np.array([3.0], "float32"))
        array([9.], dtype=float32)
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"[Lambda] expected a function, got {function!r}")
        self.function = function
        self.mask = mask
        self.supports_masking = mask is not None
        self.arguments = dict(arguments or {})
        self._passed = {"mask", "training"} & set(_argument_names(function))

    def call(self, inputs: Any, mask: Any = None, training: bool = False) -> Any:
        """The function of the inputs.

        Args:
            inputs: what the function takes.
            mask: of the inputs.
            training: whether this is the training phase.
        """
        given = {"mask": mask, "training": training}
        passed = {name: given[name] for name in sorted(self._passed)}
        return self.function(inputs, **{**self.arguments, **passed})

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """What the argument ``mask`` says.

        Args:
            inputs: of the layer.
            mask: theirs.
        """
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def _copy(self) -> Lambda:
        settings = super().get_config()
        return Lambda(self.function, mask=self.mask, arguments=self.arguments, **settings)

    def get_config(self) -> dict[str, Any]:
        """Not available.

        Raises:
            NotImplementedError: always: a function is code, and configurations hold data.
        """
        raise NotImplementedError(
            f"[Lambda] {self.name!r} holds a function, which a configuration cannot: write it as "
            "a subclass of fastnn.layers.Layer"
        )


class InputLayer(Layer):
    """The entry of a model; as the first layer of a Sequential it states the input's shape.

    Args:
        shape: of one row, ``None`` for open axes.
        batch_size: the size of batches, which stateful layers need to know; default: any.
        dtype: default "float32".
        name: default "input_layer".
        **kwargs: input_shape or batch_shape in place of shape.

    Raises:
        ValueError: without a shape, or for a batch size below 1.

    Example:
        >>> InputLayer((11,)).batch_shape
        (None, 11)
    """

    def __init__(
        self,
        shape: Sequence[int | None] | int | None = None,
        batch_size: int | None = None,
        dtype: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if shape is not None:
            kwargs["input_shape"] = shape
        super().__init__(name=name, dtype=dtype, **kwargs)
        if self._declared_shape is None:
            raise ValueError("[InputLayer] expected the shape of one row, e.g. InputLayer((11,))")
        rows = self._declared_shape[0] if batch_size is None else batch_size
        if rows is not None:
            rows = positive_int("InputLayer", "batch_size", rows)
        self.batch_shape = (rows, *self._declared_shape[1:])
        self._output_shape = self.batch_shape
        self.built = True

    def make_tensor(self) -> Tensor:
        """A new symbolic input of this shape."""
        rows, *tail = self.batch_shape
        shape = ("batch" if rows is None else rows, *tail)
        return graph.placeholder(shape, self.dtype, name=self.name)

    def call(self, inputs: Any) -> Any:
        """The inputs themselves.

        Args:
            inputs: a tensor.
        """
        return inputs

    def get_config(self) -> dict[str, Any]:
        """The settings, as plain data."""
        rows, *tail = self.batch_shape
        config: dict[str, Any] = {"name": self.name, "dtype": self.dtype, "shape": tail}
        return config if rows is None else {**config, "batch_size": rows}


def _argument_names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except ValueError:  # a builtin without a signature
        return []


def Input(
    shape: Sequence[int | None] | int | None = None,
    batch_size: int | None = None,
    dtype: str | None = None,
    name: str | None = None,
    **kwargs: Any,
) -> Tensor:
    """A symbolic input of a functional model.

    Args:
        shape: of one row, ``None`` for open axes; the batch axis is added.
        batch_size: the size of batches, which stateful layers need to know; default: any.
        dtype: default "float32".
        name: default "input_layer".
        **kwargs: batch_shape in place of shape.

    Returns:
        A tensor of shape (batch, *shape).

    Raises:
        ValueError: without a shape, or for a batch size below 1.

    Example:
        >>> Input((11,)).shape
        (None, 11)
    """
    if shape is not None and not isinstance(shape, int) and not is_shape(shape):
        raise TypeError(f"[Input] expected a tuple of sizes (None for open), got {shape!r}")
    layer = InputLayer(shape, batch_size, dtype, name, **kwargs)
    tensor = layer.make_tensor()
    return _history.record(layer, (), {}, tensor)  # type: ignore[no-any-return]
