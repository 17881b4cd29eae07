"""Epochs of stochastic training, and the rules by which they end."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from fastnn.sklearn._network import Array, Network

_SLOWEST_RATE = 1e-6


class Epochs:
    """What "adam" and "sgd" do with an estimator's network.

    The order of rows, the split for early stopping, the records and the rules are scikit-learn's:
    its MLPClassifier takes the same steps.
    """

    # Parameters.
    solver: str
    batch_size: Any
    learning_rate: str
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: float

    # Of the fitted estimator: the network is compiled where it is needed, and pickled as arrays.
    _network: Network
    _random_state: Any
    _rate: float
    _no_improvement: int
    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None

    @abstractmethod
    def _score(self, x: Array, target: Array, weights: Array | None) -> float:
        """How well encoded targets are predicted; NaN for predictions that are not finite."""

    def _run_epochs(
        self, x: Array, target: Array, weights: Array | None, incremental: bool
    ) -> None:
        validation = None
        if self.early_stopping:
            (x, target, weights), validation = self._split(x, target, weights)
        rows = len(x)
        size = min(200, rows) if self.batch_size == "auto" else int(self.batch_size)
        if size > rows:
            warnings.warn(
                f"[{type(self).__name__}] batch_size={size} is more than the {rows} rows: it is "
                "clipped",
                stacklevel=4,
            )
            size = rows
        training = self._network.training(x, target, weights)
        order = np.arange(rows) if self.shuffle else None
        best: list[Array] | None = None
        self.n_iter_ = 0
        try:
            for _ in range(1 if incremental else self.max_iter):
                if order is not None:
                    # What sklearn.utils.shuffle does to the order, without its checks.
                    drawn = np.arange(rows)
                    self._random_state.shuffle(drawn)
                    order = order[drawn]
                self._network.set_rate(self._rate)
                improved = self._end_epoch(training.epoch(size, order), rows, validation)
                if improved and validation is not None:
                    best = self._network.get_weights()
                if self._no_improvement > self.n_iter_no_change and self._stops():
                    break
            else:
                if not incremental:
                    warnings.warn(
                        f"[{type(self).__name__}] {self.max_iter} epochs (max_iter) are over and "
                        "the optimization hasn't converged yet",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
        except KeyboardInterrupt:
            warnings.warn(f"[{type(self).__name__}] training interrupted by user", stacklevel=4)
        finally:
            training.release()
        if best is not None:
            self._network.set_weights(best)

    def _split(self, x: Array, target: Array, weights: Array | None) -> Any:
        """Rows to train on and rows to validate on, as scikit-learn draws them."""
        binary = target.ndim == 2 and target.shape[1] == 1 and hasattr(self, "classes_")
        rows, held = train_test_split(
            np.arange(len(x)),
            random_state=self._random_state,
            test_size=self.validation_fraction,
            stratify=target[:, 0] if binary else None,
        )
        if len(held) < 2:
            raise ValueError(
                f"[{type(self).__name__}] expected a validation set of at least 2 rows, got "
                f"{len(held)} of {len(x)}: raise validation_fraction"
            )

        def part(chosen: NDArray[np.int64]) -> tuple[Array, Array, Array | None]:
            return x[chosen], target[chosen], None if weights is None else weights[chosen]

        return part(rows), part(held)

    def _end_epoch(self, loss: float, rows: int, validation: Any) -> bool:
        """Records an epoch; returns whether it is the best one so far."""
        self.n_iter_ += 1
        self.t_ += rows
        self.loss_ = loss
        self.loss_curve_.append(loss)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")
        if validation is not None:
            better = self._note_score(self._score(*validation))
        else:
            assert self.best_loss_ is not None
            worse = loss > self.best_loss_ - self.tol
            self._no_improvement = self._no_improvement + 1 if worse else 0
            better = loss < self.best_loss_
            self.best_loss_ = min(loss, self.best_loss_)
        if self.solver == "sgd" and self.learning_rate == "invscaling":
            self._rate = float(self.learning_rate_init) / (self.t_ + 1) ** self.power_t
        return better

    def _note_score(self, score: float) -> bool:
        assert self.validation_scores_ is not None
        assert self.best_validation_score_ is not None
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:.6f}")
        worse = score < self.best_validation_score_ + self.tol
        self._no_improvement = self._no_improvement + 1 if worse else 0
        better = score > self.best_validation_score_
        self.best_validation_score_ = max(score, self.best_validation_score_)
        return better

    def _stops(self) -> bool:
        """Whether no improvement ends the training; else it goes on with a fifth of the rate."""
        measured = "Validation score" if self.early_stopping else "Training loss"
        message = (
            f"{measured} did not improve more than tol={self.tol:f} for "
            f"{self.n_iter_no_change} consecutive epochs."
        )
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        if not adaptive or self._rate <= _SLOWEST_RATE:
            if self.verbose:
                print(f"{message} {'Learning rate too small. ' * adaptive}Stopping.")
            return True
        self._rate /= 5.0
        self._no_improvement = 0
        if self.verbose:
            print(f"{message} Setting learning rate to {self._rate:f}")
        return False
