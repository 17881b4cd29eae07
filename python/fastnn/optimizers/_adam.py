"""Adam and its relatives: moving averages of gradients and of their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastnn import graph
from fastnn._tensor import Variable
from fastnn.optimizers._fused import Fused, checked_fraction
from fastnn.optimizers._options import CommonOptions, SharedOptions

if TYPE_CHECKING:
    from typing_extensions import Unpack


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
        >>> import numpy as np
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
        self.beta_1 = checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = checked_fraction(beta_2, "beta_2", self)
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
        >>> import numpy as np
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
        >>> import numpy as np
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
        self.beta_1 = checked_fraction(beta_1, "beta_1", self)
        self.beta_2 = checked_fraction(beta_2, "beta_2", self)
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
        >>> import numpy as np
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
