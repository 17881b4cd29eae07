"""Optimizers whose update is one kernel over all variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastnn import ops
from fastnn._tensor import Variable
from fastnn.optimizers._base import Optimizer


class Fused(Optimizer):
    """An optimizer with a kernel: subclasses name it and give its numbers."""

    kernel: str
    # Own arguments, in the order of the configuration.
    settings: tuple[str, ...] = ()

    def hyper(self) -> list[float]:
        """The kernel's numbers, in its order."""
        raise NotImplementedError

    def kernel_state(self) -> Variable | None:
        """A float64 scalar that the kernel keeps from step to step, if it does."""
        return None

    def _effects(self, grads: Sequence[Any], variables: Sequence[Variable], step: Any) -> list[Any]:
        effect = ops.optimizer_step(
            self.kernel,
            list(grads),
            list(variables),
            slots=[self.slots(v) for v in variables],
            rate=self._rate.tensor(variables[0].dtype),
            step=step,
            state=self.kernel_state(),
            hyper=self.hyper(),
            rate_scale=[1.0] * len(variables),
            decay=[self._decay_of(v) for v in variables],
        )
        return [effect]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **{name: getattr(self, name) for name in self.settings}}


def checked_fraction(value: float, name: str, who: object) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"[{type(who).__name__}] expected {name} between 0 and 1, got {value}")
    return float(value)
