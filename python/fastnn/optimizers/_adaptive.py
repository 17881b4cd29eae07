"""Optimizers that divide gradients by their size so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn._tensor import Variable
from fastnn.optimizers._fused import Fused, checked_fraction
from fastnn.optimizers._options import CommonOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


class RMSprop(Fused):
    """Divides gradients by a moving root mean square.

    ``v = rho * v + (1 - rho) * g^2; w -= rate * g / sqrt(v + epsilon)``; centered, the square of
    the mean gradient is taken off v; with momentum the quotient goes through a moving sum.

    Args:
        learning_rate: a number or a schedule.
        rho: how much of the average stays.
        momentum: of the moving sum.
        epsilon: keeps the root from 0.
        centered: see above.
        common: see :class:`CommonOptions`.

    Source: Tieleman and Hinton, 2012, Coursera lecture 6.5; Graves, 2013, "Generating sequences
    with recurrent neural networks", equations 38 to 45 (centered).

    Example:
        >>> import fastnn
        >>> import numpy as np
        >>> w = fastnn.shared(np.array([1.0]))
        >>> RMSprop(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.6838])
    """

    kernel = "rmsprop"
    settings = ("rho", "momentum", "epsilon", "centered")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = checked_fraction(rho, "rho", self)
        self.momentum = checked_fraction(momentum, "momentum", self)
        self.epsilon = float(epsilon)
        self.centered = bool(centered)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        # The kernel finds a slot by its place, so that the mean gradient needs the one before it.
        slots = {"velocity": 0.0}
        if self.momentum or self.centered:
            slots["momentum"] = 0.0
        if self.centered:
            slots["average_gradient"] = 0.0
        return slots

    def hyper(self) -> list[float]:
        return [self.rho, self.momentum, self.epsilon, float(self.centered)]


class Adagrad(Fused):
    """Divides gradients by the root of the sum of all their squares.

    ``a += g^2; w -= rate * g / sqrt(a + epsilon)``

    Args:
        learning_rate: a number or a schedule.
        initial_accumulator_value: what the sum starts with.
        epsilon: keeps the root from 0.
        common: see :class:`CommonOptions`.

    Source: Duchi et al., 2011, "Adaptive subgradient methods for online learning".

    Example:
        >>> import fastnn
        >>> import numpy as np
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Adagrad(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.9012])
    """

    kernel = "adagrad"
    settings = ("initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.initial_accumulator_value = float(initial_accumulator_value)
        self.epsilon = float(epsilon)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def hyper(self) -> list[float]:
        return [self.epsilon]


class Adadelta(Fused):
    """Steps of the size of the last ones, over the size of the last gradients.

    Args:
        learning_rate: a number or a schedule (the paper has 1).
        rho: how much of both averages stays.
        epsilon: keeps the roots from 0.
        common: see :class:`CommonOptions`.

    Source: Zeiler, 2012, "ADADELTA: an adaptive learning rate method".

    Example:
        >>> import fastnn
        >>> import numpy as np
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Adadelta(1.0).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.9986])
    """

    kernel = "adadelta"
    settings = ("rho", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.rho = checked_fraction(rho, "rho", self)
        self.epsilon = float(epsilon)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}

    def hyper(self) -> list[float]:
        return [self.rho, self.epsilon]
