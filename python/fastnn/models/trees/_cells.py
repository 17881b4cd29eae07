"""How a node's vector is made of its children's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import ops
from fastnn._tensor import Tensor, Variable

Generator = np.random.Generator
# A variable of a name and a shape, and what draws its first value.
MakeVariable = Callable[[str, tuple[int, ...], Callable[[], NDArray[Any]]], Variable]


class PlainCell:
    """tanh(W [left; right] + b) (Goller and Kuechler, 1996; Socher et al., 2011).

    Args:
        units: length of a vector.
        generator: of the first weights.
        make: makes variables.
    """

    name = "plain"
    states = 1  # vectors that a node keeps

    def __init__(self, units: int, generator: Generator, make: MakeVariable) -> None:
        self.units = units
        shape = (2 * units, units)

        def kernel() -> NDArray[Any]:
            # Near the mean of the children: words' meanings reach the root from the start.
            value: NDArray[Any] = np.concatenate([np.eye(units)] * 2) / 2
            value += generator.uniform(-1, 1, shape) / (2 * units) ** 0.5 / 4
            return value

        self.kernel = make("kernel", shape, kernel)
        self.bias = make("bias", (units,), lambda: np.zeros(units))

    @property
    def weights(self) -> list[Variable]:
        """Kernel and bias."""
        return [self.kernel, self.bias]

    def leaf(self, vectors: Tensor) -> list[Tensor]:
        """A leaf's states from its word's vector."""
        return [ops.tanh(vectors)]

    def node(self, left: list[Tensor], right: list[Tensor]) -> list[Any]:
        """A node's states from those of its children."""
        both = ops.concatenate([left[0], right[0]], axis=1)
        return [ops.tanh(self._field(both))]

    def _field(self, both: Tensor) -> Any:
        return ops.matmul(both, self.kernel) + self.bias


class TensorCell(PlainCell):
    """tanh(x^T V x + W x + b), x = [left; right]: each pair of values acts on each of the result
    (Socher et al., 2013, "Recursive Deep Models for Semantic Compositionality Over a Sentiment
    Treebank", section 4.3)."""

    name = "tensor"

    def __init__(self, units: int, generator: Generator, make: MakeVariable) -> None:
        super().__init__(units, generator, make)
        shape = ((2 * units) ** 2, units)
        self.tensor = make("tensor", shape, lambda: generator.uniform(-1, 1, shape) / (4 * units))

    @property
    def weights(self) -> list[Variable]:
        """Kernel, bias and tensor, which has shape (4 units^2, units)."""
        return [*super().weights, self.tensor]

    def _field(self, both: Tensor) -> Any:
        return ops.matmul(ops.pairs(both), self._of_pairs()) + super()._field(both)

    def _of_pairs(self) -> Any:
        """What V says of each pair of values: x_i x_j stands in x^T V x twice, but for i = j."""
        length = 2 * self.units
        i, j = np.triu_indices(length)
        one = ops.take(self.tensor, length * i + j, axis=0)
        other = ops.take(self.tensor, length * j + i, axis=0)
        return one + other * (i != j)[:, None].astype(np.float32)


class LSTMCell:
    """The binary tree-LSTM (Tai, Socher and Manning, 2015, "Improved Semantic Representations From
    Tree-Structured Long Short-Term Memory Networks", section 3.2).

    Args:
        units: length of a vector.
        generator: of the first weights.
        make: makes variables.
    """

    name = "lstm"
    states = 2

    def __init__(self, units: int, generator: Generator, make: MakeVariable) -> None:
        self.units = units
        bound = (6.0 / (3 * units)) ** 0.5 / 2

        def kernel(name: str, shape: tuple[int, int]) -> Variable:
            return make(name, shape, lambda: generator.uniform(-bound, bound, shape))

        self.leaf_kernel = kernel("leaf_kernel", (units, 3 * units))
        self.leaf_bias = make("leaf_bias", (3 * units,), lambda: np.zeros(3 * units))
        self.kernel = kernel("kernel", (2 * units, 5 * units))
        # Both children are remembered at first.
        self.bias = make("bias", (5 * units,), lambda: np.repeat([0.0, 1, 1, 0, 0], units))

    @property
    def weights(self) -> list[Variable]:
        """Kernels and biases of leaves, then of nodes."""
        return [self.leaf_kernel, self.leaf_bias, self.kernel, self.bias]

    def leaf(self, vectors: Tensor) -> list[Tensor]:
        """A leaf's output and memory from its word's vector."""
        i, o, u = ops.split(ops.matmul(vectors, self.leaf_kernel) + self.leaf_bias, 3, axis=1)
        memory = ops.sigmoid(i) * ops.tanh(u)
        return [ops.sigmoid(o) * ops.tanh(memory), memory]

    def node(self, left: list[Tensor], right: list[Tensor]) -> list[Any]:
        """A node's output and memory: each child is forgotten by a gate of its own."""
        both = ops.concatenate([left[0], right[0]], axis=1)
        i, f_left, f_right, o, u = ops.split(ops.matmul(both, self.kernel) + self.bias, 5, axis=1)
        memory = ops.sigmoid(i) * ops.tanh(u)
        memory = memory + ops.sigmoid(f_left) * left[1] + ops.sigmoid(f_right) * right[1]
        return [ops.sigmoid(o) * ops.tanh(memory), memory]


CELLS: dict[str, Any] = {cell.name: cell for cell in (PlainCell, TensorCell, LSTMCell)}
