"""fit and evaluate: epochs and callbacks around the compiled passes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastnn import _random as random
from fastnn.callbacks import CallbackList, History, ProgbarLogger
from fastnn.models import _checks
from fastnn.models._batches import is_batches, split_batch
from fastnn.models._columns import train_rows
from fastnn.models._passes import MemoryPass, Pass, columns_pass, make_pass
from fastnn.models._plan import Plan, from_program
from fastnn.models._profile import Profile, from_timings

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable


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


def fit(model: Trainable, x: Any, y: Any, options: FitOptions) -> History:
    """See :meth:`Model.fit`."""
    owner = type(model).__name__
    model._engine.enter_training("fit")
    try:
        _require_compiled(model, "fit")
        options.epochs = _checks.require_positive(owner, "epochs", options.epochs)
        if isinstance(options.validation_freq, int):
            _checks.require_positive(owner, "validation_freq", options.validation_freq)
        training, validation = _passes(model, x, y, options)
        training.prepare()
        if validation is not None:
            validation.prepare()
        verbose = verbosity(owner, options.verbose)
        callbacks, history = _with_history(model, options, verbose, training.steps)
        model.stop_training = False
        _run_epochs(model, options, training, validation, callbacks)
        return history
    finally:
        model._engine.leave_training()


def _passes(model: Trainable, x: Any, y: Any, options: FitOptions) -> tuple[Pass, Pass | None]:
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
    unweighed = columns
    if options.class_weight is not None:  # classes are weighed in training only
        weight = options.sample_weight
        unweighed = model._engine.columns(x, y, weight, check_finite=False)[1]
    first = columns_pass(
        model,
        signature,
        columns.slice(0, kept),
        True,
        training.batch_size,
        options.steps_per_epoch,
        options.shuffle,
        False,
    )
    rest = unweighed.slice(kept, columns.rows)
    steps = options.validation_steps
    second = columns_pass(model, signature, rest, False, size or 32, steps, False, False)
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
    model: Trainable, options: FitOptions, verbose: int, steps: int | None
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
    model: Trainable,
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


def _measure(model: Trainable, way: Pass, callbacks: CallbackList) -> dict[str, Any]:
    """Loss and metrics of one pass without updates."""
    with model._engine.measuring:
        way.prepare()
        callbacks.begin("test")
        if model._objective is not None:
            model._objective.reset()
        way.run(0, callbacks)
        logs = way._logs()
        callbacks.end("test", logs)
        return logs


def evaluate(
    model: Trainable,
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
    model._engine.refuse_in_training("evaluate", elsewhere=True)
    way = make_pass(model, x, y, sample_weight, None, False, batch_size, steps, False, check_finite)
    return _measure(model, way, plain_callbacks(model, owner, callbacks, verbose, way.steps))


def plain_callbacks(
    model: Trainable, owner: str, callbacks: Any, verbose: str | int, steps: int | None
) -> CallbackList:
    """The callbacks of evaluate and predict, with a progress bar unless it is silent."""
    level = verbosity(owner, verbose)
    given = CallbackList(callbacks).callbacks
    if level and not any(isinstance(callback, ProgbarLogger) for callback in given):
        given = [*given, ProgbarLogger()]
    return CallbackList(given, model, {"verbose": level, "epochs": 1, "steps": steps})


def train_on_batch(
    model: Trainable,
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


def profile(
    model: Trainable, x: Any, y: Any, batch_size: int | None, sample_weight: Any
) -> Profile:
    """See :meth:`Model.profile`."""
    _require_compiled(model, "profile")
    owner = type(model).__name__
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    engine = model._engine
    engine.enter_training("profile")
    try:
        signature, columns = engine.columns(x, y, sample_weight)
        trainer = engine.step(signature, columns, True).trainer
        return from_timings(trainer.profile(columns.arrays, size, random.current_seed()))
    finally:
        engine.leave_training()


def plan(model: Trainable, x: Any, y: Any, batch_size: int | None, sample_weight: Any) -> Plan:
    """See :meth:`Model.plan`."""
    _require_compiled(model, "plan")
    owner = type(model).__name__
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    engine = model._engine
    engine.enter_training("plan")
    try:
        signature, columns = engine.columns(x, y, sample_weight)
        trainer = engine.step(signature, columns, True).trainer
        size = min(size, columns.rows)
        return from_program(trainer.plan(columns.arrays, size), size)
    finally:
        engine.leave_training()


def test_on_batch(
    model: Trainable, x: Any, y: Any, sample_weight: Any, check_finite: bool
) -> dict[str, Any]:
    """See :meth:`Model.test_on_batch`; returns the figures by name."""
    _require_compiled(model, "test_on_batch")
    engine = model._engine
    engine.refuse_in_training("test_on_batch", elsewhere=True)
    signature, columns = engine.columns(x, y, sample_weight, None, check_finite)
    with engine.measuring:
        step = engine.step(signature, columns, False)
        step.trainer.run_batch(columns.arrays, random.current_seed())
        assert model._objective is not None
        return model._objective.results()


def _require_compiled(model: Trainable, what: str) -> None:
    if not model.compiled:
        raise RuntimeError(
            f"[{type(model).__name__}] {model.name!r} is not compiled: call compile() with an "
            f"optimizer and a loss before {what}()"
        )


def verbosity(owner: str, verbose: str | int) -> int:
    """How much to show: 0 nothing, 1 a progress bar, 2 a line."""
    if verbose == "auto":
        return 1
    if verbose not in (0, 1, 2):
        raise ValueError(f"[{owner}] expected verbose 'auto', 0, 1 or 2, got {verbose!r}")
    return int(verbose)
