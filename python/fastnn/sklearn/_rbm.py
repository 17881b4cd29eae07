"""Restricted Boltzmann machines as transformers."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from fastnn.sklearn._machine import Array, Machine, seed_from, within_unit_interval


class BaseRBM(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """What both kinds of machine share."""

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "n_iter": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "k": [Interval(Integral, 1, None, closed="left")],
        "persistent": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "sparsity_target": [Interval(Real, 0, 1, closed="neither"), None],
        "sparsity_cost": [Interval(Real, 0, None, closed="left")],
        "shuffle": ["boolean"],
        "dtype": [StrOptions({"float32", "float64"}), None],
    }

    # "bernoulli" or "gaussian".
    _visible: ClassVar[str]
    _machine: Machine

    def _store(self, parameters: dict[str, Any]) -> None:
        for name in self._get_param_names():
            setattr(self, name, parameters[name])

    def fit(self, X: Any, y: Any = None) -> Any:
        """Trains from fresh weights.

        Args:
            X: shape (rows, features): an array, or a pandas or polars frame of numbers.
            y: ignored.

        Raises:
            ValueError: for data or parameters that do not fit.
        """
        self._validate_params()
        x = self._rows(X, reset=True)
        self._make(x)
        self._train(x, self.n_iter)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Any:
        """Trains once on each row; chains, momentum and weights go on from the last call.

        Args:
            X: as for :meth:`fit`.
            y: ignored.

        Raises:
            ValueError: for data or parameters that do not fit.
        """
        self._validate_params()
        first = not hasattr(self, "components_")
        x = self._rows(X, reset=first)
        if first:
            self._make(x)
        self._train(x, 1)
        return self

    def _rows(self, x: Any, reset: bool) -> Array:
        rows: Array = validate_data(self, x, dtype=(np.float64, np.float32), reset=reset)
        rows = rows if self.dtype is None else rows.astype(self.dtype, copy=False)
        if self._visible == "bernoulli":
            return within_unit_interval(type(self).__name__, rows, self.out_of_range)
        return rows

    def _make(self, x: Array) -> None:
        self.random_state_ = check_random_state(self.random_state)
        settings = {
            "units": int(self.n_components),
            "visible": self._visible,
            "k": int(self.k),
            "persistent": bool(self.persistent),
            "chains": min(int(self.batch_size), len(x)) if self.persistent else None,
            "learning_rate": float(self.learning_rate),
            "momentum": float(self.momentum),
            "weight_decay": float(self.weight_decay),
            "sparsity_target": self.sparsity_target,
            "sparsity_cost": float(self.sparsity_cost),
            "dtype": str(x.dtype),
        }
        self._machine = Machine(settings, seed_from(self.random_state_))

    def _train(self, x: Array, epochs: int) -> None:
        told = type(self).__name__ if self.verbose else ""
        self._machine.rbm.learning_rate = float(self.learning_rate)
        self._machine.train(x, int(epochs), int(self.batch_size), bool(self.shuffle), told)
        kernel, self.intercept_visible_, self.intercept_hidden_ = self._machine.rbm.get_weights()
        if not all(np.isfinite(w).all() for w in self._machine.rbm.get_weights()):
            raise ValueError(
                f"[{type(self).__name__}] training has left the numbers: scale the data, or lower "
                "learning_rate"
            )
        self.components_ = np.ascontiguousarray(kernel.T)
        chains = self._machine.rbm.chains
        if chains is not None:
            self.h_samples_ = chains.get_value()

    # --- use

    def transform(self, X: Any) -> Array:
        """The probabilities of the hidden units, shape (rows, n_components).

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit, or data out of range.
        """
        check_is_fitted(self)
        return self._machine.rbm.transform(self._rows(X, reset=False))

    def inverse_transform(self, X: Any) -> Array:
        """The means of the visible units, shape (rows, features).

        Args:
            X: hidden units or their probabilities, shape (rows, n_components).

        Raises:
            NotFittedError: before fit.
            ValueError: for another number of hidden units.
        """
        check_is_fitted(self)
        return self._machine.rbm.inverse_transform(check_array(X, dtype=(np.float64, np.float32)))

    def gibbs(self, v: Any) -> Array:
        """One Gibbs step: visible states drawn, given hidden states drawn, given `v`.

        Args:
            v: visible states, shape (rows, features).

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit, or data out of range.
        """
        check_is_fitted(self)
        if not hasattr(self, "random_state_"):
            self.random_state_ = check_random_state(self.random_state)
        rng = self.random_state_
        p = self._machine.rbm.transform(self._rows(v, reset=False))
        hidden = (rng.uniform(size=p.shape) < p).astype(p.dtype)
        means = self._machine.rbm.inverse_transform(hidden)
        if self._visible == "gaussian":
            return np.asarray(means + rng.standard_normal(means.shape), means.dtype)
        drawn: Array = rng.uniform(size=means.shape) < means
        return drawn

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class BernoulliRBM(BaseRBM):
    """A restricted Boltzmann machine for data between 0 and 1.

    It has the parameters of scikit-learn's BernoulliRBM, with the same names and defaults:
    persistent chains (Tieleman, 2008), one for each row of a batch. Beyond it there are ``k``,
    contrastive divergence, momentum, weight decay, sparsity and ``inverse_transform``. Data outside
    of [0, 1] are refused: scale them first, or have them clipped. Visible biases start at
    the logarithm of the odds of each column's mean, and rows are shuffled, so that numbers are
    others than scikit-learn's.

    Args:
        n_components: hidden units; default 256.
        learning_rate: default 0.1.
        batch_size: rows of an update, and chains; default 10.
        n_iter: epochs; default 10.
        verbose: whether each epoch is printed; default 0.
        random_state: a number, a RandomState or None; a number repeats everything.
        k: Gibbs steps of an update; default 1.
        persistent: chains that go on from update to update (True, default), or contrastive
            divergence: they start from the rows.
        momentum: share of the last change that is added to the next; default 0.
        weight_decay: pulls weights towards 0; default 0.
        sparsity_target: the mean activity that hidden units are pulled to; default None.
        sparsity_cost: how strongly; default 0.
        shuffle: whether each epoch has an order of its own; default True.
        dtype: "float32", "float64", or None (default): that of X.
        out_of_range: "raise" (default) refuses data outside of [0, 1], "clip" takes the nearer end.

    Attributes:
        components_: weights, shape (n_components, features).
        intercept_hidden_: biases of the hidden units.
        intercept_visible_: biases of the visible units.
        h_samples_: the chains' hidden states, shape (batch_size, n_components).
        n_features_in_, feature_names_in_: of X.

    Raises:
        ValueError: during fit, for data or parameters that do not fit.

    Source: Hinton, 2010, "A Practical Guide to Training Restricted Boltzmann Machines".

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import BernoulliRBM
        >>> x = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
        >>> machine = BernoulliRBM(2, random_state=0).fit(x)
        >>> machine.transform(x).shape, machine.components_.shape
        ((4, 2), (2, 3))
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **BaseRBM._parameter_constraints,
        "out_of_range": [StrOptions({"raise", "clip"})],
    }
    _visible = "bernoulli"

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.1,
        batch_size: int = 10,
        n_iter: int = 10,
        verbose: int = 0,
        random_state: Any = None,
        k: int = 1,
        persistent: bool = True,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.0,
        shuffle: bool = True,
        dtype: str | None = None,
        out_of_range: str = "raise",
    ) -> None:
        self._store(locals())

    def score_samples(self, X: Any) -> Array:
        """The pseudo-likelihood of rows: its logarithm, shape (rows,).

        One value of each row is drawn and flipped, and the change of the free energy is taken for
        that of all: right in the mean (Besag, 1975).

        Args:
            X: as for :meth:`fit`; the values are best 0 or 1.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit, or data out of range.
        """
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        rng = check_random_state(self.random_state)
        drawn = (np.arange(len(rows)), rng.randint(0, rows.shape[1], len(rows)))
        flipped = rows.copy()
        flipped[drawn] = 1 - flipped[drawn]
        rbm = self._machine.rbm
        change = rbm.free_energy(flipped) - rbm.free_energy(rows)
        scores: Array = -rows.shape[1] * np.logaddexp(0, -change)
        return scores


