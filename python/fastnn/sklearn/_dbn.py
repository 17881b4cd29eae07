"""A classifier that begins as a deep belief network."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from fastnn.sklearn._classifier import MLPClassifier
from fastnn.sklearn._machine import Array, Machine, seed_from, within_unit_interval
from fastnn.sklearn._network import Settings


class DBNClassifier(MLPClassifier):
    """A network whose hidden layers begin as restricted Boltzmann machines.

    Each layer is first trained without classes, as a machine on the outputs of the one below; then
    all are trained together on the classes, as an :class:`MLPClassifier` with logistic units is.
    ``partial_fit`` trains the machines on the rows of its first call. Sample weights count in the
    second part only: that is why, of scikit-learn's ``check_estimator``, the check fails that
    compares a weight of 2 with a row that is there twice.

    Args:
        hidden_layer_sizes: units of the hidden layers; default (100,).
        visible: what the data are for the lowest machine: "bernoulli" (default), between 0 and 1;
            or "gaussian", standardised.
        rbm_learning_rate: of the machines; default 0.1; a hundredth of it suits "gaussian".
        rbm_n_iter: epochs of each machine; default 10; 0 leaves their first weights.
        rbm_batch_size: rows of their updates; default 100.
        rbm_momentum: default 0.5.
        out_of_range: for "bernoulli": "raise" (default) refuses data outside of [0, 1] in training,
            "clip" shows the machines the nearer end.
        solver: as for :class:`MLPClassifier`, and so all that follow.
        alpha: as there.
        batch_size: as there.
        learning_rate: as there.
        learning_rate_init: as there.
        power_t: as there.
        max_iter: as there.
        shuffle: as there.
        random_state: as there; a number repeats the machines too.
        tol: as there.
        verbose: as there.
        warm_start: as there; the machines are trained in the first fit only.
        momentum: as there.
        nesterovs_momentum: as there.
        early_stopping: as there.
        validation_fraction: as there.
        beta_1: as there.
        beta_2: as there.
        epsilon: as there.
        n_iter_no_change: as there.
        max_fun: as there.
        class_weight: as there.
        dtype: as there.

    Attributes:
        classes_, coefs_, intercepts_, loss_curve_ and the others: as for :class:`MLPClassifier`.

    Raises:
        ValueError: during fit, for data or parameters that do not fit.

    Source: Hinton, Osindero and Teh, 2006, "A fast learning algorithm for deep belief nets";
    Hinton and Salakhutdinov, 2006, "Reducing the dimensionality of data with neural networks".

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import DBNClassifier
        >>> x = np.random.default_rng(0).integers(0, 2, (300, 6))
        >>> y = x[:, 0] + x[:, 1]
        >>> model = DBNClassifier((12, 8), solver="lbfgs", random_state=0).fit(x, y)
        >>> bool(model.score(x, y) > 0.95)
        True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **MLPClassifier._parameter_constraints,
        "visible": [StrOptions({"bernoulli", "gaussian"})],
        "rbm_learning_rate": [Interval(Real, 0, None, closed="neither")],
        "rbm_n_iter": [Interval(Integral, 0, None, closed="left")],
        "rbm_batch_size": [Interval(Integral, 1, None, closed="left")],
        "rbm_momentum": [Interval(Real, 0, 1, closed="left")],
        "out_of_range": [StrOptions({"raise", "clip"})],
    }

    # What the probabilities of a machine's hidden units are.
    activation = "logistic"

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        *,
        visible: str = "bernoulli",
        rbm_learning_rate: float = 0.1,
        rbm_n_iter: int = 10,
        rbm_batch_size: int = 100,
        rbm_momentum: float = 0.5,
        out_of_range: str = "raise",
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        class_weight: Any = None,
        dtype: str | None = None,
    ) -> None:
        self._store(locals())

    def _initial_weights(self, settings: Settings, x: Array) -> list[Array]:
        if self.visible == "bernoulli":
            x = within_unit_interval(type(self).__name__, x, self.out_of_range)
        weights = super()._initial_weights(settings, x)
        told = type(self).__name__ if self.verbose else ""
        for layer, units in enumerate(settings.units[1:-1]):
            machine = Machine(
                {
                    "units": units,
                    "visible": self.visible if layer == 0 else "bernoulli",
                    "learning_rate": float(self.rbm_learning_rate),
                    "momentum": float(self.rbm_momentum),
                    "dtype": settings.dtype,
                },
                seed_from(self._random_state),
            )
            machine.train(x, int(self.rbm_n_iter), int(self.rbm_batch_size), True, told)
            kernel, _, bias = machine.rbm.get_weights()
            if not np.isfinite(kernel).all():
                raise ValueError(
                    f"[DBNClassifier] the machine of layer {layer + 1} has left the numbers: scale "
                    "the data, or lower rbm_learning_rate"
                )
            weights[2 * layer : 2 * layer + 2] = [kernel, bias]
            x = machine.rbm.transform(x)
        return weights
