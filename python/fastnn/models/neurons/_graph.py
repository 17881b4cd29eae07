"""Networks of single neurons: any directed acyclic graph, evaluated level by level."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import activations as activations_
from fastnn import ops
from fastnn._tensor import Tensor
from fastnn.layers import Dense, Input
from fastnn.layers._base import Layer
from fastnn.models._model import Model
from fastnn.models.neurons._wiring import Group, Wiring


class Neurons(Layer):
    """The neurons of a :class:`NeuronGraph` as one layer: rows of inputs to rows of outputs."""

    def __init__(self, wiring: Wiring, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._wiring = wiring
        self._groups = wiring.groups()

    def build(self, input_shape: Any) -> None:
        """Makes a weight for each edge and a bias for each neuron behind the inputs."""
        count = len(self._wiring.incoming)
        self.edges = self.add_weight((self._wiring.n_edges,), "zeros", name="edges")
        self.biases = self.add_weight((count - self._wiring.n_inputs,), "zeros", name="biases")

    def call(self, inputs: Tensor) -> Any:
        """activation(bias + sum of weight * output of the source), in order of the levels."""
        values = ops.transpose(inputs)  # (neurons so far, rows)
        weights = (
            ops.concatenate([self.edges, ops.zeros_like(self.edges[:1])])
            if (self._wiring.n_edges)
            else None
        )
        for groups in self._groups:
            new = [self._outputs(group, values, weights, inputs) for group in groups]
            values = ops.concatenate([values, *new])
        last = self._wiring.place[-self._wiring.n_outputs :]
        return ops.transpose(ops.take(values, last, axis=0))

    def _outputs(self, group: Group, values: Tensor, weights: Any, inputs: Tensor) -> Any:
        count, width = group.sources.shape
        bias = ops.expand_dims(ops.take(self.biases, group.neurons - self._wiring.n_inputs), 1)
        if width == 0:
            total = bias + ops.zeros_like(values[:1])
        else:
            taken = ops.take(values, group.sources.reshape(-1), axis=0)
            weight = ops.expand_dims(ops.take(weights, group.edges.reshape(-1)), 1)
            shape = (count, width, values.dims[1])
            total = ops.sum(ops.reshape(taken * weight, shape), axis=1) + bias
        return activations_.get(group.activation)(total)


class NeuronGraph(Model):
    """A network given neuron by neuron: any directed acyclic graph of them.

    The first neurons are the inputs, the last the outputs; each other takes outputs of neurons
    before it. It is compiled, trained and asked for predictions as any model.

    Args:
        incoming: for each neuron, those whose outputs it takes; empty for inputs.
        weights: of these edges, in their order.
        n_inputs: how many inputs.
        n_outputs: how many outputs.
        activations: a name for each neuron behind the inputs, or one for all; default "sigmoid".
        biases: one for each neuron behind the inputs; default 0.
        dtype: "float32" or "float64".
        name: default "neuron_graph".

    Raises:
        ValueError: for edges that lead nowhere, weights that do not fit, and for a cycle, which is
            named.

    Example:
        >>> graph = NeuronGraph(
        ...     incoming=[[], [], [0, 1], [0, 1], [2, 3]],
        ...     weights=[[], [], [3.0, 3.0], [1.0, 5.0], [2.0, -1.0]],
        ...     n_inputs=2, n_outputs=1, activations="relu",
        ... )
        >>> graph.predict([[2.0, 3.0]], verbose=0)
        array([[13.]], dtype=float32)
    """

    def __init__(
        self,
        incoming: Sequence[Sequence[int]],
        weights: Sequence[Sequence[float]],
        n_inputs: int,
        n_outputs: int,
        activations: str | Sequence[str] = "sigmoid",
        biases: Sequence[float] | None = None,
        dtype: str = "float32",
        name: str = "neuron_graph",
    ) -> None:
        wiring = Wiring(incoming, n_inputs, n_outputs, activations)
        flat = _flat_weights(wiring, weights)
        bias = np.zeros(len(wiring.activations)) if biases is None else np.asarray(biases, float)
        if bias.shape != (len(wiring.activations),):
            raise ValueError(
                f"[NeuronGraph] expected {len(wiring.activations)} biases, one for each neuron "
                f"behind the inputs, got shape {bias.shape}"
            )
        x = Input((n_inputs,), dtype=dtype)
        neurons = Neurons(wiring, dtype=dtype, name="neurons")
        super().__init__(x, neurons(x), name=name)
        self._wiring, self._neurons = wiring, neurons
        neurons.set_weights([flat, bias])

    @classmethod
    def from_dense(cls, model: Any) -> NeuronGraph:
        """The graph of a stack of Dense layers: each unit a neuron.

        Args:
            model: a built Sequential of Dense layers whose activations have names.

        Raises:
            ValueError: for other layers.
        """
        stack = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        if not stack or not all(type(layer) is Dense for layer in stack):
            raise ValueError("[NeuronGraph] expected a model of Dense layers alone")
        sizes = [int(stack[0].kernel.shape[0]), *(layer.units for layer in stack)]
        incoming: list[list[int]] = [[] for _ in range(sizes[0])]
        weights: list[list[float]] = [[] for _ in range(sizes[0])]
        names: list[str] = []
        biases: list[float] = []
        first = 0
        for layer, below in zip(stack, sizes, strict=False):
            kernel = layer.kernel.get_value()
            for unit in range(layer.units):
                incoming.append(list(range(first, first + below)))
                weights.append(kernel[:, unit].tolist())
            names += [activations_.serialize(layer.activation)] * layer.units
            biases += layer.bias.get_value().tolist() if layer.use_bias else [0.0] * layer.units
            first += below
        return cls(incoming, weights, sizes[0], sizes[-1], names, biases, stack[0].dtype)

    # --- plain data

    def get_config(self) -> dict[str, Any]:
        """The whole graph, weights included, as plain data."""
        edges, biases = (w.tolist() for w in self._neurons.get_weights())
        first = self._wiring.first_edge
        return {
            "incoming": self._wiring.incoming,
            "weights": [edges[a:b] for a, b in pairwise(first)],
            "n_inputs": self._wiring.n_inputs,
            "n_outputs": self._wiring.n_outputs,
            "activations": self._wiring.activations,
            "biases": biases,
            "dtype": self._neurons.dtype,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: Any, custom_objects: Any = None) -> NeuronGraph:
        """The graph of :meth:`get_config`."""
        return cls(**config)

    def to_json(self, **options: Any) -> str:
        """The whole graph as JSON text, with its weights.

        Args:
            **options: as for ``json.dumps``.
        """
        return json.dumps(self.get_config(), **options)

    @classmethod
    def from_json(cls, text: str) -> NeuronGraph:
        """The graph of :meth:`to_json`.

        Raises:
            ValueError: for text that is no such JSON.
        """
        config = json.loads(text)
        wanted = {"incoming", "weights", "n_inputs", "n_outputs"}
        known = {*wanted, "activations", "biases", "dtype", "name"}
        if not isinstance(config, dict) or not wanted <= set(config) <= known:
            found = sorted(config) if isinstance(config, dict) else type(config).__name__
            raise ValueError(
                f"[NeuronGraph] expected JSON with {', '.join(sorted(wanted))}, got {found}"
            )
        return cls.from_config(config)


def _flat_weights(wiring: Wiring, weights: Sequence[Sequence[float]]) -> NDArray[Any]:
    if len(weights) != len(wiring.incoming):
        raise ValueError(
            f"[NeuronGraph] expected weights for {len(wiring.incoming)} neurons, got {len(weights)}"
        )
    for neuron, (own, sources) in enumerate(zip(weights, wiring.incoming, strict=True)):
        if len(own) != len(sources):
            raise ValueError(
                f"[NeuronGraph] neuron {neuron} takes {len(sources)} outputs and has {len(own)} "
                "weights"
            )
    flat = np.array([w for own in weights for w in own], dtype=float)
    if not np.isfinite(flat).all():
        raise ValueError("[NeuronGraph] expected finite weights")
    return flat
