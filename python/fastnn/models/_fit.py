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
from fastnn.models._pass import Pass
from fastnn.models._passes import MemoryPass, columns_pass, make_pass
from fastnn.models._plan import Plan, from_program
from fastnn.models._profile import Profile, from_timings

if TYPE_CHECKING:
    from fastnn.models._state import Resume
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
    initial_epoch: int | str
    steps_per_epoch: int | None
    validation_steps: int | None
    validation_batch_size: int | None
    validation_freq: int | Sequence[int]
    check_finite: bool


def fit(model: Trainable, x: Any, y: Any, options: FitOptions) -> History:
    """See :meth:`Model.fit`."""
    owner = type(model).__name__
    with model._engine.training("fit"):
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
        model._engine.callbacks = callbacks
        try:
            _run_epochs(model, options, training, validation, callbacks)
        finally:
            model._engine.callbacks = None
            for way in (training, validation):
                if way is not None:
                    way.release()
        return history


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
    if is_batches(x) or not isinstance(training, MemoryPass):
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
    engine = model._engine
    first = _first_epoch(model, options.initial_epoch)
    callbacks.begin("train")
    if engine.resume is not None:
        first = _go_on(model, training, engine.resume)
    logs: dict[str, Any] = {}
    for epoch in range(first, options.epochs):
        if model.stop_training:  # before the training that this one goes on with was killed
            break
        _begin_epoch(model, epoch, callbacks)
        training.run(epoch, callbacks)
        callbacks.params["steps"] = training.steps
        logs = _sorted(training._logs())
        if validation is not None and _validates(options, epoch):
            measured = _measure(model, validation, callbacks)
            logs.update({f"val_{name}": value for name, value in _sorted(measured).items()})
        engine.clock.begin_epoch(epoch + 1)
        callbacks.epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_weights)
    callbacks.end("train", logs)


def _first_epoch(model: Trainable, initial_epoch: int | str) -> int:
    """The epoch to begin with; "saved" goes on where the model's file was written."""
    engine = model._engine
    saved, engine.saved = engine.saved, None
    engine.resume = None
    if isinstance(initial_epoch, int):
        engine.clock.begin_epoch(initial_epoch)
        engine.clock.row = 0
        return initial_epoch
    if initial_epoch != "saved":
        raise ValueError(
            f"[{type(model).__name__}] expected initial_epoch as a number or 'saved', got "
            f"{initial_epoch!r}"
        )
    if saved is None:
        raise ValueError(
            f"[{type(model).__name__}] initial_epoch='saved' goes on with a training that was "
            "saved: it needs a model from load_model(), compiled there and not trained since"
        )
    engine.resume = saved
    return saved.clock.epoch


def _go_on(model: Trainable, training: Pass, resume: Resume) -> int:
    """Sets the clock; what was compiled with other random streams is compiled again."""
    engine = model._engine
    if engine.clock.block != resume.clock.block:
        engine.forget()
    engine.clock = resume.clock
    training.prepare()
    return resume.clock.epoch


def _begin_epoch(model: Trainable, epoch: int, callbacks: CallbackList) -> None:
    """Starts an epoch, or goes on in the middle of one, whose beginning was before."""
    clock = model._engine.clock
    if model._objective is not None:
        model._objective.reset()
    if not clock.batch:
        clock.begin_epoch(epoch)
        callbacks.epoch_begin(epoch)
        return
    variables = [*model.weights, *model.optimizer.variables]
    values = [variable.get_value() for variable in variables]
    callbacks.epoch_begin(epoch)
    for variable, value in zip(variables, values, strict=True):
        variable.set_value(value)


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
    try:
        return _measure(model, way, plain_callbacks(model, owner, callbacks, verbose, way.steps))
    finally:
        way.release()


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
    with engine.training("train_on_batch"):
        step, arrays = engine.batch(x, y, sample_weight, class_weight, check_finite, True)
        trainer = step.trainer
        model.reset_metrics()
        try:
            trainer.run_batch(arrays, engine.clock.seed, engine.clock.step)
        finally:
            engine.clock.step = trainer.step
        assert model._objective is not None
        return model._objective.results()


def profile(
    model: Trainable, x: Any, y: Any, batch_size: int | None, sample_weight: Any
) -> Profile:
    """See :meth:`Model.profile`."""
    _require_compiled(model, "profile")
    owner = type(model).__name__
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    engine = model._engine
    with engine.training("profile"):
        signature, columns = engine.columns(x, y, sample_weight)
        trainer = engine.step(signature, columns, True).trainer
        return from_timings(trainer.profile(columns.arrays, size, random.current_seed()))


def plan(model: Trainable, x: Any, y: Any, batch_size: int | None, sample_weight: Any) -> Plan:
    """See :meth:`Model.plan`."""
    _require_compiled(model, "plan")
    owner = type(model).__name__
    size = 32 if batch_size is None else _checks.require_positive(owner, "batch_size", batch_size)
    engine = model._engine
    with engine.training("plan"):
        signature, columns = engine.columns(x, y, sample_weight)
        trainer = engine.step(signature, columns, True).trainer
        size = min(size, columns.rows)
        return from_program(trainer.plan(columns.arrays, size), size)


def test_on_batch(
    model: Trainable, x: Any, y: Any, sample_weight: Any, check_finite: bool
) -> dict[str, Any]:
    """See :meth:`Model.test_on_batch`; returns the figures by name."""
    _require_compiled(model, "test_on_batch")
    engine = model._engine
    engine.refuse_in_training("test_on_batch", elsewhere=True)
    with engine.measuring:
        step, arrays = engine.batch(x, y, sample_weight, None, check_finite, False)
        model.reset_metrics()
        step.trainer.run_batch(arrays, random.current_seed())
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
