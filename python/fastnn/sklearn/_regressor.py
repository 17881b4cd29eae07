"""The regressor."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import column_or_1d

from fastnn.sklearn._classifier import _is_stochastic
from fastnn.sklearn._mlp import BaseMLP
from fastnn.sklearn._network import Array, Settings


class MLPRegressor(RegressorMixin, BaseMLP):
    """A network of dense layers that predicts numbers, one or several a row.

    It has the parameters of scikit-learn's MLPRegressor, with the same names and defaults, and
    takes the same steps from the same ``random_state``.

    Args:
        loss: "squared_error" (default: half of it) or "poisson" (half the deviance, for counts:
            the outputs are exponentials, y is at least 0).
        hidden_layer_sizes: units of the hidden layers; default (100,).
        activation: as for :class:`MLPClassifier`.
        solver: as for :class:`MLPClassifier`.
        alpha: as for :class:`MLPClassifier`.
        batch_size: as for :class:`MLPClassifier`.
        learning_rate: as for :class:`MLPClassifier`.
        learning_rate_init: as for :class:`MLPClassifier`.
        power_t: as for :class:`MLPClassifier`.
        max_iter: as for :class:`MLPClassifier`.
        shuffle: as for :class:`MLPClassifier`.
        random_state: as for :class:`MLPClassifier`.
        tol: as for :class:`MLPClassifier`.
        verbose: as for :class:`MLPClassifier`.
        warm_start: as for :class:`MLPClassifier`.
        momentum: as for :class:`MLPClassifier`.
        nesterovs_momentum: as for :class:`MLPClassifier`.
        early_stopping: whether a part of the rows is held out to stop by its R², and the weights
            of its best epoch are kept; default False.
        validation_fraction: as for :class:`MLPClassifier`.
        beta_1: as for :class:`MLPClassifier`.
        beta_2: as for :class:`MLPClassifier`.
        epsilon: as for :class:`MLPClassifier`.
        n_iter_no_change: as for :class:`MLPClassifier`.
        max_fun: as for :class:`MLPClassifier`.
        dtype: as for :class:`MLPClassifier`.

    Attributes:
        coefs_, intercepts_, loss_curve_, n_iter_ and the others: as for :class:`MLPClassifier`.

    Raises:
        ValueError: during fit, for data or parameters that do not fit.

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import MLPRegressor
        >>> x = np.linspace(-1.0, 1.0, 200)[:, None]
        >>> y = np.column_stack([x[:, 0] ** 2, np.sin(3 * x[:, 0])])
        >>> model = MLPRegressor(solver="lbfgs", random_state=0).fit(x, y)
        >>> bool(model.score(x, y) > 0.99)
        True
        >>> model.predict(x[:3]).shape
        (3, 2)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
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
        dtype: str | None = None,
    ) -> None:
        self._store(locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Trains.

        Args:
            X: shape (rows, features): an array, or a pandas or polars frame of numbers.
            y: shape (rows,) or (rows, outputs).
            sample_weight: a weight for each row; default 1 each.

        Raises:
            ValueError: for data or parameters that do not fit, and for weights that training has
                driven out of the numbers.
        """
        self._train(X, y, sample_weight, incremental=False)
        return self

    @available_if(_is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> MLPRegressor:
        """Trains for one epoch on these rows, with the optimizer as the last call has left it.

        Args:
            X: as for :meth:`fit`.
            y: as for :meth:`fit`.
            sample_weight: as for :meth:`fit`.

        Raises:
            ValueError: for data that do not fit.
        """
        self._train(X, y, sample_weight, incremental=True)
        return self

    def _check_data(self, x: Any, y: Any, first: bool, **checks: Any) -> tuple[Array, Array]:
        return super()._check_data(x, y, first, y_numeric=True, **checks)

    def _encode(self, y: Any, first: bool, incremental: bool, classes: Any) -> Array:
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        target = y[:, None] if y.ndim == 1 else y
        if self.loss == "poisson" and not (target >= 0).all():
            raise ValueError(
                f"[MLPRegressor] expected y of at least 0 for the loss 'poisson', got "
                f"{target.min()}"
            )
        self._targets = target.shape[1]
        return np.asarray(target, dtype=self.dtype or np.float64)

    def _output(self) -> tuple[int, str, str]:
        loss = "squared" if self.loss == "squared_error" else "poisson"
        return self._targets, "linear", loss

    def _forget(self, settings: Settings) -> None:
        super()._forget(settings)
        if self.loss == "poisson":
            self.out_activation_ = "exp"

    def _response(self, outputs: Array) -> Array:
        values: Array = np.exp(outputs) if self.loss == "poisson" else outputs
        return values[:, 0] if values.shape[1] == 1 else values

    def _score(self, x: Array, target: Array, weights: Array | None) -> float:
        predicted = self._response(self._network.predict(x))
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(target, predicted, sample_weight=weights))

    def predict(self, X: Any) -> Array:
        """The predictions, shape (rows,) or (rows, outputs).

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        return self._response(self._forward(X))
