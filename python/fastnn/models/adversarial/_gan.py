"""Generative adversarial networks: a generator and a discriminator, trained in one program."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _registry as registry
from fastnn import graph, ops
from fastnn import optimizers as optimizers_
from fastnn._tensor import Tensor, Variable
from fastnn.callbacks import Callback, CallbackList, History
from fastnn.layers import _scope
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._describe import architecture, model_from
from fastnn.models._epochs import EpochModel, Mean, make_trainer
from fastnn.models._programs import Section, lay_side_by_side
from fastnn.models._state import Tensors, collect_optimizer, restore_optimizer, set_all
from fastnn.models.adversarial._games import (
    LeastSquares,
    NonSaturating,
    Wasserstein,
    gradient_penalty,
    scores,
)

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile

_SIDES = ("generator", "discriminator")


class GAN(EpochModel):
    """Two models against each other: one makes rows from noise, the other tells them from real.

    A training step updates the discriminator on real and made rows, then the generator against
    the new discriminator, in one compiled program. With two inputs on each side it is conditional:
    the generator takes (noise, condition), the discriminator (rows, condition).

    Args:
        generator: a built model from noise of shape (rows, noise size) to rows.
        discriminator: a built model from rows to one score a row; a final sigmoid is allowed with
            the non-saturating loss only.
        loss: "non_saturating" (Goodfellow et al., 2014), "least_squares" (Mao et al., 2017) or
            "wasserstein" (Arjovsky et al., 2017).
        gradient_penalty: the weight of the penalty on the discriminator's slope (Gulrajani et al.,
            2017); default 10 for "wasserstein", else 0.
        critics: discriminator's updates for one of the generator; default 5 for "wasserstein",
            else 1.
        label_smoothing: of real rows, for "non_saturating"; default 0.
        name: default "gan".

    Raises:
        ValueError: for settings or models that do not fit together.

    Example:
        >>> import numpy as np
        >>> from fastnn import Sequential
        >>> from fastnn.layers import Dense, Input
        >>> generator = Sequential([Input((2,)), Dense(8, "relu"), Dense(1)])
        >>> discriminator = Sequential([Input((1,)), Dense(8, "relu"), Dense(1)])
        >>> gan = GAN(generator, discriminator)
        >>> gan.compile("adam", "adam")
        >>> history = gan.fit(np.random.normal(size=(64, 1)), epochs=1, batch_size=16, verbose=0)
        >>> gan.generate(5).shape
        (5, 1)
    """

    def __init__(
        self,
        generator: Any,
        discriminator: Any,
        loss: str = "non_saturating",
        gradient_penalty: float | None = None,
        critics: int | None = None,
        label_smoothing: float = 0.0,
        name: str = "gan",
    ) -> None:
        super().__init__()
        games: dict[str, Any] = {
            "non_saturating": NonSaturating(label_smoothing),
            "least_squares": LeastSquares(),
            "wasserstein": Wasserstein(),
        }
        if loss not in games:
            raise ValueError(f"[GAN] expected the loss {', '.join(map(repr, games))}, got {loss!r}")
        if label_smoothing and loss != "non_saturating":
            raise ValueError("[GAN] label_smoothing belongs to the loss 'non_saturating'")
        self.loss, self.label_smoothing = loss, label_smoothing
        self._game: Any = games[loss]
        default_penalty = 10.0 if loss == "wasserstein" else 0.0
        self.gradient_penalty = default_penalty if gradient_penalty is None else gradient_penalty
        self.critics = _checks.require_positive(
            "GAN", "critics", self._game.critics if critics is None else critics
        )
        self.generator, self.discriminator, self.name = generator, discriminator, name
        self.conditional = len(_inputs(generator)) == 2
        self._check_models()
        self._made: dict[str, Any] = {}
        self.compiled = False

    def _check_models(self) -> None:
        for side, model in (("generator", self.generator), ("discriminator", self.discriminator)):
            if len(_inputs(model)) != (2 if self.conditional else 1) or len(model.outputs) != 1:
                raise ValueError(
                    f"[GAN] expected a {side} of one output and one input, or of two inputs on "
                    f"both sides, got {len(_inputs(model))} and {len(model.outputs)}"
                )
        made = self.generator.outputs[0].shape[1:]
        judged = _inputs(self.discriminator)[0].shape[1:]
        if tuple(made) != tuple(judged):
            raise ValueError(
                f"[GAN] the generator makes rows of shape {made}, the discriminator takes {judged}"
            )
        if len(_inputs(self.generator)[0].shape) != 2:
            raise ValueError(
                "[GAN] expected a generator of noise of shape (rows, noise size), got an input of "
                f"shape {_inputs(self.generator)[0].shape}"
            )
        shape = self.discriminator.outputs[0].shape
        if len(shape) != 2 or shape[1] != 1:
            raise ValueError(f"[GAN] expected a discriminator of shape (rows, 1), got {shape}")

    @property
    def noise_size(self) -> int:
        """How many numbers the generator makes a row from."""
        return int(_inputs(self.generator)[0].shape[1])

    def compile(
        self, generator_optimizer: Any = "adam", discriminator_optimizer: Any = "adam"
    ) -> None:
        """Sets the optimizers.

        Args:
            generator_optimizer: a name or an optimizer; each side has its own.
            discriminator_optimizer: likewise.

        Raises:
            ValueError: if both are one object, or accumulate gradients.
        """
        self.generator_optimizer = optimizers_.get(generator_optimizer)
        self.discriminator_optimizer = optimizers_.get(discriminator_optimizer)
        if self.generator_optimizer is self.discriminator_optimizer:
            raise ValueError("[GAN] expected two optimizers: each side has moments of its own")
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            if optimizer.gradient_accumulation_steps:
                raise ValueError("[GAN] gradient_accumulation_steps is not for adversarial steps")
        self._made.pop("trainer", None)
        self.compiled = True

    # --- files

    @property
    def weights(self) -> list[Variable]:
        """Those of the generator, then those of the discriminator."""
        return [*self.generator.weights, *self.discriminator.weights]

    def _content(self, tensors: Tensors) -> dict[str, Any]:
        names = ("loss", "gradient_penalty", "critics", "label_smoothing", "name")
        content: dict[str, Any] = {
            "config": {name: getattr(self, name) for name in names},
            "clock": self._clock.state(),
            "compiled": self.compiled,
        }
        for side in _SIDES:
            model = getattr(self, side)
            content[side] = {"model": architecture(model), "weights": tensors.add_weights(model)}
            if self.compiled:
                optimizer = getattr(self, f"{side}_optimizer")
                content[side]["optimizer"] = registry.serialize(optimizer)
                content[side]["state"] = collect_optimizer(model, tensors, optimizer)
        return content

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        models = [model_from(content[side]["model"]) for side in _SIDES]
        gan = cls(*models, **content["config"])
        gan._clock = Clock.from_state(content["clock"])
        for side, model in zip(_SIDES, models, strict=True):
            set_all(model.weights, content[side]["weights"], file, "GAN")
        if content["compiled"]:
            gan.compile(*(content[side]["optimizer"] for side in _SIDES))
            for model, side in zip(models, _SIDES, strict=True):
                optimizer = getattr(gan, f"{side}_optimizer")
                restore_optimizer(model, content[side]["state"], file, optimizer)
        return gan

    # --- training

    def fit(
        self,
        x: Any,
        y: Any = None,
        epochs: int = 1,
        batch_size: int = 128,
        shuffle: bool = True,
        verbose: str | int = "auto",
        callbacks: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Plays the game over rows.

        Args:
            x: real rows.
            y: their conditions, where the models take some.
            epochs: up to which epoch, counted from ``initial_epoch``.
            batch_size: rows a step; default 128.
            shuffle: a new order in each epoch; default True.
            verbose: as for :meth:`Model.fit`.
            callbacks: as for :meth:`Model.fit`.
            initial_epoch: the number of the first epoch.

        Returns:
            A History with the losses of both sides, their mean scores ("real_score",
            "fake_score"), and "fake_spread": the standard deviation within a batch of made rows
            over that of real ones. A warning tells when one side has collapsed.

        Raises:
            RuntimeError: before compile().
            ValueError: for data of a wrong shape or content.
            TypeError: for data that are no numbers.
        """
        if not self.compiled:
            raise RuntimeError("[GAN] is not compiled: call compile() before fit()")
        batch_size = _checks.require_positive("GAN", "batch_size", batch_size)
        arrays = self._arrays(x, y)
        if "trainer" not in self._made:
            with self._traced():
                self._made["trainer"] = self._trace()
        trainer, figures = self._made["trainer"]
        return self._run_epochs(
            trainer,
            arrays,
            figures,
            batch_size=min(batch_size, len(arrays[0])),
            epochs=epochs,
            initial_epoch=initial_epoch,
            shuffle=shuffle,
            verbose=verbose,
            callbacks=[_Watch(), *CallbackList(callbacks).callbacks],
        )

    def _arrays(self, x: Any, y: Any) -> list[NDArray[Any]]:
        if (y is not None) != self.conditional:
            raise ValueError(
                "[GAN] expected y for models of two inputs, and for no others: these have "
                f"{2 if self.conditional else 1}"
            )
        names = ["x"] if y is None else ["x", "y"]
        inputs = _inputs(self.discriminator)
        arrays = []
        for name, value, tensor in zip(names, (x, y), inputs, strict=False):
            array = _checks.as_array("GAN", name, value)
            array = _checks.require_shape("GAN", name, array, tuple(tensor.shape[1:]))
            _checks.require_finite("GAN", name, array)
            arrays.append(array)
        _checks.require_rows("GAN", list(zip(names, arrays, strict=True)))
        return arrays

    def _trace(self) -> tuple[Any, dict[str, Mean]]:
        """The program of a step, section by section: each sees what those before have written."""
        inputs = [
            graph.placeholder(("batch", *tensor.shape[1:]), tensor.dtype, name=name)
            for name, tensor in zip("xy", _inputs(self.discriminator), strict=False)
        ]
        real, condition = inputs[0], inputs[1:]
        sections: list[Section] = [("step", [], [])]

        fake, state_g = self._apply(self.generator, [self._noise(real), *condition])
        score_real, state_real = self._apply(self.discriminator, [real, *condition])
        score_fake, state_fake = self._apply(self.discriminator, [fake, *condition])
        cost = self._game.discriminator(score_real, score_fake)
        if self.gradient_penalty:
            cost = cost + self.gradient_penalty * gradient_penalty(
                lambda rows: self._apply(self.discriminator, [rows, *condition])[0], real, fake
            )
        anew = self._apply(self.generator, [self._noise(real), *condition])[0]
        against = self._apply(self.discriminator, [anew, *condition])[0]
        figures, measured = _figures(real, fake, score_real, score_fake, cost)
        sections += [("metrics", [], [*measured, *state_real]), ("fake state", [], state_fake)]
        sections += self._update("discriminator", cost, real)
        generator_cost = self._game.generator(against)
        loss = Mean("generator_loss")
        figures["generator_loss"] = loss
        added = loss.updates(ops.cast(generator_cost, "float64"), ops.full((), 1.0, "float64"))
        sections += [("generator metrics", [], [*added, *state_g])]
        sections += self._update("generator", generator_cost, real)
        every = {name: self.critics for name, _, _ in sections if name.startswith("generator")}
        return make_trainer(inputs, sections, every), figures

    def _update(self, side: str, cost: Tensor, like: Tensor) -> list[Section]:
        model = getattr(self, side)
        optimizer = getattr(self, f"{side}_optimizer")
        variables = model.trainable_weights
        if not variables:
            raise ValueError(f"[GAN] the {side} has no trainable weights")
        optimizer.build(variables)
        lay_side_by_side(variables, optimizer)
        plan = optimizer.updates(graph.grad(cost, variables), variables)
        return [
            (f"{side} update", [], list(plan.update_effects)),
            (f"{side} after", [], list(plan.post_updates)),
        ]

    def _noise(self, like: Tensor) -> Tensor:
        dtype = _inputs(self.generator)[0].dtype
        return ops.random_normal((like.dims[0], self.noise_size), 0.0, 1.0, dtype)

    def _apply(self, model: Any, inputs: list[Tensor]) -> tuple[Tensor, list[Any]]:
        """A model in training on tensors, and the updates of its layers' state."""
        with _scope.tracing(True) as scope:
            outputs = model(inputs if len(inputs) > 1 else inputs[0])
        if model is self.discriminator:
            outputs = scores(outputs, self._game, "GAN")
        return outputs, scope.updates

    # --- use

    def generate(self, n: int = 1, y: Any = None, noise: Any = None) -> NDArray[Any]:
        """Rows made by the generator.

        Args:
            n: how many; with ``y`` or ``noise``, as many as these have rows.
            y: conditions, where the models take some.
            noise: shape (rows, noise size); default: standard normal.

        Returns:
            Shape (n, ...).
        """
        if (y is not None) != self.conditional:
            raise ValueError("[GAN] expected y for models of two inputs, and for no others")
        if noise is None:
            n = _checks.require_positive("GAN", "n", n if y is None else len(y))
            noise = self._draw(n)
        inputs = [np.asarray(noise)] if y is None else [np.asarray(noise), np.asarray(y)]
        return np.asarray(self.generator.predict_on_batch(inputs if y is not None else inputs[0]))

    def _draw(self, n: int) -> NDArray[Any]:
        if "noise" not in self._made:
            rows = graph.placeholder(("rows",), "float32")
            shape = (rows.dims[0], self.noise_size)
            dtype = _inputs(self.generator)[0].dtype
            noise = ops.random_normal(shape, 0.0, 1.0, dtype)
            self._made["noise"] = graph.function([rows], noise)
        return np.asarray(self._made["noise"](np.zeros(n, np.float32)))


