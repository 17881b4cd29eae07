"""Few numbers for many: an autoencoder as a transformer."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_array
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnn.sklearn._classifier import _is_stochastic
from fastnn.sklearn._mlp import ACTIVATIONS, BaseMLP, Layers
from fastnn.sklearn._network import Array


class AutoencoderTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseMLP):
    """Codes of few numbers, from which a network restores the rows.

    An encoder of dense layers leads to the code and a decoder, its mirror image, back; both are
    trained on the squared error of what is restored. With linear activations throughout, the codes
    span the space of the first principal components (Baldi and Hornik, 1989). Rows are best
    standardised first.

    Args:
        n_components: numbers of a code; default 2.
        hidden_layer_sizes: units of the encoder's hidden layers, in the decoder backwards; default
            (): none.
        activation: of the hidden layers, as for :class:`MLPClassifier`; default "relu".
        code_activation: of the code, from the same names; default "identity".
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
        early_stopping: as for :class:`MLPRegressor`.
        validation_fraction: as for :class:`MLPClassifier`.
        beta_1: as for :class:`MLPClassifier`.
        beta_2: as for :class:`MLPClassifier`.
        epsilon: as for :class:`MLPClassifier`.
        n_iter_no_change: as for :class:`MLPClassifier`.
        max_fun: as for :class:`MLPClassifier`.
        dtype: as for :class:`MLPClassifier`.

    Attributes:
        coefs_, intercepts_: of the encoder's layers, then of the decoder's; read-only.
        loss_curve_, n_iter_ and the others: as for :class:`MLPClassifier`.

    Source: Hinton and Salakhutdinov, 2006, "Reducing the dimensionality of data with neural
    networks".

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import AutoencoderTransformer
        >>> angle = np.random.default_rng(0).uniform(size=300)
        >>> rows = np.outer(angle, [1.0, -2.0, 0.5])
        >>> coder = AutoencoderTransformer(1, solver="lbfgs", random_state=0).fit(rows)
        >>> codes = coder.transform(rows)
        >>> codes.shape, bool(np.abs(coder.inverse_transform(codes) - rows).max() < 0.05)
        ((300, 1), True)
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseMLP._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "code_activation": [StrOptions(set(ACTIVATIONS))],
    }

    def __init__(
        self,
        n_components: int = 2,
        hidden_layer_sizes: Any = (),
        activation: str = "relu",
        *,
        code_activation: str = "identity",
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

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> AutoencoderTransformer:
        """Trains.

        Args:
            X: shape (rows, features): an array, or a pandas or polars frame of numbers.
            y: ignored.
            sample_weight: a weight for each row; default 1 each.

        Raises:
            ValueError: for data or parameters that do not fit, and for weights that training has
                driven out of the numbers.
        """
        self._train(X, None, sample_weight, incremental=False)
        return self

    @available_if(_is_stochastic)
    def partial_fit(
        self, X: Any, y: Any = None, sample_weight: Any = None
    ) -> AutoencoderTransformer:
        """Trains for one epoch on these rows, with the optimizer as the last call has left it.

        Args:
            X: as for :meth:`fit`.
            y: ignored.
            sample_weight: as for :meth:`fit`.

        Raises:
            ValueError: for data that do not fit.
        """
        self._train(X, None, sample_weight, incremental=True)
        return self

    def _check_data(self, x: Any, y: Any, first: bool, **checks: Any) -> tuple[Array, Array]:
        rows = validate_data(self, x, dtype=(np.float64, np.float32), reset=first, **checks)
        rows = rows if self.dtype is None else rows.astype(self.dtype, copy=False)
        return rows, rows

    def _encode(self, y: Any, first: bool, incremental: bool, classes: Any) -> Array:
        target: Array = y
        return target

    def _output(self) -> tuple[int, str, str]:
        return self.n_features_in_, "linear", "squared"

    def _layers(self, inputs: int, hidden: tuple[int, ...]) -> Layers:
        between = [ACTIVATIONS[self.activation]] * len(hidden)
        units = (inputs, *hidden, self.n_components, *hidden[::-1], inputs)
        return units, (*between, ACTIVATIONS[self.code_activation], *between, "linear"), "squared"

    def _score(self, x: Array, target: Array, weights: Array | None) -> float:
        restored = self._network.predict(x)
        if not np.isfinite(restored).all():
            return float("nan")
        return float(r2_score(target, restored, sample_weight=weights))

    @property
    def _n_features_out(self) -> int:
        return int(self.n_components)

    @property
    def _depth(self) -> int:
        """The number of the encoder's layers."""
        return (self.n_layers_ - 1) // 2

    def transform(self, X: Any) -> Array:
        """The codes of rows, shape (rows, n_components).

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        rows = self._check_rows(X)
        return self._network.predict(rows, 0, self._depth)

    def inverse_transform(self, X: Any) -> Array:
        """The rows that codes stand for, shape (rows, features).

        Args:
            X: codes, shape (rows, n_components).

        Raises:
            NotFittedError: before fit.
            ValueError: for codes of another length.
        """
        check_is_fitted(self)
        codes = check_array(X, dtype=(np.float64, np.float32))
        if codes.shape[1] != self.n_components:
            raise ValueError(
                f"[AutoencoderTransformer] expected codes of shape (rows, {self.n_components}), "
                f"got {codes.shape}"
            )
        return self._network.predict(codes, self._depth)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """R² of the rows that are restored: 1 where nothing is lost, 0 for their mean.

        Args:
            X: as for :meth:`fit`.
            y: ignored.
            sample_weight: a weight for each row; default 1 each.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        rows = self._check_rows(X)
        return float(r2_score(rows, self._network.predict(rows), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
