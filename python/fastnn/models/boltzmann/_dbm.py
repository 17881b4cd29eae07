"""Deep Boltzmann machines: layers of hidden units, each connected to those beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import graph, layers, ops
from fastnn._tensor import Tensor, Variable
from fastnn.callbacks import History
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._epochs import EpochModel, Mean, make_trainer
from fastnn.models._kept import first_value
from fastnn.models._model import Model
from fastnn.models._programs import Section
from fastnn.models._state import Tensors, set_all
from fastnn.models.boltzmann._rbm import RBM
from fastnn.models.boltzmann._settings import one_each
from fastnn.models.boltzmann._units import draw

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile


class DBM(EpochModel):
    """A deep Boltzmann machine (Salakhutdinov and Hinton, 2009, "Deep Boltzmann Machines").

    All connections are undirected. It is pretrained as a stack of restricted machines in which the
    inputs of a layer that will have two neighbours count twice (:meth:`pretrain`), then trained as
    a whole (:meth:`fit`): the data's statistics by mean-field inference, the model's by persistent
    Gibbs chains. :meth:`classifier` starts a network from it.

    Args:
        units: hidden units of each layer, from the bottom; at least two layers.
        mean_field_steps: of inference; default 10.
        k: Gibbs steps of the chains a training step; default 5.
        chains: how many; default 100.
        learning_rate: default 0.005; ``dbm.learning_rate = ...`` changes it between epochs.
        weight_decay: pulls weights towards 0, in pretraining too; default 0.
        seed: of initial weights; default: the process's.
        dtype: "float32" or "float64".
        name: default "dbm".

    Raises:
        ValueError: for settings out of range.

    Example:
        >>> import numpy as np
        >>> x = np.eye(6).repeat(20, axis=0)
        >>> dbm = DBM([5, 4], chains=10, seed=0)
        >>> history = dbm.pretrain(x, epochs=2, batch_size=20, verbose=0)
        >>> history = dbm.fit(x, epochs=2, batch_size=20, verbose=0)
        >>> [h.shape for h in dbm.infer(x)]
        [(120, 5), (120, 4)]
    """

    def __init__(
        self,
        units: Sequence[int],
        mean_field_steps: int = 10,
        k: int = 5,
        chains: int = 100,
        learning_rate: float = 0.005,
        weight_decay: float = 0.0,
        seed: int | None = None,
        dtype: str = "float32",
        name: str = "dbm",
    ) -> None:
        super().__init__()
        if not isinstance(units, Sequence) or len(units) < 2:
            raise ValueError(f"[DBM] expected the units of at least two layers, got {units!r}")
        for label, value in (("mean_field_steps", mean_field_steps), ("k", k), ("chains", chains)):
            _checks.require_positive("DBM", label, value)
        if not weight_decay >= 0:
            raise ValueError(f"[DBM] expected weight_decay of at least 0, got {weight_decay}")
        self.units = [_checks.require_positive("DBM", "units", n) for n in units]
        self.mean_field_steps, self.k, self.chains = mean_field_steps, k, chains
        self.weight_decay, self.dtype, self.name = weight_decay, dtype, name
        self._seed = seed
        self._stack = [
            RBM(
                n,
                weight_decay=weight_decay,
                seed=None if seed is None else seed + i,
                dtype=dtype,
                name=f"{name}_{i + 1}",
            )
            for i, n in enumerate(self.units)
        ]
        last = len(self.units) - 1
        for i, rbm in enumerate(self._stack):
            rbm._up = 1.0 if i == last else 2.0
            rbm._down = 1.0 if i == 0 else 2.0
        self._rate = Variable(np.asarray(0.0, dtype), name="learning_rate", role="hyperparameter")
        self.learning_rate = learning_rate
        self._made: dict[str, Any] = {}
        self.built = False

    @property
    def learning_rate(self) -> float:
        """The step's size in :meth:`fit`."""
        return float(self._rate.get_value())

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not 0 < value <= float(np.finfo(self._rate.dtype).max):
            raise ValueError(f"[DBM] expected a positive learning_rate, got {value}")
        self._rate.set_value(value)

    # --- weights

    def build(self, visible_units: int, visible_bias: Any = None) -> None:
        """Makes the weights; fit() does it from the data.

        Args:
            visible_units: how many visible units there are.
            visible_bias: their first biases; default 0.
        """
        sizes = [visible_units, *self.units]
        for rbm, below in zip(self._stack, sizes, strict=False):
            if not rbm.built:
                rbm.build(below, visible_bias if below == visible_units else None)
        self._take_over()

    def _take_over(self) -> None:
        """Kernels and biases from the stack; a hidden layer's are those of the machine below it."""
        self.kernels = [rbm.kernel for rbm in self._stack]
        self.biases = [self._stack[0].visible_bias, *(rbm.hidden_bias for rbm in self._stack)]
        shapes = [(self.chains, n) for n in (self.kernels[0].shape[0], *self.units)]
        start = np.random.default_rng(self._seed)

        def chain(shape: tuple[int, ...]) -> Variable:
            value = first_value(
                "DBM", "chain", shape, self.dtype, lambda: start.integers(0, 2, shape)
            )
            return Variable(value, name="chain", role="state")

        self._states = [chain(shape) for shape in shapes]
        self.built = True

    @property
    def weights(self) -> list[Variable]:
        """Kernels from the bottom, then biases of the visible and of each hidden layer."""
        self._require_built()
        return [*self.kernels, *self.biases]

    def get_weights(self) -> list[NDArray[Any]]:
        """The values of :attr:`weights`."""
        return [w.get_value() for w in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets them; builds the machine where it is not yet.

        Raises:
            ValueError: for other shapes.
        """
        arrays = [np.asarray(w) for w in weights]
        if not self.built:
            self.build(int(arrays[0].shape[0]))
        wanted = [w.shape for w in self.weights]
        if [a.shape for a in arrays] != [tuple(s) for s in wanted]:
            raise ValueError(f"[DBM] expected weights of shapes {wanted}, got {arrays}")
        for variable, array in zip(self.weights, arrays, strict=True):
            variable.set_value(array)

    # --- files

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("units", "mean_field_steps", "k", "chains", "weight_decay", "dtype", "name")
        config = {name: getattr(self, name) for name in names}
        return {**config, "learning_rate": self.learning_rate, "seed": self._seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DBM:
        """A machine of these settings, without weights."""
        return cls(**config)

    def _content(self, tensors: Tensors) -> dict[str, Any]:
        return {
            "config": self.get_config(),
            "clock": self._clock.state(),
            "machines": [rbm._content(tensors) for rbm in self._stack],
            "chains": tensors.add_variables("chains", self._states) if self.built else [],
        }

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        machine = cls.from_config(content["config"])
        for rbm, part in zip(machine._stack, content["machines"], strict=True):
            rbm.learning_rate = part["config"]["learning_rate"]
            rbm._restore(part, file)
        if content["chains"]:
            machine._take_over()
            set_all(machine._states, content["chains"], file, "DBM")
        machine._clock = Clock.from_state(content["clock"])
        return machine

    # --- training

    def pretrain(
        self,
        x: Any,
        epochs: int | Sequence[int] = 10,
        batch_size: int = 100,
        learning_rate: float | Sequence[float] = 0.05,
        verbose: str | int = "auto",
        callbacks: Any = None,
    ) -> list[History]:
        """Trains the layers one after the other, each on the means of the one below.

        Args:
            x: shape (rows, visible units), between 0 and 1.
            epochs: a number, or one for each layer; default 10.
            batch_size: rows a step; default 100.
            learning_rate: a number, or one for each layer; default 0.05.
            verbose: as for :meth:`RBM.fit`.
            callbacks: as for :meth:`RBM.fit`; for each layer, whose machine is their ``model``.

        Returns:
            A History for each layer.
        """
        counts = one_each("DBM", "epochs", epochs, len(self.units), "layers")
        rates = one_each("DBM", "learning_rate", learning_rate, len(self.units), "layers")
        histories = []
        for rbm, count, rate in zip(self._stack, counts, rates, strict=True):
            rbm.learning_rate = rate
            histories.append(rbm.fit(x, count, batch_size, verbose=verbose, callbacks=callbacks))
            x = rbm.transform(x)
        if not self.built:
            self._take_over()
        return histories

    def fit(
        self,
        x: Any,
        epochs: int = 10,
        batch_size: int = 100,
        shuffle: bool = True,
        verbose: str | int = "auto",
        callbacks: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Trains all layers together.

        Args:
            x: shape (rows, visible units), between 0 and 1.
            epochs: up to which epoch, counted from ``initial_epoch``.
            batch_size: rows a step; default 100.
            shuffle: a new order in each epoch; default True.
            verbose: as for :meth:`RBM.fit`.
            callbacks: as for :meth:`RBM.fit`.
            initial_epoch: the number of the first epoch.

        Returns:
            A History with "reconstruction_error", the mean squared distance of a row to the
            visible means that its mean field gives.
        """
        batch_size = _checks.require_positive("DBM", "batch_size", batch_size)
        x = self._stack[0]._rows(x)
        if not self.built:
            self.build(x.shape[1], self._stack[0].kind.first_bias(x))
        if "trainer" not in self._made:
            with self._traced():
                self._made["trainer"] = self._trace()
        trainer, figures = self._made["trainer"]
        return self._run_epochs(
            trainer,
            [x],
            figures,
            batch_size=min(batch_size, len(x)),
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=shuffle,
            verbose=verbose,
            callbacks=callbacks,
        )

    def _trace(self) -> tuple[Any, dict[str, Mean]]:
        v = graph.placeholder(("batch", self.kernels[0].shape[0]), self.dtype, name="x")
        data = [v, *self._mean_field(v)]
        model = self._gibbs([Tensor(s._value) for s in self._states], self.k)
        updates: list[Any] = list(zip(self._states, model, strict=True))
        rows = [ops.shape_of(side[0], 0, self.dtype) for side in (data, model)]
        for i, kernel in enumerate(self.kernels):
            change = ops.matmul(data[i], data[i + 1] / rows[0], transpose_a=True) - ops.matmul(
                model[i], model[i + 1] / rows[1], transpose_a=True
            )
            if self.weight_decay:
                change = change - self.weight_decay * kernel
            updates.append((kernel, kernel + self._rate * change))
        for bias, x, y in zip(self.biases, data, model, strict=True):
            updates.append((bias, bias + self._rate * (ops.mean(x, axis=0) - ops.mean(y, axis=0))))
        error = Mean("reconstruction_error")
        distance = ops.sum(ops.square(v - ops.sigmoid(self._field(data, 0))))
        measured = error.updates(ops.cast(distance, "float64"), ops.shape_of(v, 0, "float64"))
        sections: list[Section] = [("step", [], []), ("metrics", [], measured)]
        return make_trainer([v], [*sections, ("update", [], updates)]), {
            "reconstruction_error": error
        }

    # --- inference and sampling, on tensors

    def _field(self, states: Sequence[Tensor], layer: int, from_below: Any = None) -> Any:
        """What a layer (0 the visible one) gets from those beside it, with its bias.

        Args:
            states: of all layers.
            layer: which.
            from_below: what it gets from the layer below, where that is known.
        """
        total: Any = self.biases[layer]
        if layer > 0:
            if from_below is None:
                from_below = ops.matmul(states[layer - 1], self.kernels[layer - 1])
            total = from_below + total
        if layer < len(self.units):
            total = ops.matmul(states[layer + 1], self.kernels[layer], transpose_b=True) + total
        return total

    def _mean_field(self, v: Tensor) -> list[Tensor]:
        """Means of the hidden layers, given visible rows: updated in turn, from a pass upwards in
        which inputs count twice."""
        means: list[Tensor] = []
        # The rows stay as they are, so one product serves all steps.
        from_rows = ops.matmul(v, self.kernels[0])
        product = from_rows
        for i, bias in enumerate(self.biases[1:]):
            if i:
                product = ops.matmul(means[-1], self.kernels[i])
            scale = 1.0 if i == len(self.kernels) - 1 else 2.0
            means.append(ops.sigmoid(scale * product + bias))

        def step(*means: Tensor) -> tuple[list[Tensor], None]:
            states = [v, *means]
            for i in range(1, len(states)):
                known = from_rows if i == 1 else None
                states[i] = ops.sigmoid(self._field(states, i, known))
            return states[1:], None

        final, _ = graph.scan(step, initial_state=means, length=self.mean_field_steps)
        return list(final)

    def _gibbs(self, states: list[Tensor], steps: int) -> list[Tensor]:
        """Steps of the chains: the odd layers given the even ones, then the other way round."""

        def step(*given: Tensor) -> tuple[list[Tensor], None]:
            states = list(given)
            for first in (1, 0):
                for i in range(first, len(states), 2):
                    states[i] = draw(ops.sigmoid(self._field(states, i)))
            return states, None

        final, _ = graph.scan(step, initial_state=states, length=steps)
        return list(final)

    # --- use

    def infer(self, x: Any) -> list[NDArray[Any]]:
        """The mean field of each hidden layer, shape (rows, units)."""
        self._require_built()
        rows = self._stack[0]._rows(x)
        if "infer" not in self._made:
            v = graph.placeholder((None, self.kernels[0].shape[0]), self.dtype, name="x")
            self._made["infer"] = graph.function([v], self._mean_field(v))
        return [np.asarray(h) for h in self._made["infer"](rows.astype(self.dtype, copy=False))]

    def transform(self, x: Any) -> NDArray[Any]:
        """The mean field of the highest layer."""
        return self.infer(x)[-1]

    def sample(self, n: int = 1, steps: int = 1000) -> NDArray[Any]:
        """Visible means at the end of Gibbs chains from states at random.

        Args:
            n: how many chains.
            steps: of each; default 1000.
        """
        self._require_built()
        n = _checks.require_positive("DBM", "n", n)
        steps = _checks.require_positive("DBM", "steps", steps)
        if f"sample {steps}" not in self._made:
            self._made[f"sample {steps}"] = self._trace_sampling(steps)
        return np.asarray(self._made[f"sample {steps}"](np.zeros(n, self.dtype)))

    def _trace_sampling(self, steps: int) -> Any:
        rows = graph.placeholder(("rows",), self.dtype)
        sizes = [self.kernels[0].shape[0], *self.units]
        start = [ops.random_bernoulli((rows.dims[0], n), 0.5, self.dtype) for n in sizes]
        states = self._gibbs(start, steps)
        return graph.function([rows], ops.sigmoid(self._field(states, 0)))

    def classifier(self, classes: int, dropout: float = 0.0, input_dropout: float = 0.0) -> Model:
        """A network of the rows and of the second layer's mean field, which starts from these
        weights (section 3.4 of the paper); :meth:`augment` makes its inputs.

        Args:
            classes: how many.
            dropout: of hidden units, in training; default 0.
            input_dropout: of both inputs, in training; default 0.
        """
        self._require_built()
        _checks.require_positive("DBM", "classes", classes)
        visible, second = self.kernels[0].shape[0], self.units[1]
        rows = layers.Input((visible,), name="rows")
        field = layers.Input((second,), name="second_layer")
        dense = [layers.Dense(n, activation="sigmoid") for n in self.units]
        first = dense[0]
        h = _dropped(layers.Concatenate()([rows, field]), input_dropout)
        for layer in dense:
            h = _dropped(layer(h), dropout)
        outputs = layers.Dense(classes, activation="softmax")(h)
        model = Model([rows, field], outputs, name="dbm_classifier")
        weights = self.get_weights()
        count = len(self.units)
        both = np.concatenate([weights[0], weights[1].T])
        first.set_weights([both, weights[count + 1]])
        for i, layer in enumerate(dense[1:], start=1):
            layer.set_weights([weights[i], weights[count + 1 + i]])
        return model

    def augment(self, x: Any) -> list[NDArray[Any]]:
        """The inputs of :meth:`classifier`: rows, and the mean field of the second layer."""
        rows = self._stack[0]._rows(x)
        return [rows, self.infer(rows)[1]]

    def _require_built(self) -> None:
        if not self.built:
            raise RuntimeError(f"[DBM] {self.name!r} has no weights yet: call pretrain() or fit()")


def _dropped(h: Any, rate: float) -> Any:
    return layers.Dropout(rate)(h) if rate else h
