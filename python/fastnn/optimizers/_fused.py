"""Optimizers whose update is one kernel over all variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import graph, ops
from fastnn._tensor import Variable
from fastnn.optimizers._base import Optimizer
from fastnn.optimizers._options import CommonOptions, SharedOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


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


def _checked_fraction(value: float, name: str, who: object) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"[{type(who).__name__}] expected {name} between 0 and 1, got {value}")
    return float(value)


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
        self.momentum = _checked_fraction(momentum, "momentum", self)
        self.nesterov = bool(nesterov)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def hyper(self) -> list[float]:
        return [self.momentum, float(self.nesterov)]


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
        self.rho = _checked_fraction(rho, "rho", self)
        self.momentum = _checked_fraction(momentum, "momentum", self)
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


class Adam(Fused):
    """Moving averages of gradients and of their squares, corrected for their start at 0.

    ``m += (1 - beta_1) * (g - m); v += (1 - beta_2) * (g^2 - v)``;
    ``w -= rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)``

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the mean stays.
        beta_2: how much of the mean square stays.
        epsilon: keeps the quotient finite (scikit-learn has 1e-8).
        amsgrad: whether v never falls.
        common: see :class:`CommonOptions`.

    Source: Kingma and Ba, 2014, "Adam: a method for stochastic optimization"; Reddi et al., 2018,
    "On the convergence of Adam and beyond" (amsgrad).

    Example:
        >>> import fastnn
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Adam(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.9])
    """

    kernel = "adam"
    settings = ("beta_1", "beta_2", "epsilon", "amsgrad")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = _checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = _checked_fraction(beta_2, "beta_2", self)
        self.epsilon = float(epsilon)
        self.amsgrad = bool(amsgrad)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        slots = {"momentum": 0.0, "velocity": 0.0}
        return {**slots, "velocity_hat": 0.0} if self.amsgrad else slots

    def hyper(self) -> list[float]:
        return [self.beta_1, self.beta_2, self.epsilon, float(self.amsgrad)]


class AdamW(Adam):
    """Adam with weight decay that does not go through its averages.

    Args:
        learning_rate: a number or a schedule.
        weight_decay: before an update, weights shrink by this times the learning rate.
        beta_1: see :class:`Adam`.
        beta_2: see :class:`Adam`.
        epsilon: see :class:`Adam`.
        amsgrad: see :class:`Adam`.
        common: see :class:`CommonOptions`.

    Raises:
        ValueError: for no weight decay.

    Source: Loshchilov and Hutter, 2017, "Decoupled weight decay regularization".

    Example:
        >>> import fastnn
        >>> w = fastnn.shared(np.array([1.0]))
        >>> AdamW(0.1, weight_decay=0.5).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.85])
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **common: Unpack[SharedOptions],
    ) -> None:
        if weight_decay is None:
            raise ValueError("[AdamW] expected a number as weight_decay, got None; Adam has none")
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **common
        )


class Adamax(Fused):
    """Adam with the largest gradient in the place of the mean square.

    ``m += (1 - beta_1) * (g - m); u = max(beta_2 * u, |g|)``;
    ``w -= rate * m / ((1 - beta_1^t) * (u + epsilon))``

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the mean stays.
        beta_2: how much of the maximum stays.
        epsilon: keeps the quotient finite.
        common: see :class:`CommonOptions`.

    Source: Kingma and Ba, 2014, section 7.1.

    Example:
        >>> import fastnn
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Adamax(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> w.get_value().round(4)
        array([0.9])
    """

    kernel = "adamax"
    settings = ("beta_1", "beta_2", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, **common)
        self.beta_1 = _checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = _checked_fraction(beta_2, "beta_2", self)
        self.epsilon = float(epsilon)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0, "norm": 0.0}

    def hyper(self) -> list[float]:
        return [self.beta_1, self.beta_2, self.epsilon, 0.0]


class Nadam(Adamax):
    """Adam with Nesterov momentum.

    Args:
        learning_rate: a number or a schedule.
        beta_1: how much of the mean stays, in the end.
        beta_2: how much of the mean square stays.
        epsilon: keeps the quotient finite.
        common: see :class:`CommonOptions`.

    Source: Dozat, 2016, "Incorporating Nesterov momentum into Adam".

    Example:
        >>> import fastnn
        >>> w = fastnn.shared(np.array([1.0]))
        >>> Nadam(0.1).apply_gradients([(np.array([2.0]), w)])
        1
        >>> bool(w.get_value() < 0.95)
        True
    """

    kernel = "nadam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **common: Unpack[CommonOptions],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **common)
        self._product = graph.shared(
            np.ones((), np.float64), name=f"{self.name}/u_product", role="state"
        )

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    def kernel_state(self) -> Variable | None:
        return self._product

    @property
    def variables(self) -> list[Variable]:
        """All state: step counter, learning rate, slots, the product of the momenta."""
        return [*super().variables, self._product]


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
        self.rho = _checked_fraction(rho, "rho", self)
        self.epsilon = float(epsilon)

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"accumulated_grad": 0.0, "accumulated_delta_var": 0.0}

    def hyper(self) -> list[float]:
        return [self.rho, self.epsilon]


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
        self.beta_1 = _checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = _checked_fraction(beta_2, "beta_2", self)
        if self.beta_1 == 0.0:
            raise ValueError("[Lion] expected beta_1 > 0, got 0")

    def slot_values(self, variable: Variable) -> dict[str, float]:
        return {"momentum": 0.0}

    def hyper(self) -> list[float]:
        return [self.beta_1, self.beta_2]
