"""scikit-learn's MLPClassifier; it computes no accuracy while it trains."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import sklearn
from sklearn.neural_network import BernoulliRBM, MLPClassifier

from bench.networks import Dense, Network
from bench.networks import Machine as Boltzmann

VERSION = sklearn.__version__


class Model:
    def __init__(self, network: Network, weights: list[Any], data: dict[str, Any], threads: int):
        if not all(isinstance(layer, Dense) for layer in network.layers) or not network.accuracy:
            raise NotImplementedError("dense classifiers only")
        warnings.simplefilter("ignore")  # that max_iter ends before convergence is the point
        self.x, self.y = data["x"], data["y"].ravel()
        self.model = MLPClassifier(
            [layer.units for layer in network.layers[:-1]],
            batch_size=network.batch,
            max_iter=1,
            tol=0.0,
            n_iter_no_change=10**9,
            alpha=0.0,
            epsilon=1e-7,
            random_state=0,
            warm_start=True,
        )
        self.model.fit(self.x[: 10 * network.batch], self.y[: 10 * network.batch])
        self.model.coefs_ = [w.copy() for w in weights[::2]]
        self.model.intercepts_ = [b.copy() for b in weights[1::2]]

    def fit(self, epochs: int) -> None:
        self.model.set_params(max_iter=epochs).fit(self.x, self.y)

    def predict(self, x: Any) -> Any:
        p = self.model.predict_proba(x)
        return p[:, 1:] if p.shape[1] == 2 else p

    def row(self, row: Any) -> Any:
        return lambda: self.model.predict_proba(row)


class Machine:
    """BernoulliRBM; its fit begins from weights of its own, and does not shuffle."""

    def __init__(self, network: Boltzmann, weights: list[Any], data: dict[str, Any], threads: int):
        self.x = data["x"]
        self.model = BernoulliRBM(
            network.hidden, learning_rate=network.learning_rate, batch_size=network.batch,
            n_iter=1, random_state=0,
        )  # fmt: skip
        kernel, visible, hidden = weights
        self.model.components_ = kernel.T.copy()
        self.model.intercept_visible_, self.model.intercept_hidden_ = visible, hidden

    def fit(self, epochs: int) -> None:
        self.model.set_params(n_iter=epochs).fit(self.x)

    def predict(self, x: Any) -> Any:
        hidden = self.model._mean_hiddens(x)
        return 1 / (1 + np.exp(-(hidden @ self.model.components_ + self.model.intercept_visible_)))
