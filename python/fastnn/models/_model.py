"""Models: layers that can be compiled, trained, evaluated and asked for predictions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from fastnn import _registry as registry
from fastnn import layers as layer_package
from fastnn._tensor import Tensor
from fastnn.layers import _masks, _scope, _track
from fastnn.layers._base import Layer
from fastnn.layers._nest import flatten
from fastnn.models import _graph, _graph_config, _pickling
from fastnn.models._summary import write_summary
from fastnn.models._trainable import Trainable


class Model(Trainable):
    """A network that is trained as a whole.

    Made in one of two ways: from symbolic tensors, ``Model(inputs, outputs)``, or by subclassing,
    with layers as attributes and a ``call`` of its own.

    Args:
        inputs: a tensor from ``Input``, or a list or dict of them.
        outputs: tensors that layers and ops have made from the inputs.
        name: default "functional", or the class's name, with a number.
        trainable: whether training changes its variables; default True.
        **kwargs: as for :class:`Layer`.

    Raises:
        TypeError: for anything but tensors.
        ValueError: for outputs that need an input which is not among the inputs.

    Example:
        >>> import fastnn
        >>> x = fastnn.Input((4,))
        >>> model = Model(x, fastnn.layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        name: str | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        if (inputs is None) != (outputs is None):
            raise TypeError("[Model] expected both inputs and outputs, or neither")
        if inputs is not None and name is None and type(self) is Model:
            name = registry.unique_name("functional")
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._graph: _graph.FunctionalGraph | None = None
        self._symbolic_losses: list[Tensor] = []
        if inputs is not None:
            self._graph = _graph.FunctionalGraph(inputs, outputs)
            self._graph_layers = self._graph.layers
            self.built = True

    def __getstate__(self) -> dict[str, Any]:
        """As for a layer; of a functional model, the steps that make its graph."""
        state = super().__getstate__()
        for key in ("_graph", "_graph_layers", "_read", "_ends"):
            state.pop(key, None)
        if self._graph is not None:
            state["_steps"] = _pickling.state_of(self._graph, self._symbolic_losses)
        del state["_symbolic_losses"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        steps = state.pop("_steps", None)
        super().__setstate__({**state, "_symbolic_losses": []})
        self._graph = None
        if steps is not None:
            self._graph, self._symbolic_losses = _pickling.graph_from(steps)
            if not hasattr(self, "_stack"):
                self._graph_layers = self._graph.layers

    # --- structure

    def _cast(self, leaf: Any) -> Any:
        """Inputs reach the layers as they are: each casts to its own dtype."""
        return leaf

    @property
    def _array_dtype(self) -> str:
        if self._graph is not None and self._graph.input_tensors:
            dtype: str = self._graph.input_tensors[0].dtype
            return dtype if dtype in ("float32", "float64") else "float32"
        return super()._array_dtype

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        """The computation; of a functional model, its layers in their order.

        Args:
            inputs: tensors in the structure of the model's inputs.
            training: whether this is the training phase.
            mask: of the inputs, in their structure; None where every step counts.

        Raises:
            NotImplementedError: for a subclass that does not define it.
        """
        if self._graph is None:
            raise NotImplementedError(
                f"[{type(self).__name__}] has no call(): define it, or make the model from "
                "inputs and outputs"
            )
        given = flatten(_masks.put_beside_inputs(inputs, mask))
        wanted = self._graph.input_tensors
        if len(given) != len(wanted):
            raise ValueError(
                f"[{type(self).__name__}] expected {len(wanted)} inputs, got {len(given)}"
            )
        outputs, losses = self._graph.run(given, self._symbolic_losses)
        scope = _scope.current()
        if scope is not None:
            scope.losses.extend(losses)
        return outputs

    def build(self, input_shape: Any) -> None:
        """Makes the variables of a subclassed model by tracing ``call``.

        Args:
            input_shape: a tuple with ``None`` for the batch, or a list or dict of such.
        """
        if self._graph is None and not self.built:
            self._engine.build(input_shape)

    @property
    def layers(self) -> list[Layer]:
        """The layers of this model, inputs included for a functional one."""
        if self._graph is not None:
            return list(self._graph.layers)
        return _track.sublayers(self)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer by name or position.

        Args:
            name: of the layer.
            index: in :attr:`layers`.

        Raises:
            ValueError: for an unknown name, a position that is not there, or neither or both.

        Example:
            >>> import fastnn
            >>> from fastnn.layers import Dense
            >>> x = fastnn.Input((4,))
            >>> Model(x, Dense(2, name="last")(x)).get_layer("last").units
            2
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError("[get_layer] expected either a name or an index")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"[get_layer] expected an index below {len(layers)}, got {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise _graph.unknown_layer(str(name), layers)

    @property
    def inputs(self) -> list[Tensor]:
        """The symbolic inputs.

        Raises:
            AttributeError: for a model that has none (subclassed, or not built).
        """
        return list(self._require_graph().input_tensors)

    @property
    def outputs(self) -> list[Tensor]:
        """The symbolic outputs.

        Raises:
            AttributeError: for a model that has none (subclassed, or not built).
        """
        return list(self._require_graph().output_tensors)

    @property
    def input(self) -> Any:
        """The symbolic input, or inputs in their structure."""
        return self._require_graph().inputs

    @property
    def output(self) -> Any:
        """The symbolic output, or outputs in their structure."""
        return self._require_graph().outputs

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of shapes."""
        shapes = [tensor.shape for tensor in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes."""
        shapes = [tensor.shape for tensor in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    def _require_graph(self) -> _graph.FunctionalGraph:
        if self._graph is None:
            raise AttributeError(
                f"[{type(self).__name__}] {self.name!r} has no symbolic inputs and outputs: it "
                "is subclassed, or not built yet"
            )
        return self._graph

    @property
    def cap_depth(self) -> int:
        """The depth of the credit assignment path: hidden layers plus one.

        Layers with weights on the longest path from an input to an output (Schmidhuber, 2015).
        """
        if self._graph is not None:
            return self._graph.cap_depth()
        return sum(getattr(layer, "cap_depth", int(bool(layer.weights))) for layer in self.layers)

    def add_loss(self, loss: Any) -> None:
        """Adds a term to the cost.

        Args:
            loss: a scalar tensor, or a list of them: inside ``call``, of the trace's tensors; of a
                functional model, of the tensors between its inputs and outputs.

        Raises:
            RuntimeError: outside of ``call`` for a model that is not functional.

        Example:
            >>> import fastnn
            >>> from fastnn.layers import Dense
            >>> x = fastnn.Input((4,))
            >>> y = Dense(2)(x)
            >>> model = Model(x, y)
            >>> model.add_loss(fastnn.ops.mean(fastnn.ops.square(y)))
        """
        if _scope.current() is not None or self._graph is None:
            super().add_loss(loss)
            return
        for term in flatten(loss):
            if not isinstance(term, Tensor) or term.ndim != 0:
                raise ValueError("[Model] expected add_loss() of a symbolic scalar")
            self._symbolic_losses.append(term)
        self._engine.forget()

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Prints a table of layers with output shapes and parameters, totals, and the CAP depth.

        Args:
            line_length: characters a line; default 80, more where names need it.
            positions: accepted and ignored.
            print_fn: receives the text in place of print.
            expand_nested: also the layers of models inside; default False.
            show_trainable: a column that says which are; default False.
            layer_range: names (or regular expressions) of the first and the last layer to show.

        A functional model that is no plain chain has a column that says what feeds each layer.

        Raises:
            ValueError: before the model is built, or for a layer_range without layers.

        Example:
            >>> import fastnn
            >>> from fastnn.layers import Dense
            >>> x = fastnn.Input((4,))
            >>> model = Model(x, Dense(2)(x), name="tiny")
            >>> model.summary(print_fn=lambda text: print(text.splitlines()[0]))
            Model: "tiny"
        """
        if not self.built and not self.layers:
            raise ValueError(
                f"[{type(self).__name__}] {self.name!r} is not built yet: give it an input shape, "
                "call build(), or call it on data"
            )
        write_summary(self, line_length, print_fn, expand_nested, show_trainable, layer_range)

    def _repr_html_(self) -> str:
        """What a notebook shows: layers, totals and a picture."""
        from fastnn.models._picture import model_html

        return model_html(self)

    # --- files

    def to_json(self, **options: Any) -> str:
        """The architecture as JSON, which :func:`fastnn.models.model_from_json` reads; no weights.

        Args:
            **options: as for ``json.dumps``.

        Example:
            >>> import fastnn
            >>> model = fastnn.Sequential([fastnn.layers.Dense(2, input_dim=3)])
            >>> fastnn.models.model_from_json(model.to_json()).output_shape
            (None, 2)
        """
        entry = {"class_name": type(self).__name__, "config": self.get_config()}
        return json.dumps(entry, **options)

    def save(
        self,
        filepath: str | os.PathLike[str],
        overwrite: bool = True,
        include_optimizer: bool = True,
    ) -> None:
        """Writes the model to one file: architecture, weights, optimizer, place in the training.

        The file is written beside the target, synced to the disk and put in its place: a reader,
        and a machine that stops, find the old file or the new one.

        Args:
            filepath: ends in .fastnn or .safetensors, which are the same format.
            overwrite: False refuses to replace a file; default True.
            include_optimizer: also compile()'s arguments and the optimizer; default True.

        Raises:
            ValueError: for another suffix, a Lambda layer, or an optimizer that trains other
                variables too.
            NotImplementedError: for a class of one's own without get_config().
            TypeError: for a configuration that is not plain data.
            FileExistsError: for a file that is there, with overwrite=False.
            OSError: where the file cannot be written; an old one stays as it was.

        Example:
            >>> import pathlib, tempfile
            >>> import fastnn
            >>> model = fastnn.Sequential([fastnn.layers.Dense(2, input_dim=3)])
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "model.fastnn"
            >>> model.save(path)
            >>> fastnn.load_model(path).output_shape
            (None, 2)
        """
        from fastnn.models import _files

        _files.save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Writes the weights alone.

        Args:
            filepath: ends in .fastnn or .safetensors.
            overwrite: False refuses to replace a file; default True.

        Raises:
            ValueError: for another suffix, or before the model is built.
            FileExistsError: for a file that is there, with overwrite=False.
            OSError: where the file cannot be written; an old one stays as it was.
        """
        from fastnn.models import _files

        _files.save_weights(self, filepath, overwrite)

    def load_weights(
        self,
        filepath: str | os.PathLike[str],
        by_name: bool = False,
        skip_mismatch: bool = False,
    ) -> None:
        """Reads weights that save() or save_weights() has written, or any safetensors file.

        Args:
            filepath: the file. A safetensors file that is not of fastnn is read by name; .keras,
                .h5 and .weights.h5 files of Keras by the place of layers (with h5py).
            by_name: those whose names are equal, rather than all in their order; default False.
            skip_mismatch: leave weights of another shape as they are, with a warning; default
                False: they are an error, and no weight is changed.

        Raises:
            ValueError: for weights that do not fit, or before the model is built.
            FastnnFormatError: for a file that is damaged or cut off.
            OSError: where it cannot be read.

        Example:
            >>> import pathlib, tempfile
            >>> import fastnn
            >>> make = lambda: fastnn.Sequential([fastnn.layers.Dense(2, input_dim=3)])
            >>> first, second = make(), make()
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.fastnn"
            >>> first.save_weights(path)
            >>> second.load_weights(path)
            >>> bool((first.get_weights()[0] == second.get_weights()[0]).all())
            True
        """
        from fastnn.models import _files

        _files.load_weights(self, filepath, by_name, skip_mismatch)

    def to_onnx(self, filepath: str | os.PathLike[str]) -> None:
        """Writes what the model predicts as an ONNX file, for other programs to run.

        Every operation is said in ONNX's own (operator set 18); dropout and the like, which do
        nothing in prediction, are left out.

        Args:
            filepath: the file; replaced in one step.

        Raises:
            ValueError: before the model is built.
            NotImplementedError: for an operation that ONNX cannot say.
            ImportError: without onnx (``pip install 'fastnn[formats]'``).
            OSError: where the file cannot be written.
        """
        from fastnn.models import _export

        _export.to_onnx(self, filepath)

    def to_c(
        self,
        filepath: str | os.PathLike[str],
        name: str | None = None,
        length: int | None = None,
    ) -> None:
        """Writes what the model predicts as a C99 header that needs nothing but the C library.

        The header holds the weights and two functions, ``NAME_predict`` for one row and
        ``NAME_predict_rows`` for several; a comment at its top says what they take. An index that
        lies outside of an embedding's table is not noticed.

        Args:
            filepath: the file; replaced in one step.
            name: what all names in the header begin with; default: the model's.
            length: of the axes whose length is open, as that of sequences; default: there are none.

        Raises:
            ValueError: before the model is built.
            NotImplementedError: for an operation without counterpart, or an open axis without a
                length.
            OSError: where the file cannot be written.

        Example:
            >>> import pathlib, tempfile
            >>> import fastnn
            >>> model = fastnn.Sequential([fastnn.layers.Dense(2, input_dim=3)], name="tiny")
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "tiny.h"
            >>> model.to_c(path)
            >>> "tiny_predict(const float *in0, float *out0)" in path.read_text()
            True
        """
        from fastnn.models import _export

        _export.to_c(self, filepath, name, length)

    # --- configuration

    def get_config(self) -> dict[str, Any]:
        """The structure as plain data (not weights, not the compilation).

        Raises:
            NotImplementedError: for a subclassed model that does not define it.
        """
        if self._graph is None:
            raise NotImplementedError(
                f"[{type(self).__name__}] a subclassed model has to define get_config() itself: "
                "the arguments of its __init__()"
            )
        return {"name": self.name, "trainable": self.trainable, **self._graph.get_config()}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Makes a model from what :meth:`get_config` returned, with fresh weights.

        Args:
            config: the settings.
            custom_objects: classes of layers of one's own, by name.

        Raises:
            ValueError: for an unknown class, or connections to layers that are not there.
        """
        if "layers" not in config:
            return cls(**config)
        inputs, outputs = _graph_config.tensors_from_config(
            dict(config), lambda entry: layer_from_config(entry, custom_objects)
        )
        return Model(
            inputs, outputs, name=config.get("name"), trainable=config.get("trainable", True)
        )


# What is loaded only where a file names it.
_ELSEWHERE = {
    "Autoencoder": "autoencoders",
    "MaskingNoise": "autoencoders",
    "NeuronGraph": "neurons",
    "Sampling": "autoencoders",
    "VariationalAutoencoder": "autoencoders",
}


def _layers_within(value: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    """What a layer around others is told of them, as layers: they may be models, or one's own."""
    if isinstance(value, list):
        return [_layers_within(item, custom_objects) for item in value]
    described = isinstance(value, Mapping) and "class_name" in value
    return layer_from_config(value, custom_objects) if described else value


def layer_from_config(
    entry: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Layer:
    """Makes a layer from {"class_name", "config"}: one of fastnn's, or of one's own.

    Args:
        entry: the class's name and its settings.
        custom_objects: further classes by name, beside those of the scope.

    Raises:
        ValueError: for an unknown class, or one that is no layer.
    """
    from fastnn.models._sequential import Sequential

    name = entry["class_name"]
    if name in _FURTHER:
        return _from(
            getattr(import_module(f"fastnn.models.{_FURTHER[name]}"), name), entry["config"]
        )
    known: dict[str, Any] = {"Sequential": Sequential, "Model": Model, "Functional": Model}
    if name in _ELSEWHERE:
        known[name] = getattr(import_module(f"fastnn.models.{_ELSEWHERE[name]}"), name)
    known.update({n: getattr(layer_package, n) for n in layer_package.__all__ if n != "Input"})
    own = {**registry.custom_objects_in_scope(), **(custom_objects or {})}
    known.update(own)
    if name not in known:
        hint = registry.did_you_mean(str(name), known)
        raise ValueError(
            f"unknown layer {name!r}{hint}: classes of one's own are given in custom_objects"
        )
    cls = known[name]
    if not isinstance(cls, type) or not issubclass(cls, Layer):
        raise ValueError(f"expected a layer's class as {name!r}, got {cls!r}")
    config = dict(entry["config"])
    for held in getattr(cls, "_holds", ()):
        config[held] = _layers_within(config.get(held), custom_objects)
    with registry.custom_object_scope(custom_objects):
        return _from(cls, config)


# Models of fastnn that are not loaded with it, and the layers that they are made of.
_FURTHER = {
    "Autoencoder": "autoencoders",
    "MaskingNoise": "autoencoders._layers",
    "NeuronGraph": "neurons",
    "Neurons": "neurons._graph",
    "Sampling": "autoencoders._layers",
    "VariationalAutoencoder": "autoencoders",
}


def _from(cls: Any, config: Mapping[str, Any]) -> Layer:
    layer: Layer = cls.from_config(config)
    return layer


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Makes a model from what :meth:`Model.to_json` returned, with fresh weights.

    Args:
        json_string: the text.
        custom_objects: classes of one's own, by name.

    Raises:
        ValueError: for text that is no such JSON, or names an unknown class.

    Example:
        >>> import fastnn
        >>> model = fastnn.Sequential([fastnn.layers.Dense(2, input_dim=3)])
        >>> model_from_json(model.to_json()).count_params()
        8
    """
    entry = json.loads(json_string)
    if not isinstance(entry, dict) or not {"class_name", "config"} <= entry.keys():
        raise ValueError("[model_from_json] expected the JSON of a model's to_json()")
    model = layer_from_config(entry, custom_objects)
    if not isinstance(model, Model):
        raise ValueError(f"[model_from_json] expected a model, got {type(model).__name__}")
    return model


def save_model(model: Model, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
    """As :meth:`Model.save`."""
    model.save(filepath, overwrite)
