"""The restricted Boltzmann machine, trained by contrastive divergence or with persistent chains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

from fastnn import graph, ops
from fastnn._tensor import Tensor, Variable
from fastnn.callbacks import History
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._epochs import EpochModel, Mean
from fastnn.models._kept import first_value
from fastnn.models._state import Tensors, set_all
from fastnn.models.boltzmann._contrastive import contrastive_trainer
from fastnn.models.boltzmann._energy import free_energy, pseudo_log_likelihood
from fastnn.models.boltzmann._partition import LogPartition, log_partition
from fastnn.models.boltzmann._settings import Settings
from fastnn.models.boltzmann._units import KINDS

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile


class RBM(EpochModel):
    """A restricted Boltzmann machine: visible and hidden units, all pairs of them connected.

    Trained on the difference of two phases: dW = <v h> of the data - <v h> of the model, where the
    model's are estimated by k Gibbs steps from the data (CD-k: Hinton, 2002, "Training Products of
    Experts by Minimizing Contrastive Divergence") or from chains that go on from step to step
    (persistent: Tieleman, 2008). Practical advice: Hinton, 2010, "A Practical Guide to Training
    Restricted Boltzmann Machines".

    Args:
        units: how many hidden units.
        visible: "bernoulli" (data between 0 and 1) or "gaussian" (standardised data).
        hidden: "bernoulli", or "gaussian": real units of unit variance, for a code at the top of
            a stack (Hinton and Salakhutdinov, 2006); they want a learning rate of 0.001.
        k: Gibbs steps of the negative phase; default 1.
        persistent: whether its chains go on from step to step; default False.
        chains: how many there are; default: the batch size of the first training.
        learning_rate: default 0.1; ``rbm.learning_rate = 0.05`` changes it between epochs.
        momentum: share of the last change that is added to the next; default 0.
        weight_decay: pulls weights (not biases) towards 0; default 0.
        sparsity_target: the mean activity that hidden units are pulled to; default None.
        sparsity_cost: how strongly; default 0.
        sample_visible: whether the negative phase draws visible states (True), or uses their
            means (False), which is less noisy in pretraining.
        seed: of initial weights; default: the process's.
        dtype: "float32" or "float64".
        name: default "rbm".

    Raises:
        ValueError: for settings out of range.

    Example:
        >>> import numpy as np
        >>> x = np.eye(4).repeat(50, axis=0)
        >>> rbm = RBM(2, seed=1)
        >>> history = rbm.fit(x, epochs=2, batch_size=20, verbose=0)
        >>> rbm.transform(x).shape
        (200, 2)
    """

    def __init__(
        self,
        units: int,
        visible: str = "bernoulli",
        hidden: str = "bernoulli",
        k: int = 1,
        persistent: bool = False,
        chains: int | None = None,
        learning_rate: float = 0.1,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        sparsity_target: float | None = None,
        sparsity_cost: float = 0.0,
        sample_visible: bool = True,
        seed: int | None = None,
        dtype: str = "float32",
        name: str = "rbm",
    ) -> None:
        super().__init__()
        self.settings = Settings(
            units=units,
            visible=visible,
            hidden=hidden,
            k=k,
            persistent=persistent,
            chains=chains,
            momentum=momentum,
            weight_decay=weight_decay,
            sparsity_target=sparsity_target,
            sparsity_cost=sparsity_cost,
            sample_visible=sample_visible,
            seed=seed,
            dtype=dtype,
        )
        self.name = name
        self.units = units
        self.built = False
        self.chains: Variable | None = None
        self.kind = KINDS[visible]
        self.hidden_kind = KINDS[hidden]
        self.rate = Variable(np.asarray(0.0, dtype), name="learning_rate", role="hyperparameter")
        self.momentum_rate = Variable(np.asarray(momentum, dtype), name="m", role="hyperparameter")
        self.learning_rate = learning_rate
        # How often the other side counts: 2 where a deep Boltzmann machine has another one there.
        self._up = self._down = 1.0
        self._made: dict[str, Any] = {}  # compiled functions and the trainer

    # --- parameters

    @property
    def learning_rate(self) -> float:
        """The step's size."""
        return float(self.rate.get_value())

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        if not 0 < value <= float(np.finfo(self.rate.dtype).max):
            raise ValueError(f"[RBM] expected a positive learning_rate, got {value}")
        self.rate.set_value(value)

    @property
    def momentum(self) -> float:
        """The share of the last change that is added to the next."""
        return float(self.momentum_rate.get_value())

    @momentum.setter
    def momentum(self, value: float) -> None:
        if not 0 <= value < 1:
            raise ValueError(f"[RBM] expected a momentum in [0, 1), got {value}")
        self.momentum_rate.set_value(value)

    def build(self, visible_units: int, visible_bias: npt.ArrayLike | None = None) -> None:
        """Makes the weights, normal with standard deviation 0.01 (Hinton, 2010, section 8).

        Args:
            visible_units: how many visible units there are.
            visible_bias: their first biases; default 0.
        """
        if self.built:
            raise RuntimeError(f"[RBM] {self.name!r} is built already")
        s = self.settings
        shape = (visible_units, self.units)
        kernel = first_value(
            "RBM", "kernel", shape, s.dtype, lambda: s.generator().normal(0.0, 0.01, shape)
        )
        bias = np.zeros(visible_units) if visible_bias is None else np.asarray(visible_bias)
        if bias.shape != (visible_units,):
            raise ValueError(
                f"[RBM] expected a visible_bias of shape ({visible_units},), got {bias.shape}"
            )
        self.kernel = Variable(kernel, name=f"{self.name}/kernel")
        self.visible_bias = Variable(bias.astype(s.dtype), name=f"{self.name}/visible_bias")
        self.hidden_bias = Variable(np.zeros(self.units, s.dtype), name=f"{self.name}/hidden_bias")
        parameters = (self.kernel, self.visible_bias, self.hidden_bias)
        self.velocity = [
            Variable(np.zeros_like(p.get_value()), name=f"{p.name}/velocity", role="state")
            for p in parameters
        ]
        self.activity = Variable(np.zeros(self.units, s.dtype), name="activity", role="state")
        self.built = True

    @property
    def weights(self) -> list[Variable]:
        """Kernel (visible, hidden), visible biases, hidden biases."""
        self._require_built()
        return [self.kernel, self.visible_bias, self.hidden_bias]

    def get_weights(self) -> list[NDArray[Any]]:
        """The values of :attr:`weights`."""
        return [w.get_value() for w in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets them; builds the machine where it is not yet.

        Raises:
            ValueError: for another number of arrays, or other shapes.
        """
        arrays = [np.asarray(w) for w in weights]
        if len(arrays) != 3 or arrays[0].ndim != 2 or arrays[0].shape[1] != self.units:
            raise ValueError(
                f"[RBM] expected a kernel (visible, {self.units}) and the biases of both sides, "
                f"got shapes {[a.shape for a in arrays]}"
            )
        if not self.built:
            self.build(arrays[0].shape[0])
        for variable, array in zip(self.weights, arrays, strict=True):
            variable.set_value(array)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = {**self.settings.as_config(), "momentum": self.momentum}
        return {**config, "learning_rate": self.learning_rate, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RBM:
        """A machine of these settings, without weights."""
        return cls(**config)

    # --- files

    def _kept(self) -> list[Variable]:
        """What training changes."""
        chains = [] if self.chains is None else [self.chains]
        return [*self.weights, *self.velocity, self.activity, *chains] if self.built else []

    def _content(self, tensors: Tensors) -> dict[str, Any]:
        return {
            "config": self.get_config(),
            "clock": self._clock.state(),
            "tensors": tensors.add_variables(self.name, self._kept()),
        }

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        machine = cls.from_config(content["config"])
        machine._restore(content, file)
        return machine

    def _restore(self, content: Mapping[str, Any], file: TensorFile) -> None:
        """Makes the weights that a file has, and sets them."""
        self._clock = Clock.from_state(content["clock"])
        names = content["tensors"]
        if names:
            shapes = [file.type_of(name)[1] for name in names]
            self.build(shapes[0][0])
            if len(names) > len(self._kept()):
                chains = first_value(
                    "RBM", "chains", shapes[-1], self.settings.dtype, lambda: np.zeros(shapes[-1])
                )
                self.chains = Variable(chains, name="chains", role="state")
        set_all(self._kept(), names, file, "RBM")

    # --- the two conditionals, for tensors

    def hidden_field(self, v: Tensor) -> Any:
        """v W + c."""
        product = ops.matmul(v, self.kernel)
        return (self._up * product if self._up != 1 else product) + self.hidden_bias

    def hidden_mean(self, v: Tensor) -> Any:
        """The expectation of the hidden units, given visible ones."""
        return self.hidden_kind.mean(self.hidden_field(v))

    def visible_mean(self, h: Tensor) -> Any:
        """The expectation of the visible units, given hidden ones."""
        product = ops.matmul(h, self.kernel, transpose_b=True)
        return self.kind.mean(
            (self._down * product if self._down != 1 else product) + self.visible_bias
        )

    def draw_hidden(self, v: Tensor) -> Any:
        """Hidden states, given visible ones."""
        return self.hidden_kind.sample(self.hidden_mean(v))

    # --- training

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
        """Trains on rows; a second call goes on.

        Args:
            x: shape (rows, visible units).
            epochs: up to which epoch, counted from ``initial_epoch``.
            batch_size: rows a step; default 100.
            shuffle: a new order in each epoch; default True.
            verbose: "auto" or 1 a progress bar, 2 a line an epoch, 0 silent.
            callbacks: as for :meth:`Model.fit`.
            initial_epoch: the number of the first epoch.

        Returns:
            A History with "reconstruction_error", the mean squared distance of a row to what one
            Gibbs step makes of it (not of persistent chains), and for bernoulli units
            "pseudo_log_likelihood" (see :meth:`pseudo_log_likelihood`).

        Raises:
            ValueError: for data of a wrong shape or range.
            TypeError: for data that are no numbers.
        """
        batch_size = _checks.require_positive("RBM", "batch_size", batch_size)
        x = self._rows(x)
        if not self.built:
            self.build(x.shape[1], self.kind.first_bias(x))
        batch_size = min(batch_size, len(x))
        if self.settings.persistent and self.chains is None:
            shape = (self.settings.chains or batch_size, self.units)
            start = np.zeros(shape, self.settings.dtype)
            self.chains = Variable(start, name="chains", role="state")
        trainer, figures = self._trainer()
        return self._run_epochs(
            trainer,
            [x],
            figures,
            batch_size=batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=shuffle,
            verbose=verbose,
            callbacks=callbacks,
        )

    def _trainer(self) -> tuple[Any, dict[str, Mean]]:
        if "trainer" not in self._made:
            with self._traced():
                self._made["trainer"] = contrastive_trainer(self)
        made: tuple[Any, dict[str, Mean]] = self._made["trainer"]
        return made

    # --- what it has learnt

    def transform(self, x: Any) -> NDArray[Any]:
        """The means of the hidden units, shape (rows, units)."""
        return self._call("transform", x, self.hidden_mean)

    def reconstruct(self, x: Any) -> NDArray[Any]:
        """Visible means, given the hidden means of x: shape (rows, visible units)."""
        return self._call("reconstruct", x, lambda v: self.visible_mean(self.hidden_mean(v)))

    def inverse_transform(self, h: Any) -> NDArray[Any]:
        """Visible means, given hidden values of shape (rows, units)."""
        self._require_built()
        h = _checks.as_array("RBM", "h", h)
        if h.ndim != 2 or h.shape[1] != self.units:
            raise ValueError(f"[RBM] expected h of shape (rows, {self.units}), got {h.shape}")
        if "inverse" not in self._made:
            hidden = graph.placeholder((None, self.units), self.settings.dtype, name="h")
            self._made["inverse"] = graph.function([hidden], self.visible_mean(hidden))
        return np.asarray(self._made["inverse"](h))

    def free_energy(self, x: Any) -> NDArray[Any]:
        """F(v) = -log sum_h exp(-E(v, h)), one value a row; log p(v) = -F(v) - log Z."""
        return self._call("free_energy", x, lambda v: free_energy(self, v))

    def pseudo_log_likelihood(self, x: Any) -> NDArray[Any]:
        """An estimate of log PL(v) = sum_i log p(v_i | all others), one value a row.

        One unit of a row is drawn and flipped: n log sigmoid(F(flipped) - F(v)), which is right
        in the mean (Besag, 1975; as in scikit-learn's ``score_samples``). The data are rounded
        to 0 and 1.

        Raises:
            ValueError: for gaussian units.
        """
        if self.kind.name != "bernoulli":
            raise ValueError("[RBM] pseudo_log_likelihood is defined for bernoulli units")
        return self._call(
            "pseudo_log_likelihood",
            x,
            lambda v: pseudo_log_likelihood(self, ops.round(v)),
        )

    def sample(self, n: int = 1, steps: int = 1000, initial: Any = None) -> NDArray[Any]:
        """Visible means at the end of Gibbs chains.

        Args:
            n: how many chains; default 1.
            steps: of each; default 1000.
            initial: visible states to start from, one row a chain, instead of ``n`` chains that
                start from hidden units at random.

        Returns:
            Shape (n, visible units).
        """
        steps = _checks.require_positive("RBM", "steps", steps)
        if initial is not None:
            return self._call(
                f"sample {steps} from", initial, lambda v: self._walk(self.draw_hidden(v), steps)
            )
        self._require_built()
        n = _checks.require_positive("RBM", "n", n)
        if f"sample {steps}" not in self._made:
            given = graph.placeholder((None, self.units), self.settings.dtype, name="h")
            start = ops.random_bernoulli(given.dims, 0.5, given.dtype)
            self._made[f"sample {steps}"] = graph.function([given], self._walk(start, steps))
        shape = np.zeros((n, self.units), self.settings.dtype)
        return np.asarray(self._made[f"sample {steps}"](shape))

    def _walk(self, h: Tensor, steps: int) -> Any:
        """Visible means after Gibbs steps from hidden states."""

        def step(h: Tensor) -> tuple[Tensor, None]:
            return self.draw_hidden(self.kind.sample(self.visible_mean(h))), None

        if steps > 1:
            h, _ = graph.scan(step, initial_state=h, length=steps - 1)
        return self.visible_mean(h)

    def log_partition(
        self, method: str = "auto", chains: int = 100, betas: Any = None
    ) -> LogPartition:
        """log Z, which turns free energies into likelihoods: log p(v) = -F(v) - log Z.

        Args:
            method: "exact" (all states of the smaller side: at most 25 units), "ais" (annealed
                importance sampling: Salakhutdinov and Murray, 2008, "On the Quantitative
                Analysis of Deep Belief Networks"), or "auto": exact up to 20 units.
            chains: of annealed importance sampling; default 100.
            betas: its inverse temperatures, rising from 0 to 1; default: 500 up to 0.5, 4000 up
                to 0.9 and 10000 up to 1, as in the paper.

        Returns:
            A LogPartition: ``value``, and the interval of three standard deviations around the
            mean of the weights, ``low`` and ``high``.

        Raises:
            ValueError: for another method, or a machine too large for "exact".
        """
        self._require_built()
        return log_partition(self, method, chains, betas)

    def log_likelihood(self, x: Any, log_z: float | None = None) -> NDArray[Any]:
        """log p(v) in nats, one value a row.

        Args:
            x: shape (rows, visible units).
            log_z: from :meth:`log_partition`; default: found here.
        """
        if log_z is None:
            log_z = self.log_partition().value
        return -self.free_energy(x).astype(np.float64) - log_z

    # --- inside

    def _require_built(self) -> None:
        if not self.built:
            raise RuntimeError(f"[RBM] {self.name!r} has no weights yet: call fit() or build()")

    def _rows(self, x: Any) -> NDArray[Any]:
        """Data of the right shape, finite and within what the visible units can be."""
        array = _checks.as_array("RBM", "x", x)
        if array.ndim > 2:
            array = array.reshape(len(array), -1)
        if self.built:
            array = _checks.require_shape("RBM", "x", array, (self.kernel.shape[0],))
        elif array.ndim != 2:
            raise ValueError(f"[RBM] expected x of shape (rows, units), got {array.shape}")
        if len(array) == 0:
            raise ValueError("[RBM] expected at least one row, got none")
        _checks.require_finite("RBM", "x", array)
        self.kind.check("RBM", array)
        return array

    def _call(self, name: str, x: Any, describe: Callable[[Tensor], Tensor]) -> NDArray[Any]:
        """A function of visible rows, compiled at its first call."""
        self._require_built()
        rows = self._rows(x)
        if name not in self._made:
            v = graph.placeholder((None, self.kernel.shape[0]), self.settings.dtype, name="x")
            self._made[name] = graph.function([v], describe(v))
        return np.asarray(self._made[name](rows.astype(self.settings.dtype, copy=False)))