def _inputs(model: Any) -> list[Any]:
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ValueError(
            f"[GAN] expected models that are built, with an Input: {type(model).__name__} "
            f"{getattr(model, 'name', '')!r} is not"
        )
    return list(inputs)


def _figures(
    real: Tensor, fake: Tensor, score_real: Tensor, score_fake: Tensor, cost: Tensor
) -> tuple[dict[str, Mean], list[Any]]:
    values = {
        "discriminator_loss": cost,
        "real_score": ops.mean(score_real),
        "fake_score": ops.mean(score_fake),
        "fake_spread": _spread(fake) / (_spread(ops.cast(real, fake.dtype)) + 1e-12),
    }
    one = ops.full((), 1.0, "float64")
    figures = {name: Mean(name) for name in values}
    measured: list[Any] = []
    for name, value in values.items():
        measured += figures[name].updates(ops.cast(value, "float64"), one)
    return figures, measured


def _spread(rows: Tensor) -> Any:
    """The root of the mean variance within a batch."""
    centred = rows - ops.mean(rows, axis=0, keepdims=True)
    return ops.sqrt(ops.mean(ops.square(centred)))


class _Watch(Callback):
    """Warns once for each side that has collapsed, at the end of an epoch."""

    _SPREAD = 0.05
    _LEAD = 10.0

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Looks at the figures of the epoch."""
        logs = logs or {}
        if logs["fake_spread"] < self._SPREAD:
            self._tell(
                f"[GAN] epoch {epoch + 1}: the generator has collapsed: what it makes varies "
                f"{logs['fake_spread']:.3f} times as much as the data"
            )
        if logs["real_score"] - logs["fake_score"] > self._LEAD and "wasserstein" not in str(
            getattr(getattr(self.model, "_game", None), "name", "")
        ):
            self._tell(
                f"[GAN] epoch {epoch + 1}: the discriminator has won: its scores of real and made "
                f"rows are {logs['real_score'] - logs['fake_score']:.1f} apart, which leaves the "
                "generator without a gradient"
            )

    def _tell(self, message: str) -> None:
        kind = message.split(":")[1]
        if kind not in self._told:
            self._told.add(kind)
            warnings.warn(message, UserWarning, stacklevel=2)
