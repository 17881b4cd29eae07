"""fit, evaluate and predict: epochs and callbacks around the compiled passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _random as random
from fastnn.callbacks import CallbackList, History, ProgbarLogger
from fastnn.layers._nest import pack_like
from fastnn.models import _checks
from fastnn.models._adapters import (
    Batches,
    Columns,
    MappedBatches,
    is_batches,
    split_batch,
    train_rows,
)
from fastnn.models._engine import Signature, Step

if TYPE_CHECKING:
    from fastnn.models._model import Model

_TICK = 0.05
_ALL = 1 << 62


@dataclass
class FitOptions:
    """The arguments of fit; see :meth:`Model.fit`."""

    batch_size: int | None
    epochs: int
    verbose: str | int
    callbacks: Any
    validation_split: float
    validation_data: Any
    shuffle: bool
    class_weight: Mapping[int, float] | None
    sample_weight: Any
    initial_epoch: int
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: int | Sequence[int]
    check_finite: bool


class Pass:
    """One way through data: in memory, mapped from a file, or as batches.

    Args:
        model: the model.
        training: whether the variables are updated.
        batch_size: rows a step.
        steps: of a pass, None for all.
        shuffle: whether the order is random.
        check_finite: whether batches that are read late are looked at.
    """

    def __init__(
        self,
        model: Model,
        training: bool,
        batch_size: int,
        steps: int | None,
        shuffle: bool,
        check_finite: bool,
    ) -> None:
        self.model = model
        self.training = training
        self.batch_size = batch_size
        self.limit = steps
        self.shuffle = shuffle
        self.check_finite = check_finite
        self.phase = "train" if training else "test"

    @property
    def steps(self) -> int | None:
        """How many steps a pass has, where it is known."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Compiles what can be compiled before the first step."""

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass.

        Args:
            number: of the pass, for the order.
            callbacks: told of batches and progress.
        """
        raise NotImplementedError

    def _logs(self) -> dict[str, Any]:
        objective = self.model._objective
        return {} if objective is None else objective.results()

    def _stopped(self) -> bool:
        return self.training and self.model.stop_training


class MemoryPass(Pass):
    """Arrays in memory: whole epochs in C++.

    Args:
        signature: of the model's inputs.
        columns: the data.
        *args: as for :class:`Pass`.
        **kwargs: as for :class:`Pass`.
    """

    def __init__(self, signature: Signature, columns: Columns, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.signature = signature
        self.columns = columns
        self.arrays = columns.arrays
        self._step: Step | None = None

    @property
    def steps(self) -> int:
        """How many steps a pass has."""
        return self.limit or -(-self.columns.rows // self.batch_size)

    def prepare(self) -> None:
        """Compiles the pass."""
        engine = self.model._engine
        self._step = engine.step(self.signature, self.columns, self.training)

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass; see :class:`Pass`."""
        assert self._step is not None
        trainer = self._step.trainer
        done, total = 0, self.steps
        while done < total and not self._stopped():
            seed = random.current_seed()
            trainer.begin(self.arrays, self.batch_size, self.shuffle, seed)
            try:
                done = self._run_rows(trainer, done, total, callbacks)
            finally:
                trainer.end()

    def _run_rows(self, trainer: Any, done: int, total: int, callbacks: CallbackList) -> int:
        """Runs until the rows are used up, the steps are done, or a callback stops it."""
        if callbacks.needs_batches(self.phase):
            return self._run_singly(trainer, done, total, callbacks)
        while done < total:
            ran = trainer.run(total - done, _TICK)
            done += ran
            if ran == 0:
                break
            if callbacks.shows_progress and done < total:
                callbacks.progress(done, self._logs())
        return done

    def _run_singly(self, trainer: Any, done: int, total: int, callbacks: CallbackList) -> int:
        while done < total:
            callbacks.batch_begin(self.phase, done)
            if trainer.run(1, _TICK) == 0:
                break
            done += 1
            logs = self._logs()
            callbacks.batch_end(self.phase, done - 1, logs)
            callbacks.progress(done, logs)
            if self._stopped():
                break
        return done