class GaussianRBM(BaseRBM):
    """A restricted Boltzmann machine for real numbers of unit variance: standardise them first.

    Args:
        n_components: hidden units; default 256.
        learning_rate: default 0.01: real units want a smaller one than those of 0 and 1.
        batch_size: rows of an update, and chains; default 10.
        n_iter: epochs; default 10.
        verbose: as for :class:`BernoulliRBM`.
        random_state: as for :class:`BernoulliRBM`.
        k: as for :class:`BernoulliRBM`.
        persistent: as for :class:`BernoulliRBM`; default False.
        momentum: as for :class:`BernoulliRBM`.
        weight_decay: as for :class:`BernoulliRBM`.
        sparsity_target: as for :class:`BernoulliRBM`.
        sparsity_cost: as for :class:`BernoulliRBM`.
        shuffle: as for :class:`BernoulliRBM`.
        dtype: as for :class:`BernoulliRBM`.

    Attributes:
        components_, intercept_hidden_, intercept_visible_, h_samples_ and the others: as for
            :class:`BernoulliRBM`.

    Raises:
        ValueError: during fit, for data or parameters that do not fit.

    Source: Welling, Rosen-Zvi and Hinton, 2005, "Exponential family harmoniums".

    Example:
        >>> import numpy as np
        >>> from fastnn.sklearn import GaussianRBM
        >>> x = np.random.default_rng(0).normal(size=(100, 3))
        >>> GaussianRBM(2, random_state=0).fit_transform(x).shape
        (100, 2)
    """

    _visible = "gaussian"

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.01,
        batch_size: int = 10,
        n_iter: int = 10,
        verbose: int = 0,
        random_state: Any = None,
        k: int = 1,
        persistent: bool = False,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.0,
        shuffle: bool = True,
        dtype: str | None = None,
    ) -> None:
        self._store(locals())

    def score_samples(self, X: Any) -> Array:
        """The logarithm of the rows' probability density but for a constant, shape (rows,).

        It is the free energy with the other sign; the constant is the same for all rows.

        Args:
            X: as for :meth:`fit`.

        Raises:
            NotFittedError: before fit.
            ValueError: for other columns than those of fit.
        """
        check_is_fitted(self)
        return -self._machine.rbm.free_energy(self._rows(X, reset=False))
