"""Deep belief networks: restricted Boltzmann machines, each trained on the one below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import layers
from fastnn.callbacks import History
from fastnn.models import _checks
from fastnn.models._kept import Kept
from fastnn.models._sequential import Sequential
from fastnn.models._state import Tensors
from fastnn.models.boltzmann._rbm import RBM
from fastnn.models.boltzmann._settings import one_each

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile


class DBN(Kept):
    """A stack of restricted Boltzmann machines, trained greedily from the bottom.

    The top two layers are an undirected memory, those below a directed network (Hinton, Osindero
    and Teh, 2006, "A Fast Learning Algorithm for Deep Belief Nets"). The weights start a deep
    classifier (:meth:`classifier`) or a deep autoencoder (:meth:`autoencoder`), which is then
    trained on as any model (Hinton and Salakhutdinov, 2006).

    Args:
        units: hidden units of each machine, from the bottom.
        visible: of the lowest machine: "bernoulli" or "gaussian".
        hidden: of the highest: "bernoulli", or "gaussian" for a real code.
        learning_rate: a number, or one for each machine; default 0.1.
        seed: of initial weights; default: the process's.
        **settings: what else :class:`RBM` takes, the same for each machine.

    Attributes:
        rbms: the machines.

    Raises:
        ValueError: for settings out of range.

    Example:
        >>> import numpy as np
        >>> x = np.eye(6).repeat(20, axis=0)
        >>> dbn = DBN([4, 3], seed=0)
        >>> histories = dbn.fit(x, epochs=2, batch_size=10, verbose=0)
        >>> dbn.transform(x).shape
        (120, 3)
        >>> dbn.classifier(6).output_shape
        (None, 6)
    """

    def __init__(
        self,
        units: Sequence[int],
        visible: str = "bernoulli",
        hidden: str = "bernoulli",
        learning_rate: float | Sequence[float] = 0.1,
        seed: int | None = None,
        **settings: Any,
    ) -> None:
        if not isinstance(units, Sequence) or len(units) == 0:
            raise ValueError(f"[DBN] expected the units of at least one machine, got {units!r}")
        last = len(units) - 1
        rates = one_each("DBN", "learning_rate", learning_rate, len(units), "machines")
        self.rbms = [
            RBM(
                count,
                visible=visible if i == 0 else "bernoulli",
                hidden=hidden if i == last else "bernoulli",
                learning_rate=rates[i],
                seed=None if seed is None else seed + i,
                name=f"rbm_{i + 1}",
                **settings,
            )
            for i, count in enumerate(units)
        ]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        settings = self.rbms[0].get_config()
        del settings["name"]
        return {
            **settings,
            "units": [rbm.units for rbm in self.rbms],
            "hidden": self.rbms[-1].settings.hidden,
            "learning_rate": [rbm.learning_rate for rbm in self.rbms],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DBN:
        """A network of these settings, without weights."""
        return cls(**config)

    def _content(self, tensors: Tensors) -> dict[str, Any]:
        machines = [rbm._content(tensors) for rbm in self.rbms]
        return {"config": self.get_config(), "machines": machines}

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        network = cls.from_config(content["config"])
        for rbm, part in zip(network.rbms, content["machines"], strict=True):
            rbm.momentum = part["config"]["momentum"]
            rbm._restore(part, file)
        return network

    @property
    def built(self) -> bool:
        """Whether every machine has weights."""
        return all(rbm.built for rbm in self.rbms)

    def fit(
        self,
        x: Any,
        epochs: int | Sequence[int] = 10,
        batch_size: int = 100,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> list[History]:
        """Trains the machines one after the other, each on the means of the one below.

        Args:
            x: shape (rows, visible units).
            epochs: a number, or one for each machine; default 10.
            batch_size: rows a step; default 100.
            verbose: as for :meth:`RBM.fit`.
            callbacks: as for :meth:`RBM.fit`; for each machine.

        Returns:
            A History for each machine.

        Raises:
            ValueError: for data of a wrong shape or range.
            TypeError: for data that are no numbers.
        """
        counts = one_each("DBN", "epochs", epochs, len(self.rbms), "machines")
        histories = []
        for number, (rbm, count) in enumerate(zip(self.rbms, counts, strict=True)):
            if number:
                x = self.rbms[number - 1].transform(x)
            histories.append(rbm.fit(x, count, batch_size, verbose=verbose, callbacks=callbacks))
        return histories

    def transform(self, x: Any, depth: int | None = None) -> NDArray[Any]:
        """The means of the hidden units, layer by layer.

        Args:
            x: shape (rows, visible units).
            depth: up to which machine, from 1; default: the highest.
        """
        for rbm in self.rbms[: self._depth(depth)]:
            x = rbm.transform(x)
        return np.asarray(x)

    def inverse_transform(self, h: Any, depth: int | None = None) -> NDArray[Any]:
        """Visible means, from hidden values of a machine down.

        Args:
            h: shape (rows, units of that machine).
            depth: of the machine, from 1; default: the highest.
        """
        for rbm in reversed(self.rbms[: self._depth(depth)]):
            h = rbm.inverse_transform(h)
        return np.asarray(h)

    def sample(self, n: int = 1, steps: int = 1000, initial: Any = None) -> NDArray[Any]:
        """What the network believes in: Gibbs steps in the highest machine, then down.

        Args:
            n: how many.
            steps: in the highest machine.
            initial: visible rows to start from, instead of hidden units at random.

        Returns:
            Visible means, shape (n, visible units).
        """
        below = len(self.rbms) - 1
        start = None
        if initial is not None:
            start = self.transform(initial, below) if below else initial
        top = self.rbms[-1].sample(n, steps, initial=start)
        return self.inverse_transform(top, below) if below else top

    def classifier(
        self,
        classes: int,
        dropout: float = 0.0,
        kernel_initializer: Any = "glorot_uniform",
        input_dropout: float = 0.0,
    ) -> Sequential:
        """A model of Dense layers that starts from these weights, with a softmax on top.

        Compile and fit it as any other.

        Args:
            classes: how many.
            dropout: of hidden units, in training; default 0.
            kernel_initializer: of the last layer.
            input_dropout: of the rows, in training; default 0.
        """
        _checks.require_positive("DBN", "classes", classes)
        stack: list[Any] = [layers.Input((self._visible(),))]
        if input_dropout:
            stack.append(layers.Dropout(input_dropout))
        started = [_Started(rbm, upwards=True) for rbm in self.rbms]
        for start in started:
            stack.append(start.layer)
            if dropout:
                stack.append(layers.Dropout(dropout))
        last = layers.Dense(classes, activation="softmax", kernel_initializer=kernel_initializer)
        return _with_weights(Sequential([*stack, last], name="dbn_classifier"), started)

    def autoencoder(self) -> Sequential:
        """A model that goes up and down again through these weights, the decoder with weights of
        its own that start as the encoder's transposes (Hinton and Salakhutdinov, 2006)."""
        started = [_Started(rbm, upwards=True) for rbm in self.rbms]
        started += [_Started(rbm, upwards=False) for rbm in reversed(self.rbms)]
        stack = [layers.Input((self._visible(),)), *(start.layer for start in started)]
        return _with_weights(Sequential(stack, name="dbn_autoencoder"), started)

    def _visible(self) -> int:
        if not self.built:
            raise RuntimeError("[DBN] has no weights yet: call fit()")
        return int(self.rbms[0].kernel.shape[0])

    def _depth(self, depth: int | None) -> int:
        most = len(self.rbms)
        if depth is None:
            return most
        if not 1 <= depth <= most:
            raise ValueError(f"[DBN] expected a depth from 1 to {most}, got {depth}")
        return depth


class _Started:
    """A Dense layer, and the weights of a machine that it is to start from.

    Args:
        rbm: the machine.
        upwards: from its visible to its hidden units, or back.
    """

    def __init__(self, rbm: RBM, upwards: bool) -> None:
        kernel, below, above = rbm.get_weights()
        self.weights = [kernel, above] if upwards else [np.ascontiguousarray(kernel.T), below]
        kind = rbm.hidden_kind if upwards else rbm.kind
        activation = "sigmoid" if kind.name == "bernoulli" else "linear"
        self.layer = layers.Dense(len(self.weights[1]), activation=activation)


def _with_weights(model: Sequential, started: Sequence[_Started]) -> Sequential:
    for start in started:
        start.layer.set_weights(start.weights)
    return model