class BatchPass(Pass):
    """Batches that come one at a time: each is checked, then run.

    Args:
        source: gives (signature, columns) of each batch of an epoch.
        count: how many batches a pass has, where known.
        *args: as for :class:`Pass`.
        **kwargs: as for :class:`Pass`.
    """

    def __init__(
        self,
        source: Callable[[int], Iterator[tuple[Signature, Columns]]],
        count: int | None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._source = source
        self._count = count

    @property
    def steps(self) -> int | None:
        """How many steps a pass has, where it is known."""
        return self.limit or self._count

    def run(self, number: int, callbacks: CallbackList) -> None:
        """Runs one pass; see :class:`Pass`."""
        engine = self.model._engine
        for done, (signature, columns) in enumerate(self._source(number)):
            if callbacks.needs_batches(self.phase):
                callbacks.batch_begin(self.phase, done)
            engine.step(signature, columns, self.training).trainer.run_batch(
                columns.arrays, random.current_seed()
            )
            if callbacks.needs_batches(self.phase) or callbacks.shows_progress:
                logs = self._logs()
                callbacks.batch_end(self.phase, done, logs)
                callbacks.progress(done + 1, logs)
            if self._stopped():
                break
        self._count = self._count or done + 1


def make_pass(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    training: bool,
    batch_size: int | None,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    """The way through data of whatever form; checks all that is in memory.

    Raises:
        ValueError: for data of a wrong shape, length or content.
        TypeError: for data that are no numbers.
    """
    owner = type(model).__name__
    if steps is not None:
        steps = _checks.require_positive(owner, "steps", steps)
    if is_batches(x):
        if y is not None or sample_weight is not None:
            raise ValueError(
                f"[{owner}] expected y and sample_weight inside the batches of x: (x, y) or "
                "(x, y, sample_weight)"
            )
        if batch_size is not None:
            raise ValueError(f"[{owner}] batch_size is that of the batches: leave it out")
        return _batch_pass(model, x, class_weight, training, steps, shuffle, check_finite)
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    signature, columns = model._engine.columns(x, y, sample_weight, class_weight, check_finite)
    return columns_pass(model, signature, columns, training, size, steps, shuffle, check_finite)


def columns_pass(
    model: Model,
    signature: Signature,
    columns: Columns,
    training: bool,
    batch_size: int,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    """The way through arrays that have been checked."""
    settings = (model, training, batch_size, steps, shuffle, check_finite)
    if not columns.is_mapped:
        return MemoryPass(signature, columns, *settings)
    mapped = MappedBatches(columns, batch_size)
    owner = type(model).__name__

    def batches(number: int) -> Iterator[tuple[Signature, Columns]]:
        seed = [random.current_seed(), number]
        generator = np.random.default_rng(seed) if shuffle else None
        for done, batch in enumerate(mapped.one_epoch(generator)):
            if steps is not None and done >= steps:
                return
            if check_finite:
                for array in batch.arrays:
                    _checks.require_finite(owner, "the data", array)
            yield signature, batch

    return BatchPass(batches, mapped.steps, *settings)


def _batch_pass(
    model: Model,
    x: Any,
    class_weight: Mapping[int, float] | None,
    training: bool,
    steps: int | None,
    shuffle: bool,
    check_finite: bool,
) -> Pass:
    source = Batches(x, type(model).__name__)

    def batches(number: int) -> Iterator[tuple[Signature, Columns]]:
        generator = np.random.default_rng([random.current_seed(), number])
        permute = generator.permutation if training and shuffle else None
        for batch in source.one_epoch(steps, permute):
            part_x, part_y, part_w = split_batch(batch)
            yield model._engine.columns(part_x, part_y, part_w, class_weight, check_finite)
        source.end_epoch()

    return BatchPass(batches, source.steps, model, training, 0, steps, shuffle, check_finite)


# --- fit


def fit(model: Model, x: Any, y: Any, options: FitOptions) -> History:
    """See :meth:`Model.fit`."""
    owner = type(model).__name__
    model._engine.enter_training("fit")
    try:
        _require_compiled(model, "fit")
        options.epochs = _checks.require_positive(owner, "epochs", options.epochs)
        training, validation = _passes(model, x, y, options)
        training.prepare()
        verbose = _verbosity(owner, options.verbose)
        callbacks, history = _with_history(model, options, verbose, training.steps)
        model.stop_training = False
        _run_epochs(model, options, training, validation, callbacks)
        return history
    finally:
        model._engine.leave_training()


def _passes(model: Model, x: Any, y: Any, options: FitOptions) -> tuple[Pass, Pass | None]:
    """The way through the training data, and that through the validation data."""
    owner = type(model).__name__
    training = make_pass(
        model,
        x,
        y,
        options.sample_weight,
        options.class_weight,
        True,
        options.batch_size,
        options.steps_per_epoch,
        options.shuffle,
        options.check_finite,
    )
    size = options.validation_batch_size or options.batch_size
    if options.validation_data is not None:
        val_x, val_y, val_w = _validation_parts(owner, options.validation_data)
        size = None if is_batches(val_x) else size
        steps, finite = options.validation_steps, options.check_finite
        return training, make_pass(
            model, val_x, val_y, val_w, None, False, size, steps, False, finite
        )
    if not options.validation_split:
        return training, None
    if not isinstance(training, MemoryPass):
        raise ValueError(f"[{owner}] validation_split needs arrays in memory: give validation_data")
    columns, signature = training.columns, training.signature
    kept = train_rows(owner, columns.rows, options.validation_split)
    limits = (options.steps_per_epoch, options.validation_steps)
    parts = (columns.slice(0, kept), columns.slice(kept, columns.rows))
    first = columns_pass(
        model, signature, parts[0], True, training.batch_size, limits[0], options.shuffle, False
    )
    validated = Columns(parts[1].template, parts[1].x, parts[1].y, parts[1].weights)
    second = columns_pass(model, signature, validated, False, size or 32, limits[1], False, False)
    return first, second


def _validation_parts(owner: str, data: Any) -> tuple[Any, Any, Any]:
    if is_batches(data):
        return data, None, None
    if isinstance(data, (tuple, list)) and len(data) in (2, 3):
        x, y, weight = split_batch(data)
        return x, y, weight
    raise ValueError(
        f"[{owner}] expected validation_data as (x, y) or (x, y, sample_weight), got "
        f"{type(data).__name__}"
        + (f" of length {len(data)}" if isinstance(data, (tuple, list)) else "")
    )


def _with_history(
    model: Model, options: FitOptions, verbose: int, steps: int | None
) -> tuple[CallbackList, History]:
    """The callbacks of a fit: the user's, then the progress bar and the History, as in Keras.

    Those behind see what those before have put into the logs.
    """
    given = CallbackList(options.callbacks).callbacks
    histories = [callback for callback in given if isinstance(callback, History)]
    history = histories[-1] if histories else History()
    chosen = [*given]
    if verbose and not any(isinstance(callback, ProgbarLogger) for callback in given):
        chosen.append(ProgbarLogger())
    if not histories:
        chosen.append(history)
    params = {"verbose": verbose, "epochs": options.epochs, "steps": steps}
    history.history = {}
    model.history = history
    return CallbackList(chosen, model, params), history


def _run_epochs(
    model: Model,
    options: FitOptions,
    training: Pass,
    validation: Pass | None,
    callbacks: CallbackList,
) -> None:
    callbacks.begin("train")
    logs: dict[str, Any] = {}
    for epoch in range(options.initial_epoch, options.epochs):
        if model._objective is not None:
            model._objective.reset()
        callbacks.epoch_begin(epoch)
        training.run(epoch, callbacks)
        callbacks.params["steps"] = training.steps
        logs = _sorted(training._logs())
        if validation is not None and _validates(options, epoch):
            measured = _measure(model, validation, callbacks)
            logs.update({f"val_{name}": value for name, value in _sorted(measured).items()})
        callbacks.epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.end("train", logs)


def _sorted(logs: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(logs.items()))


def _validates(options: FitOptions, epoch: int) -> bool:
    frequency = options.validation_freq
    if isinstance(frequency, int):
        return (epoch + 1) % frequency == 0
    return epoch + 1 in frequency


def _measure(model: Model, way: Pass, callbacks: CallbackList) -> dict[str, Any]:
    """Loss and metrics of one pass without updates."""
    way.prepare()
    callbacks.begin("test")
    if model._objective is not None:
        model._objective.reset()
    way.run(0, callbacks)
    logs = way._logs()
    callbacks.end("test", logs)
    return logs


# --- evaluate and predict


def evaluate(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any,
    batch_size: int | None,
    steps: int | None,
    verbose: str | int,
    callbacks: Any,
    check_finite: bool,
) -> dict[str, Any]:
    """See :meth:`Model.evaluate`; returns the figures by name."""
    owner = type(model).__name__
    _require_compiled(model, "evaluate")
    way = make_pass(model, x, y, sample_weight, None, False, batch_size, steps, False, check_finite)
    return _measure(model, way, _plain_callbacks(model, owner, callbacks, verbose, way.steps))


def _plain_callbacks(
    model: Model, owner: str, callbacks: Any, verbose: str | int, steps: int | None
) -> CallbackList:
    level = _verbosity(owner, verbose)
    given = CallbackList(callbacks).callbacks
    if level and not any(isinstance(callback, ProgbarLogger) for callback in given):
        given = [*given, ProgbarLogger()]
    return CallbackList(given, model, {"verbose": level, "epochs": 1, "steps": steps})


def predict(
    model: Model,
    x: Any,
    batch_size: int | None,
    steps: int | None,
    verbose: str | int,
    callbacks: Any,
    check_finite: bool,
) -> Any:
    """See :meth:`Model.predict`."""
    owner = type(model).__name__
    engine = model._engine
    if is_batches(x):
        if batch_size is not None:
            raise ValueError(f"[{owner}] batch_size is that of the batches: leave it out")
        source = Batches(x, owner)
        pieces = (
            engine.columns(split_batch(batch)[0], targets=False, check_finite=check_finite)
            for batch in source.one_epoch(steps)
        )
        count = steps or source.steps
    else:
        size = _checks.require_positive(owner, "batch_size", batch_size or 32)
        if batch_size is not None:
            _checks.require_positive(owner, "batch_size", batch_size)
        signature, columns = engine.columns(x, targets=False, check_finite=check_finite)
        count = min(steps or _ALL, -(-columns.rows // size))
        if not CallbackList(callbacks).needs_batches("predict"):
            return _predict_rows(
                model, signature, columns.slice(0, count * size), size, count, verbose, callbacks
            )
        pieces = ((signature, columns.slice(i * size, (i + 1) * size)) for i in range(count))
    return _predict_pieces(model, pieces, count, verbose, callbacks)


def _predict_pieces(
    model: Model, pieces: Any, count: int | None, verbose: str | int, callbacks: Any
) -> Any:
    """Predictions batch by batch, for generators and for callbacks that look at batches."""
    hooks = _plain_callbacks(model, type(model).__name__, callbacks, verbose, count)
    hooks.begin("predict")
    parts: list[list[NDArray[Any]]] = []
    template: Any = None
    for number, (signature, columns) in enumerate(pieces):
        hooks.batch_begin("predict", number)
        outputs = list(signature.predictor(columns.arrays))
        template = signature.output_template
        parts.append(outputs)
        hooks.batch_end("predict", number, {"outputs": pack_like(template, outputs)})
        hooks.progress(number + 1, {})
    hooks.end("predict")
    joined = [np.concatenate(group) for group in zip(*parts, strict=True)]
    return pack_like(template, joined)


def _predict_rows(
    model: Model,
    signature: Signature,
    columns: Columns,
    batch_size: int,
    steps: int,
    verbose: str | int,
    callbacks: Any,
) -> Any:
    """Predictions of arrays in memory: batches run in C++, with a look at signals in between."""
    hooks = _plain_callbacks(model, type(model).__name__, callbacks, verbose, steps)
    hooks.begin("predict")
    outputs = signature.predictor.run(columns.arrays, batch_size)
    hooks.progress(steps, {})
    hooks.end("predict")
    return pack_like(signature.output_template, list(outputs))


def train_on_batch(
    model: Model,
    x: Any,
    y: Any,
    sample_weight: Any,
    class_weight: Mapping[int, float] | None,
    check_finite: bool,
) -> dict[str, Any]:
    """See :meth:`Model.train_on_batch`; returns the figures by name."""
    _require_compiled(model, "train_on_batch")
    engine = model._engine
    engine.enter_training("train_on_batch")
    try:
        signature, columns = engine.columns(x, y, sample_weight, class_weight, check_finite)
        engine.step(signature, columns, True).trainer.run_batch(
            columns.arrays, random.current_seed()
        )
        assert model._objective is not None
        return model._objective.results()
    finally:
        engine.leave_training()


def test_on_batch(
    model: Model, x: Any, y: Any, sample_weight: Any, check_finite: bool
) -> dict[str, Any]:
    """See :meth:`Model.test_on_batch`; returns the figures by name."""
    _require_compiled(model, "test_on_batch")
    engine = model._engine
    signature, columns = engine.columns(x, y, sample_weight, None, check_finite)
    engine.step(signature, columns, False).trainer.run_batch(columns.arrays, random.current_seed())
    assert model._objective is not None
    return model._objective.results()


def _require_compiled(model: Model, what: str) -> None:
    if not model.compiled:
        raise RuntimeError(
            f"[{type(model).__name__}] {model.name!r} is not compiled: call compile() with an "
            f"optimizer and a loss before {what}()"
        )


def _verbosity(owner: str, verbose: str | int) -> int:
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"[{owner}] expected verbose 'auto', 0, 1 or 2, got {verbose!r}")
    return int(verbose)
