"""Optimizers with Keras's names and defaults.

Example:
    >>> get("adam").get_config()["beta_1"]
    0.9
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastnn._registry import Registry, serialize
from fastnn.optimizers import schedules
from fastnn.optimizers._adam import Adam, Adamax, AdamW, Nadam
from fastnn.optimizers._adaptive import Adadelta, Adagrad, RMSprop
from fastnn.optimizers._base import Optimizer
from fastnn.optimizers._options import CommonOptions
from fastnn.optimizers._plan import OptimizerPlan
from fastnn.optimizers._sgd import SGD, Lion

_classes = (SGD, RMSprop, Adam, AdamW, Adamax, Nadam, Adagrad, Adadelta, Lion)

_registry = Registry(
    "optimizer",
    classes=_classes,
    aliases={cls.__name__.lower(): cls for cls in _classes},
)


def get(identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """An optimizer from a name, a configuration, a class or itself.

    Args:
        identifier: for example ``"adam"`` or ``SGD(0.1)``.
        custom_objects: further names.

    Raises:
        ValueError: for an unknown name or something that is no optimizer.

    Example:
        >>> get("sgd").momentum
        0.0
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, str) and identifier.lower() in _registry.table:
        identifier = identifier.lower()
    found = (
        _registry.deserialize(identifier, custom_objects)
        if isinstance(identifier, (str, Mapping))
        else identifier
    )
    if isinstance(found, type) and issubclass(found, Optimizer):
        found = found()
    if not isinstance(found, Optimizer):
        raise ValueError(
            f"expected an optimizer (a name, a configuration, a class or an object), "
            f"got {identifier!r}"
        )
    return found


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CommonOptions",
    "Lion",
    "Nadam",
    "Optimizer",
    "OptimizerPlan",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
