"""Optimizers whose step has the size of the learning rate or of the gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._tensor import Variable
from fastnn.optimizers._fused import Fused, checked_fraction
from fastnn.optimizers._options import CommonOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SGD(Fused):
    """Gradient descent, with momentum.

    Without momentum ``w -= rate * g``; with it ``v = momentum * v - rate * g; w += v``, and with
    Nesterov's ``w += momentum * v - rate * g``.

    Args:
        learning_rate: a number or a schedule.
        momentum: between 0 and 1.
        nesterov: whether the gradient is looked at where momentum leads.
        common: see :class:`CommonOptions`.

    Raises:
        ValueError: for a value out of range.

    Source: Sutskever et al., 2013, "On the importance of initialization and momentum".

    Example:
        >>> import fastnn
        >>> import numpy as np
        >>> w = fastnn.shared(np.array([1.0]))
        >>> SGD(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value()
        array([0.8])
    """

    kernel = "sgd"
    settings = ("momentum", "nesterov")

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.momentum = checked_fraction(momentum, "momentum", self)
        self.nesterov = bool(nesterov)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def hyper(self) -> list[float]:
        return [self.momentum, float(self.nesterov)]


class Lion(Fused):
    """The sign of a moving average: every weight moves by the learning rate.

    ``w -= rate * sign(beta_1 * m + (1 - beta_1) * g); m = beta_2 * m + (1 - beta_2) * g``

    Args:
        learning_rate: a number or a schedule; a third or a tenth of Adam's.
        beta_1: of the average whose sign is taken; above 0.
        beta_2: of the average that is kept.
        common: see :class:`CommonOptions`.

    Raises:
        ValueError: for a beta_1 of 0.

    Source: Chen et al., 2023, "Symbolic discovery of optimization algorithms".

    Example:
        >>> import fastnn
        >>> import numpy as np
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Lion(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value()
        array([0.9])
    """

    kernel = "lion"
    settings = ("beta_1", "beta_2")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = checked_fraction(beta_2, "beta_2", self)
        if self.beta_1 == 0.0:
            raise ValueError("[Lion] expected beta_1 > 0, got 0")

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0}

    def hyper(self) -> list[float]:
        return [self.beta_1, self.beta_2]
