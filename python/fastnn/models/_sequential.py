"""A model that is a plain stack of layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fastnn._tensor import Tensor
from fastnn.layers import _history, _masks, _scope
from fastnn.layers._arguments import is_shape
from fastnn.layers._base import Layer
from fastnn.layers.core import Embedding, InputLayer
from fastnn.models._graph import FunctionalGraph
from fastnn.models._model import Model, layer_from_config


class Sequential(Model):
    """Layers, each fed by the one before.

    It is built as soon as the input's shape is known: from an ``Input`` or ``InputLayer`` at the
    front, from the first layer's ``input_shape`` or ``input_dim``, or from the first data.

    Args:
        layers: to begin with; default none.
        trainable: whether training changes its variables; default True.
        name: default "sequential", with a number.

    Raises:
        TypeError: for something that is no layer.
        ValueError: for two layers of one name.

    Example:
        >>> from fastnn.layers import Dense
        >>> model = Sequential([Dense(6, activation="relu", input_dim=11), Dense(1)])
        >>> model.count_params()
        79
    """

    _read: FunctionalGraph | None = None
    _ends: tuple[Any, Any] | None = None

    def __init__(
        self,
        layers: Iterable[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable)
        self._stack: list[Layer] = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Puts a layer on top.

        Args:
            layer: a layer, a model, or at the front a tensor from ``Input``.

        Raises:
            TypeError: for something else.
            ValueError: for the name of a layer that it has already, or a layer that does not fit;
                the model is left as it was.
            RuntimeError: while the model is in training.

        Example:
            >>> from fastnn.layers import Dense
            >>> model = Sequential()
            >>> model.add(Dense(3, input_dim=2))
            >>> model.output_shape
            (None, 3)
        """
        self._engine.refuse_in_training("add")
        if isinstance(layer, Tensor):
            call = _history.call_of(layer)
            if call is None or not isinstance(call.layer, InputLayer):
                raise TypeError("[Sequential] expected a layer, or the tensor of fastnn.Input")
            layer = call.layer
        if not isinstance(layer, Layer):
            raise TypeError(f"[Sequential] expected a layer, got {layer!r}")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError("[Sequential] an input goes to the front")
        if any(other.name == layer.name for other in self._stack):
            raise ValueError(
                f"[Sequential] has a layer named {layer.name!r} already: names within a model "
                "differ"
            )
        self._extend(layer)

    def _extend(self, layer: Layer) -> None:
        """Adds the layer to the stack, and to the graph where there is one."""
        if self._ends is not None:
            inputs, outputs = self._ends
            outputs = _called(layer, outputs)
            self._stack.append(layer)
            self._set_ends(inputs, outputs)
            return
        self._stack.append(layer)
        if len(self._stack) > 1:
            return
        if layer._declared_shape is None and not (isinstance(layer, Model) and layer._graph):
            return
        try:
            self._build_from(self._front_input(layer))
        except BaseException:
            self._stack.pop()
            raise

    def _front_input(self, layer: Layer) -> InputLayer:
        if isinstance(layer, InputLayer):
            return layer
        if isinstance(layer, Model) and layer._graph is not None:
            tensor = layer._graph.input_tensors[0]
            return InputLayer(tensor.shape[1:], dtype=tensor.dtype)
        assert layer._declared_shape is not None
        return InputLayer(batch_shape=layer._declared_shape, dtype=_input_dtype(layer))

    def _build_from(self, source: InputLayer) -> None:
        tensor = source.make_tensor()
        _history.record(source, (), {}, tensor)
        _history.claim(source._calls)
        outputs = tensor
        with _scope.suspended():
            for layer in self._stack:
                if not isinstance(layer, InputLayer):
                    outputs = _called(layer, outputs)
        self._set_ends(tensor, outputs)

    # A graph is read when it is asked for: a stack of a thousand layers grows a thousand times.
    @property
    def _graph(self) -> FunctionalGraph | None:
        if self._read is None and self._ends is not None:
            self._read = FunctionalGraph(*self._ends)
        return self._read

    @_graph.setter
    def _graph(self, graph: FunctionalGraph | None) -> None:
        self._read = graph
        self._ends = None if graph is None else (graph.inputs, graph.outputs)

    def _set_ends(self, inputs: Any, outputs: Any) -> None:
        self._read = None
        self._ends = (inputs, outputs)
        self._output_shape = getattr(outputs, "shape", None)
        self.built = True
        self._objective = None
        self._engine.forget(structure=True)

    def build(self, input_shape: Any = None) -> None:
        """Builds all layers.

        Args:
            input_shape: of the data, the batch axis first: (None, 11).

        Raises:
            ValueError: for something that is no shape, or one that the layers cannot take.
        """
        if self._graph is not None:
            return
        if not is_shape(input_shape) or len(input_shape) < 1:
            raise ValueError(
                f"[Sequential] expected the input's shape with its batch axis, e.g. (None, 11), "
                f"got {input_shape!r}"
            )
        if not self._stack:
            raise ValueError("[Sequential] has no layers yet: add some")
        self._build_from(InputLayer(tuple(input_shape[1:]), dtype=_input_dtype(self._stack[0])))

    def pop(self, rebuild: bool = True) -> Layer:
        """Takes the last layer off.

        Args:
            rebuild: accepted and ignored.

        Returns:
            The layer.

        Raises:
            ValueError: where there is none.
            RuntimeError: while the model is in training.

        Example:
            >>> from fastnn.layers import Dense
            >>> model = Sequential([Dense(3, input_dim=2), Dense(1)])
            >>> model.pop().units
            1
        """
        self._engine.refuse_in_training("pop")
        if not self._stack:
            raise ValueError("[Sequential] has no layer to take off")
        layer = self._stack.pop()
        if self._graph is not None:
            graph, self._graph = self._graph, None
            self.built = False
            self._objective = None
            self._engine.forget(structure=True)
            if any(not isinstance(other, InputLayer) for other in self._stack):
                call = _history.call_of(graph.input_tensors[0])
                assert call is not None
                assert isinstance(call.layer, InputLayer)
                self._build_from(call.layer)
        return layer

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """The layers, one after the other.

        Args:
            inputs: a tensor.
            training: whether this is the training phase.
            mask: of the input; None where every step counts.
        """
        inputs = _masks.put_beside_inputs(inputs, mask)
        for layer in self._stack:
            inputs = layer(inputs)
        return inputs

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        return [layer for layer in self._stack if not isinstance(layer, InputLayer)]

    def get_config(self) -> dict[str, Any]:
        """The structure as plain data (not weights, not the compilation)."""
        entries = [
            {"class_name": type(layer).__name__, "config": layer.get_config()}
            for layer in self._stack
        ]
        if self._graph is not None and not isinstance(self._stack[0], InputLayer):
            source = self._graph.layers[0]
            entries.insert(0, {"class_name": "InputLayer", "config": source.get_config()})
        return {"name": self.name, "trainable": self.trainable, "layers": entries}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Sequential:
        """Makes a model from what :meth:`get_config` returned, with fresh weights.

        Args:
            config: the settings.
            custom_objects: classes of layers of one's own, by name.

        Raises:
            ValueError: for an unknown class.
        """
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for entry in config["layers"]:
            model.add(layer_from_config(entry, custom_objects))
        return model


def _called(layer: Layer, inputs: Any) -> Any:
    """What the layer makes of them. The model holds the layer, which holds the call."""
    outputs = layer(inputs)
    _history.claim(layer._calls[-1:])
    return outputs


def _input_dtype(layer: Layer) -> str:
    """What a first layer is fed: whole numbers for an Embedding, else its own dtype."""
    while isinstance(layer, Sequential) and layer._stack:
        layer = layer._stack[0]
    if isinstance(layer, InputLayer):
        return layer.dtype
    if isinstance(layer, Embedding):
        return "int64"
    return layer.dtype if layer.dtype in ("float32", "float64") else "float32"
