"""What an optimizer adds to a training program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class OptimizerPlan:
    """Expressions and effects, by the section of the program they belong to.

    Attributes:
        gradients: what the first section has to compute for the second.
        step_updates: (variable, expression) pairs of every step, beside the gradients.
        update_effects: effects and pairs of the update; they run when ``(iterations + 1) % every``
            is 0, after the first section, and see what it wrote.
        post_updates: pairs of every step, after the update: constraints, averages, counters.
        every: steps from one update to the next.
    """

    gradients: list[Any]
    step_updates: list[tuple[Any, Any]] = field(default_factory=list)
    update_effects: list[Any] = field(default_factory=list)
    post_updates: list[tuple[Any, Any]] = field(default_factory=list)
    every: int = 1
