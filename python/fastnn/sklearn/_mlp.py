"""What the classifier and the regressor share: parameters, epochs, stopping."""

from __future__ import annotations

from abc import abstractmethod
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from fastnn.sklearn._epochs import Epochs
from fastnn.sklearn._lbfgs import minimize
from fastnn.sklearn._network import Array, Network, Settings

# scikit-learn's names of activations, and those of fastnn's that it has not.
ACTIVATIONS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "tanh": "tanh",
    "relu": "relu",
    "elu": "elu",
    "gelu": "gelu",
    "leaky_relu": "leaky_relu",
    "selu": "selu",
    "silu": "silu",
    "softplus": "softplus",
}
Layers: TypeAlias = tuple[tuple[int, ...], tuple[str, ...], str]


class BaseMLP(Epochs, BaseEstimator):
    """Parameters and training of a network of dense layers; see its subclasses."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "dtype": [StrOptions({"float32", "float64"}), None],
    }

    def _store(self, parameters: dict[str, Any]) -> None:
        """Keeps the arguments of __init__ as they are."""
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    @abstractmethod
    def _encode(self, y: Any, first: bool, incremental: bool, classes: Any) -> Array:
        """The targets as the network takes them, (rows, outputs) or (rows,) of class numbers.

        Args:
            y: as the caller gave it, checked.
            first: whether the network is yet to be made.
            incremental: whether partial_fit asks.
            classes: what partial_fit was told of them.
        """

    @abstractmethod
    def _output(self) -> tuple[int, str, str]:
        """The number of outputs, their activation and the loss."""

    def _layers(self, inputs: int, hidden: tuple[int, ...]) -> Layers:
        """Units and activations of all layers, and the loss."""
        outputs, activation, loss = self._output()
        between = [ACTIVATIONS[self.activation]] * len(hidden)
        return (inputs, *hidden, outputs), (*between, activation), loss

    def _weigh(self, y: Any, weights: Array | None) -> Array | None:
        """Sample weights, the classes' included."""
        return weights

    # --- training

    def _check_data(self, x: Any, y: Any, first: bool, **checks: Any) -> tuple[Array, Array]:
        x, y = validate_data(
            self, x, y, multi_output=True, dtype=(np.float64, np.float32), reset=first, **checks
        )
        return (x if self.dtype is None else x.astype(self.dtype, copy=False)), y

    def _train(
        self, x: Any, y: Any, sample_weight: Any, incremental: bool, classes: Any = None
    ) -> Any:
        """fit and partial_fit."""
        self._validate_params()
        hidden = np.atleast_1d(np.asarray(self.hidden_layer_sizes))
        if hidden.ndim != 1 or (
            hidden.size and (hidden.dtype.kind not in "iu" or hidden.min() < 1)
        ):
            raise ValueError(
                f"[{type(self).__name__}] expected hidden_layer_sizes of whole numbers > 0, got "
                f"{self.hidden_layer_sizes}"
            )
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        x, y = self._check_data(x, y, first)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, x, dtype=x.dtype)
        weights = self._weigh(y, weights)
        if weights is not None and not weights.sum() > 0:
            raise ValueError(
                f"[{type(self).__name__}] expected sample weights with a sum above 0, got a sum of "
                f"{weights.sum()}"
            )
        target = self._encode(y, first, incremental, classes)
        self._random_state = check_random_state(self.random_state)
        self._prepare(x, tuple(int(units) for units in hidden), first, incremental)
        if self.solver == "lbfgs":
            minimize(self, x, target, weights)
        else:
            self._run_epochs(x, target, weights, incremental)
        self._publish()
        return self

    def _prepare(self, x: Array, hidden: tuple[int, ...], first: bool, incremental: bool) -> None:
        """Makes or takes up the network, with fresh weights and averages where they are due."""
        units, activations, loss = self._layers(x.shape[1], hidden)
        if not first and units != self._network.settings.units:
            raise ValueError(
                f"[{type(self).__name__}] expected layers as before, of "
                f"{self._network.settings.units[1:]} units, got {units[1:]}"
            )
        hyper: dict[str, Any] = {"momentum": self.momentum, "nesterov": self.nesterovs_momentum}
        if self.solver == "adam":
            hyper = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        settings = Settings(
            units=units,
            activations=activations,
            loss=loss,
            alpha=float(self.alpha),
            optimizer="adam" if self.solver == "adam" else "sgd",
            hyper=tuple(hyper.items()),
            dtype=str(x.dtype) if first else self._network.settings.dtype,
        )
        weights = self._initial_weights(settings, x) if first else self._network.get_weights()
        if not hasattr(self, "_network") or self._network.settings != settings:
            self._network = Network(settings, weights)
        else:
            self._network.set_weights(weights)
            if not incremental or first:
                self._network.restart_optimizer()
        if first:
            self._forget(settings)
        if first or not incremental:
            self._rate = self.learning_rate_init

    def _initial_weights(self, settings: Settings, x: Array) -> list[Array]:
        """Uniform ones (Glorot and Bengio, 2010), drawn as scikit-learn draws them.

        Args:
            settings: of the network.
            x: the rows, for those that start from them.
        """
        factor = 2.0 if self.activation == "logistic" else 6.0
        weights = []
        for fan_in, fan_out in pairwise(settings.units):
            bound = np.sqrt(factor / (fan_in + fan_out))
            for shape in ((fan_in, fan_out), (fan_out,)):
                drawn = self._random_state.uniform(-bound, bound, shape)
                weights.append(drawn.astype(settings.dtype, copy=False))
        return weights

    def _forget(self, settings: Settings) -> None:
        """Begins the records of a training."""
        names = {"sigmoid": "logistic", "linear": "identity"}
        self.n_iter_ = 0
        self.t_ = 0
        self.n_outputs_ = settings.units[-1]
        self.n_layers_ = len(settings.units)
        self.out_activation_ = names.get(settings.activations[-1], settings.activations[-1])
        self._no_improvement = 0
        if self.solver == "lbfgs":
            return
        self.loss_curve_ = []
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_ = [] if self.early_stopping else None
        self.best_validation_score_ = -np.inf if self.early_stopping else None

    def _publish(self) -> None:
        """Shows the weights as scikit-learn does; they are copies, and read-only."""
        weights = self._network.get_weights()
        if not all(np.isfinite(array).all() for array in weights):
            raise ValueError(
                f"[{type(self).__name__}] the solver produced non-finite parameter weights: scale "
                "the data, or lower learning_rate_init"
            )
        for array in weights:
            array.flags.writeable = False
        self.coefs_ = weights[0::2]
        self.intercepts_ = weights[1::2]

    # --- prediction

    def _forward(self, x: Any) -> Array:
        """The network's outputs for rows that are yet to be checked."""
        rows = self._check_rows(x)
        return self._network.predict(rows)

    def _check_rows(self, x: Any) -> Array:
        """Rows to predict, of a fitted estimator."""
        check_is_fitted(self)
        rows: Array = validate_data(self, x, dtype=(np.float64, np.float32), reset=False)
        return rows
