"""What a restricted Boltzmann machine is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fastnn import _random as random
from fastnn.models import _checks
from fastnn.models.boltzmann._units import KINDS


@dataclass(frozen=True)
class Settings:
    """The arguments of :class:`RBM` that hold for its life, checked."""

    units: int
    visible: str
    hidden: str
    k: int
    persistent: bool
    chains: int | None
    momentum: float
    weight_decay: float
    sparsity_target: float | None
    sparsity_cost: float
    sample_visible: bool
    seed: int | None
    dtype: str

    def __post_init__(self) -> None:
        for name in ("units", "k"):
            _checks.require_positive("RBM", name, getattr(self, name))
        if self.chains is not None:
            _checks.require_positive("RBM", "chains", self.chains)
            if not self.persistent:
                raise ValueError("[RBM] chains go on from step to step: give persistent=True too")
        for side in ("visible", "hidden"):
            if getattr(self, side) not in KINDS:
                raise ValueError(
                    f"[RBM] expected {side} units of the kind {' or '.join(map(repr, KINDS))}, "
                    f"got {getattr(self, side)!r}"
                )
        if self.hidden == self.visible == "gaussian":
            raise ValueError(
                "[RBM] expected bernoulli units on one side at least: between two "
                "gaussian ones the energy has no lower bound"
            )
        if self.dtype not in ("float32", "float64"):
            raise ValueError(f"[RBM] expected dtype float32 or float64, got {self.dtype!r}")
        for name in ("weight_decay", "sparsity_cost"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"[RBM] expected {name} of at least 0, got {value}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"[RBM] expected a momentum in [0, 1), got {self.momentum}")
        if (self.sparsity_target is None) != (self.sparsity_cost == 0):
            raise ValueError("[RBM] sparsity_target and sparsity_cost go together: give both")
        if self.sparsity_target is not None and not 0 < self.sparsity_target < 1:
            raise ValueError(
                f"[RBM] expected a sparsity_target between 0 and 1, got {self.sparsity_target}"
            )
        if self.seed is not None:
            random.check_seed(self.seed)

    def generator(self) -> np.random.Generator:
        """Where the first weights come from."""
        if self.seed is not None:
            return np.random.default_rng(self.seed)
        return np.random.default_rng([random.current_seed(), random.next_stream()])

    def as_config(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def one_each(owner: str, name: str, given: Any, count: int, of: str) -> list[Any]:
    """A setting for each of several parts: the same for all, or a sequence of as many.

    Raises:
        ValueError: for another number of them.
    """
    if not isinstance(given, Sequence):
        return [given] * count
    if len(given) != count:
        raise ValueError(f"[{owner}] expected {name} for {count} {of}, got {len(given)} values")
    return list(given)
