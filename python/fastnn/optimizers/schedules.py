"""Learning rates that change from step to step.

A schedule is a function of the number of steps done. Called with a number it gives a number;
inside a compiled training step it is part of the program and costs no Python. Either way it is
worked out in float64.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastnn import ops
from fastnn._registry import Configured, Registry, serialize
from fastnn._tensor import Tensor


class LearningRateSchedule(Configured):
    """Base class: subclasses define ``rate(step)``, composed from ``fastnn.ops``.

    Example:
        >>> class Halving(LearningRateSchedule):
        ...     def rate(self, step):
        ...         return 0.1 * 0.5 ** ops.floor(step / 10.0)
        >>> Halving()(25)
        0.025
    """

    def rate(self, step: Any) -> Any:
        """The learning rate after ``step`` steps; ``step`` is a float64 scalar or tensor."""
        raise NotImplementedError(f"{type(self).__name__} has to define rate(step)")

    def __call__(self, step: Any) -> Any:
        """The rate: a float for a number, a float64 tensor for a tensor."""
        if isinstance(step, Tensor):
            return self.rate(ops.cast(step, "float64"))
        return float(self.rate(np.asarray(step, dtype=np.float64)))


def _checked_steps(value: float, name: str, who: object) -> float:
    if value <= 0:
        raise ValueError(f"[{type(who).__name__}] expected {name} > 0, got {value}")
    return value


class ExponentialDecay(LearningRateSchedule):
    """``initial_learning_rate * decay_rate ^ (step / decay_steps)``.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: after how many steps the rate has been multiplied by ``decay_rate`` once.
        decay_rate: see there.
        staircase: whether the quotient is rounded down, so that the rate falls in steps.
        name: of this schedule.

    Raises:
        ValueError: for ``decay_steps`` of 0 or less.

    Example:
        >>> ExponentialDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
        0.025
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _checked_steps(decay_steps, "decay_steps", self)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def rate(self, step: Any) -> Any:
        times = step / float(self.decay_steps)
        if self.staircase:
            times = ops.floor(times)
        return self.initial_learning_rate * ops.power(times * 0.0 + self.decay_rate, times)


