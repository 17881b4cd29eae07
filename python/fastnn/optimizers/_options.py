"""The options that all optimizers share: checked in one place."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from fastnn._registry import did_you_mean
from fastnn.optimizers import schedules


class SharedOptions(TypedDict, total=False):
    """What every optimizer takes beside its own arguments and weight decay.

    Attributes:
        clipnorm: a gradient longer than this is shortened to it, each by itself.
        clipvalue: values of gradients are clipped to -clipvalue … clipvalue.
        global_clipnorm: all gradients together are shortened to this norm.
        use_ema: keep a moving average of the weights, which replaces them after training.
        ema_momentum: how much of the average stays at a step (0.99).
        ema_overwrite_frequency: also replace the weights every so many updates.
        gradient_accumulation_steps: update only every so many steps, with the mean gradient.
        name: of the optimizer.
        lr: the old name of learning_rate.
        decay: Keras 1 and 2: the rate is ``learning_rate / (1 + decay * step)``.
        loss_scale_factor: None; there is nothing to scale in float32 and float64.
    """

    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: float
    decay: float
    loss_scale_factor: None


class CommonOptions(SharedOptions, total=False):
    """What every optimizer but AdamW takes beside its own arguments.

    Attributes:
        weight_decay: before an update, weights shrink by this times the learning rate.
    """

    weight_decay: float | None


DEFAULTS: dict[str, Any] = {
    "weight_decay": None,
    "clipnorm": None,
    "clipvalue": None,
    "global_clipnorm": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "gradient_accumulation_steps": None,
}


def _checked_number(value: Any, name: str, who: str) -> float | None:
    if value is None:
        return None
    ok = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not ok or not math.isfinite(value) or value < 0:
        raise ValueError(f"[{who}] expected {name} to be None or a number >= 0, got {value!r}")
    return float(value)


def _checked_count(value: Any, name: str, least: int, who: str) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(
            f"[{who}] expected {name} to be None or a whole number >= {least}, got {value!r}"
        )
    return int(value)


def checked_options(given: Mapping[str, Any], who: str) -> dict[str, Any]:
    """The common options with defaults filled in.

    Raises:
        TypeError: for an unknown option.
        ValueError: for a value out of range, or more than one way of clipping.
    """
    for name in given:
        if name not in DEFAULTS:
            hint = did_you_mean(name, [*DEFAULTS, "learning_rate"])
            raise TypeError(f"[{who}] unknown argument {name!r}{hint}")
    options = {**DEFAULTS, **given}
    for name in ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm"):
        options[name] = _checked_number(options[name], name, who)
    clips = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if options[n] is not None]
    if len(clips) > 1:
        raise ValueError(f"[{who}] expected at most one way of clipping, got {' and '.join(clips)}")
    for name, least in (("ema_overwrite_frequency", 1), ("gradient_accumulation_steps", 2)):
        options[name] = _checked_count(options[name], name, least, who)
    momentum = _checked_number(options["ema_momentum"], "ema_momentum", who)
    if momentum is None or momentum > 1.0:
        raise ValueError(f"[{who}] expected ema_momentum between 0 and 1, got {momentum}")
    options["ema_momentum"] = momentum
    options["use_ema"] = bool(options["use_ema"])
    return options


def without_old_names(
    learning_rate: Any, given: Mapping[str, Any], who: str
) -> tuple[Any, dict[str, Any]]:
    """Takes Keras 1's and 2's ``lr`` and ``decay``: the rate, and the options without them."""
    options = dict(given)
    if options.pop("loss_scale_factor", None) is not None:
        raise ValueError(
            f"[{who}] loss_scale_factor is for float16, which fastnn does not train in"
        )
    if "lr" in options:
        warnings.warn(
            f"[{who}] argument 'lr' is called 'learning_rate' now",
            DeprecationWarning,
            stacklevel=4,
        )
        learning_rate = options.pop("lr")
    decay = options.pop("decay", None)
    if decay:
        warnings.warn(
            f"[{who}] argument 'decay' is now a schedule: InverseTimeDecay(rate, 1, decay)",
            DeprecationWarning,
            stacklevel=4,
        )
        if isinstance(learning_rate, schedules.LearningRateSchedule):
            raise ValueError(f"[{who}] expected either decay or a schedule, got both")
        learning_rate = schedules.InverseTimeDecay(float(learning_rate), 1, float(decay))
    return learning_rate, options


def checked_rate(value: Any, who: str) -> float | schedules.LearningRateSchedule:
    """A learning rate: a finite number, a schedule, or a schedule's configuration."""
    if isinstance(value, schedules.LearningRateSchedule):
        return value
    if isinstance(value, Mapping):
        found = schedules.deserialize(value)
        if isinstance(found, schedules.LearningRateSchedule):
            return found
    elif isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
        if math.isfinite(value):
            return float(value)
    elif callable(value):
        raise ValueError(
            f"[{who}] expected a number or a LearningRateSchedule, got a callable; make it a "
            "subclass of LearningRateSchedule, or use the callback LearningRateScheduler"
        )
    raise ValueError(
        f"[{who}] expected a finite number or a LearningRateSchedule as learning_rate, "
        f"got {value!r}"
    )
