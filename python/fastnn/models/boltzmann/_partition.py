"""The partition function: by summing over all states, or by annealed importance sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import graph, ops
from fastnn._tensor import Tensor
from fastnn.models import _checks
from fastnn.models.boltzmann._units import draw

if TYPE_CHECKING:
    from fastnn.models.boltzmann._rbm import RBM

_MOST_EXACT_UNITS = 25
_BLOCK_BITS = 12


@dataclass(frozen=True)
class LogPartition:
    """log Z, and an interval around it.

    Attributes:
        value: in nats.
        low: three standard deviations of the mean weight below; equal to value where exact.
        high: the same above.
    """

    value: float
    low: float
    high: float


def log_partition(rbm: RBM, method: str, chains: int, betas: Any) -> LogPartition:
    """See :meth:`RBM.log_partition`."""
    if rbm.hidden_kind.name != "bernoulli":
        raise ValueError("[RBM] log_partition is for machines with bernoulli hidden units")
    smaller = rbm.units
    if rbm.kind.name == "bernoulli":
        smaller = min(smaller, rbm.kernel.shape[0])
    if method == "auto":
        method = "exact" if smaller <= 20 else "ais"
    if method == "exact":
        if smaller > _MOST_EXACT_UNITS:
            raise ValueError(
                f"[RBM] expected at most {_MOST_EXACT_UNITS} units on the smaller side to sum over "
                f"all states, got {smaller}: use method='ais'"
            )
        value = _exact(rbm)
        return LogPartition(value, value, value)
    if method != "ais":
        raise ValueError(f"[RBM] expected method 'auto', 'exact' or 'ais', got {method!r}")
    chains = _checks.require_positive("RBM", "chains", chains)
    return _annealed(rbm, chains, _temperatures(betas))


def _temperatures(betas: Any) -> NDArray[np.float64]:
    if betas is None:
        parts = [np.linspace(0, 0.5, 501), np.linspace(0.5, 0.9, 4001), np.linspace(0.9, 1, 10001)]
        return np.concatenate([parts[0], parts[1][1:], parts[2][1:]])
    array = np.asarray(betas, np.float64)
    rising = array.ndim == 1 and len(array) > 1 and bool((np.diff(array) > 0).all())
    if not rising or array[0] != 0 or array[-1] != 1:
        raise ValueError("[RBM] expected betas that rise from 0 to 1")
    return array


# --- exactly


def _exact(rbm: RBM) -> float:
    """Sums over the states of one side; the other is summed out in closed form."""
    kernel, b, c = (w.astype(np.float64) for w in rbm.get_weights())
    if rbm.kind.name == "bernoulli" and len(b) < rbm.units:
        return _log_sum_over_states(kernel, c, b)
    if rbm.kind.name == "bernoulli":
        return _log_sum_over_states(kernel.T, b, c)
    # The integral over v of exp(-|v - b|^2 / 2 + v W h): a Gaussian, for each h.
    constant = 0.5 * len(b) * math.log(2 * math.pi)
    return constant + _log_sum_over_states(kernel.T, b, c, gaussian=True)


def _log_sum_over_states(
    kernel: NDArray[Any], other: NDArray[Any], own: NDArray[Any], gaussian: bool = False
) -> float:
    """log sum over s in {0, 1}^n of exp(own s) times what the other side sums to, given s.

    Args:
        kernel: shape (n, other side).
        other: its biases.
        own: biases of the side that is enumerated.
        gaussian: whether the other side is Gaussian around its biases.
    """
    n = len(own)
    low = min(n, _BLOCK_BITS)
    states = _all_states(low)
    inner = states @ kernel[:low]
    energy = states @ own[:low]
    total = -math.inf
    for high in _all_states(n - low):
        shift = high @ kernel[low:]
        if gaussian:
            step = inner + shift
            summed = step @ other + 0.5 * np.square(step).sum(1)
        else:
            summed = np.logaddexp(0, inner + (shift + other)).sum(1)
        logs = summed + energy + high @ own[low:]
        total = np.logaddexp(total, _log_sum_exp(logs))
    return float(total)


def _all_states(n: int) -> NDArray[np.float64]:
    """All rows of n zeros and ones, shape (2**n, n)."""
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float64)


def _log_sum_exp(x: NDArray[Any]) -> float:
    top = float(x.max())
    return top + math.log(float(np.exp(x - top).sum()))


# --- annealed importance sampling


def _annealed(rbm: RBM, chains: int, betas: NDArray[np.float64]) -> LogPartition:
    dtype = rbm.settings.dtype
    key = f"ais {chains}"
    if key not in rbm._made:
        rbm._made[key] = _trace_annealing(rbm, chains)
    # The base model has the visible biases of ours: it needs no data, and is near for sparse ones.
    base = rbm.visible_bias.get_value().astype(np.float64)
    weights = np.asarray(rbm._made[key](betas[:-1].astype(dtype), betas[1:].astype(dtype)))
    weights = weights.astype(np.float64)
    first = rbm.units * math.log(2.0) + rbm.kind.base_log_partition(base)
    mean = _log_sum_exp(weights) - math.log(chains)
    spread = math.exp(_log_std(weights) - 0.5 * math.log(chains) - mean)
    high = first + mean + math.log1p(3 * spread)
    low = first + mean + math.log1p(-3 * spread) if 3 * spread < 1 else -math.inf
    return LogPartition(first + mean, low, high)


def _log_std(logs: NDArray[Any]) -> float:
    """log of the standard deviation of exp(logs)."""
    if len(logs) < 2:
        return math.inf
    top = float(logs.max())
    std = float(np.exp(logs - top).std(ddof=1))
    return top + math.log(std) if std > 0 else -math.inf


def _trace_annealing(rbm: RBM, chains: int) -> Any:
    """A function of the temperatures before and after each step: the log weights of the chains."""
    s, kind = rbm.settings, rbm.kind
    before = graph.placeholder(("steps",), s.dtype, name="before")
    after = graph.placeholder(("steps",), s.dtype, name="after")
    base = rbm.visible_bias
    shape = (chains, rbm.kernel.shape[0])
    start = kind.sample(ops.broadcast_to(kind.mean(base), shape))

    def log_density(v: Tensor, products: Tensor, beta: Tensor) -> Any:
        hidden = ops.sum(ops.softplus(beta * (products + rbm.hidden_bias)), axis=1)
        return hidden - kind.tempered(v, rbm.visible_bias, base, beta)

    def step(old: Tensor, new: Tensor, v: Tensor, weight: Tensor) -> tuple[list[Tensor], None]:
        products = ops.matmul(v, rbm.kernel)
        gain = log_density(v, products, new) - log_density(v, products, old)
        h = draw(ops.sigmoid(new * (products + rbm.hidden_bias)))
        field = ops.matmul(h, rbm.kernel, transpose_b=True)
        mean = kind.mean(kind.tempered_field(field, rbm.visible_bias, base, new))
        return [kind.sample(mean), weight + ops.cast(gain, "float64")], None

    weights = ops.full((chains,), 0.0, "float64")
    (_, total), _ = graph.scan(step, [before, after], [start, weights])
    return graph.function([before, after], total)