class InverseTimeDecay(LearningRateSchedule):
    """``initial_learning_rate / (1 + decay_rate * step / decay_steps)``.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the unit of time.
        decay_rate: how fast the rate falls.
        staircase: whether the quotient is rounded down, so that the rate falls in steps.
        name: of this schedule.

    Raises:
        ValueError: for ``decay_steps`` of 0 or less.

    Example:
        >>> InverseTimeDecay(0.1, decay_steps=10, decay_rate=0.5)(20)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _checked_steps(decay_steps, "decay_steps", self)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def rate(self, step: Any) -> Any:
        times = step / float(self.decay_steps)
        if self.staircase:
            times = ops.floor(times)
        return self.initial_learning_rate / (1.0 + self.decay_rate * times)


class PiecewiseConstantDecay(LearningRateSchedule):
    """A value for each span of steps.

    Args:
        boundaries: steps, rising; each is the last one of its span.
        values: one more than boundaries.
        name: of this schedule.

    Raises:
        ValueError: if the lengths do not fit or the boundaries do not rise.

    Example:
        >>> schedule = PiecewiseConstantDecay([10, 20], [0.1, 0.05, 0.01])
        >>> schedule(10), schedule(11), schedule(500)
        (0.1, 0.05, 0.01)
    """

    def __init__(
        self,
        boundaries: Sequence[float],
        values: Sequence[float],
        name: str = "PiecewiseConstant",
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                "[PiecewiseConstantDecay] expected one value more than boundaries, got "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        if any(a >= b for a, b in itertools.pairwise(boundaries)):
            raise ValueError(
                f"[PiecewiseConstantDecay] expected rising boundaries, got {list(boundaries)}"
            )
        self.boundaries = list(boundaries)
        self.values = list(values)
        self.name = name

    def rate(self, step: Any) -> Any:
        zero = step * 0.0
        chosen = zero + self.values[-1]
        for boundary, value in zip(
            reversed(self.boundaries), reversed(self.values[:-1]), strict=True
        ):
            chosen = ops.where(step <= float(boundary), zero + value, chosen)
        return chosen


class PolynomialDecay(LearningRateSchedule):
    """From one rate to another along a power of the time left.

    ``(initial - end) * (1 - step / decay_steps) ^ power + end``

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: after how many steps the end is reached.
        end_learning_rate: the rate at the end.
        power: 1 is a straight line.
        cycle: whether ``decay_steps`` doubles, triples, … when it is passed, instead of the rate
            staying at the end.
        name: of this schedule.

    Raises:
        ValueError: for ``decay_steps`` of 0 or less.

    Example:
        >>> PolynomialDecay(0.1, decay_steps=10, end_learning_rate=0.0)(5)
        0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _checked_steps(decay_steps, "decay_steps", self)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def rate(self, step: Any) -> Any:
        length = float(self.decay_steps)
        if self.cycle:
            done = step / (length * ops.maximum(ops.ceil(step / length), 1.0))
        else:
            done = ops.minimum(step, length) / length
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1.0 - done) ** self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave down to ``alpha`` times the rate, after an optional linear warm-up.

    Args:
        initial_learning_rate: the rate of step 0.
        decay_steps: the length of the half wave.
        alpha: the smallest rate, as a part of the largest.
        name: of this schedule.
        warmup_target: the rate that the warm-up reaches; None: no warm-up.
        warmup_steps: its length; the half wave follows it.

    Raises:
        ValueError: for ``decay_steps`` of 0 or less.

    Source: Loshchilov and Hutter, 2016, "SGDR: stochastic gradient descent with warm restarts".

    Example:
        >>> schedule = CosineDecay(0.0, decay_steps=10, warmup_target=0.1, warmup_steps=5)
        >>> schedule(0), schedule(5), round(schedule(10), 6), schedule(15)
        (0.0, 0.1, 0.05, 0.0)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: float,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: float = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _checked_steps(decay_steps, "decay_steps", self)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def _wave(self, step: Any, top: float) -> Any:
        length = float(self.decay_steps)
        wave = 0.5 * (1.0 + ops.cos(ops.minimum(step, length) * (math.pi / length)))
        return top * ((1.0 - self.alpha) * wave + self.alpha)

    def rate(self, step: Any) -> Any:
        if self.warmup_target is None:
            return self._wave(step, self.initial_learning_rate)
        warmup = float(self.warmup_steps)
        wave = self._wave(ops.maximum(step - warmup, 0.0), self.warmup_target)
        if warmup <= 0.0:
            return wave
        rise = self.warmup_target - self.initial_learning_rate
        line = step * (rise / warmup) + self.initial_learning_rate
        return ops.where(step < warmup, line, wave)


class CosineDecayRestarts(LearningRateSchedule):
    """Half cosine waves, each ``t_mul`` times as long and ``m_mul`` times as high as the last.

    Args:
        initial_learning_rate: the rate of step 0.
        first_decay_steps: the length of the first wave.
        t_mul: see above; 1 or more.
        m_mul: see above.
        alpha: the smallest rate, as a part of the initial one.
        name: of this schedule.

    Raises:
        ValueError: for ``first_decay_steps`` of 0 or less or ``t_mul`` below 1.

    Source: Loshchilov and Hutter, 2016, "SGDR: stochastic gradient descent with warm restarts".

    Example:
        >>> schedule = CosineDecayRestarts(0.1, first_decay_steps=10)
        >>> schedule(0), round(schedule(5), 6), schedule(10)
        (0.1, 0.05, 0.1)
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: float,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _checked_steps(first_decay_steps, "first_decay_steps", self)
        if t_mul < 1.0:
            raise ValueError(f"[CosineDecayRestarts] expected t_mul >= 1, got {t_mul}")
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def rate(self, step: Any) -> Any:
        done = step / float(self.first_decay_steps)
        if self.t_mul == 1.0:
            restarts = ops.floor(done)
            fraction = done - restarts
        else:
            # A wave ends where the geometric sum does; the nudge keeps a step that is exactly
            # there from falling into the wave before by a rounding of the logarithm.
            ratio = ops.log(1.0 + done * (self.t_mul - 1.0)) / math.log(self.t_mul)
            restarts = ops.floor(ratio + 1e-12)
            power = ops.power(restarts * 0.0 + self.t_mul, restarts)
            fraction = (done - (power - 1.0) / (self.t_mul - 1.0)) / power
        height = 0.5 * ops.power(restarts * 0.0 + self.m_mul, restarts)
        wave = height * (1.0 + ops.cos(fraction * math.pi))
        return self.initial_learning_rate * ((1.0 - self.alpha) * wave + self.alpha)


_registry = Registry(
    "learning rate schedule",
    classes=(
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts,
    ),
)


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]
