"""Kinds of units: what they are given those of the other side, and their share of the energy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import ops
from fastnn._tensor import Tensor


def draw(p: Tensor) -> Any:
    """Units that are 1 with probability p."""
    return ops.cast(ops.random_uniform(p.dims, 0.0, 1.0, p.dtype) < p, p.dtype)


class Bernoulli:
    """Units that are 0 or 1; data between are taken as probabilities.

    E(v, h) = -b v - c h - v W h (Smolensky, 1986).
    """

    name = "bernoulli"

    def check(self, owner: str, x: NDArray[Any]) -> None:
        """Raises ValueError for data outside of [0, 1]."""
        if x.size and (x.min() < 0 or x.max() > 1):
            raise ValueError(
                f"[{owner}] expected data between 0 and 1 for bernoulli units, got values from "
                f"{x.min()} to {x.max()}"
            )

    def first_bias(self, x: NDArray[Any]) -> NDArray[Any]:
        """log(p / (1 - p)) of each column's mean p (Hinton, 2010, section 8.1)."""
        p = np.clip(np.mean(x, axis=0, dtype=np.float64), 0.001, 0.999)
        return np.asarray(np.log(p / (1 - p)))

    def mean(self, field: Tensor) -> Any:
        """The expectation, given W h + b."""
        return ops.sigmoid(field)

    def sample(self, mean: Tensor) -> Any:
        """Units drawn from their mean."""
        return draw(mean)

    def energy(self, v: Tensor, bias: Tensor) -> Any:
        """Of visible units: the part that needs no hidden unit, one value a row."""
        return -ops.matmul(v, bias)

    def summed_out(self, field: Tensor, bias: Tensor) -> Any:
        """Of hidden units: log of the sum over their states, one value a unit."""
        return ops.softplus(field)

    def tempered(self, v: Tensor, bias: Tensor, base: Tensor, beta: Tensor) -> Any:
        """The same energy on the way from a model of the base biases alone (beta 0) to ours."""
        return -ops.matmul(v, base * (1 - beta) + bias * beta)

    def tempered_field(self, field: Tensor, bias: Tensor, base: Tensor, beta: Tensor) -> Any:
        """W h + b on that way, from W h."""
        return field * beta + bias * beta + base * (1 - beta)

    def base_log_partition(self, base: NDArray[Any]) -> float:
        """log of the sum over all visible states of the model of base biases."""
        return float(np.logaddexp(0, base).sum())


class Gaussian:
    """Real units of unit variance: standardise the data.

    E(v, h) = |v - b|^2 / 2 - c h - v W h (Welling, Rosen-Zvi and Hinton, 2005).
    """

    name = "gaussian"

    def check(self, owner: str, x: NDArray[Any]) -> None:
        """Any finite data will do."""

    def first_bias(self, x: NDArray[Any]) -> NDArray[Any]:
        """Each column's mean."""
        return np.asarray(np.mean(x, axis=0, dtype=np.float64))

    def mean(self, field: Tensor) -> Any:
        """The expectation, given W h + b."""
        return field

    def sample(self, mean: Tensor) -> Any:
        """Units drawn around their mean."""
        return mean + ops.random_normal(mean.dims, 0.0, 1.0, mean.dtype)

    def summed_out(self, field: Tensor, bias: Tensor) -> Any:
        """Of hidden units: log of the integral over them, without log(2 pi) / 2, one value each."""
        return 0.5 * (ops.square(field) - ops.square(bias))

    def energy(self, v: Tensor, bias: Tensor) -> Any:
        """Of visible units: the part that needs no hidden unit, one value a row."""
        return 0.5 * ops.sum(ops.square(v - bias), axis=1)

    def tempered(self, v: Tensor, bias: Tensor, base: Tensor, beta: Tensor) -> Any:
        """The same energy for every beta: the base model is a Gaussian around the same biases."""
        return self.energy(v, bias)

    def tempered_field(self, field: Tensor, bias: Tensor, base: Tensor, beta: Tensor) -> Any:
        """W h + b on the way from no weights (beta 0) to ours, from W h."""
        return field * beta + bias

    def base_log_partition(self, base: NDArray[Any]) -> float:
        """log of the integral over all visible states of the model without weights."""
        return 0.5 * len(base) * math.log(2 * math.pi)


KINDS: dict[str, Bernoulli | Gaussian] = {"bernoulli": Bernoulli(), "gaussian": Gaussian()}
