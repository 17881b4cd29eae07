"""A restricted Boltzmann machine that repeats itself by its seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _random
from fastnn.callbacks import Callback
from fastnn.models._clock import Clock
from fastnn.models.boltzmann import RBM

Array = NDArray[Any]


class Told(Callback):
    """Prints an epoch's figures, as scikit-learn's machine does.

    Args:
        owner: the estimator's class.
    """

    def __init__(self, owner: str) -> None:
        super().__init__()
        self._owner = owner

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Prints."""
        figures = ", ".join(f"{k.replace('_', ' ')} = {v:.4f}" for k, v in (logs or {}).items())
        print(f"[{self._owner}] Iteration {epoch + 1}, {figures}")


class Machine:
    """A machine and the state of its training.

    Args:
        settings: of :class:`RBM`.
        seed: of all its random numbers.
    """

    def __init__(self, settings: dict[str, Any], seed: int) -> None:
        self._seed = seed
        self.rbm = RBM(**settings, seed=seed)
        self.rbm._clock = Clock(block=1)

    def train(self, x: Array, epochs: int, batch_size: int, shuffle: bool, told: str) -> None:
        """Trains on rows for so many epochs, or only makes the weights where there are none.

        Args:
            x: shape (rows, visible units), checked.
            epochs: how many.
            batch_size: rows of a step.
            shuffle: whether an epoch has an order of its own.
            told: the class that epochs are printed for; "" prints none.
        """
        if epochs == 0:
            if not self.rbm.built:
                self.rbm.build(x.shape[1], self.rbm.kind.first_bias(self.rbm._rows(x)))
            return
        # The seed holds whatever the process's has become since.
        self.rbm._clock = replace(
            self.rbm._clock, _seed=self._seed, _generation=_random.generation()
        )
        callbacks = [Told(told)] if told else []
        self.rbm.fit(x, epochs, batch_size, shuffle=shuffle, verbose=0, callbacks=callbacks)


def within_unit_interval(owner: str, x: Array, out_of_range: str) -> Array:
    """Rows for units that are 0 or 1.

    Args:
        owner: the class that the message names.
        x: rows.
        out_of_range: "clip" takes what is below 0 for 0 and what is above 1 for 1; "raise" refuses.

    Raises:
        ValueError: for data outside of [0, 1] that are not to be clipped.
    """
    low, high = float(x.min()), float(x.max())
    if low >= 0.0 and high <= 1.0:
        return x
    if out_of_range == "clip":
        return np.clip(x, 0.0, 1.0)
    raise ValueError(
        f"[{owner}] expected data between 0 and 1, got values from {low:.6g} to {high:.6g}: scale "
        "them, or give out_of_range='clip'"
    )


def seed_from(random_state: Any) -> int:
    """A seed that a RandomState draws."""
    return int(random_state.randint(np.iinfo(np.int32).max))
