"""First values of weights: constants, distributions and matrices, with Keras's names.

Example:
    >>> get("glorot_uniform")((11, 6)).shape
    (11, 6)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from fastnn._registry import Registry, serialize
from fastnn.initializers._base import Array, Initializer
from fastnn.initializers._constant import Constant, FromArray, Identity, Ones, Zeros
from fastnn.initializers._random import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomInitializer,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    compute_fans,
)

_registry = Registry(
    "initializer",
    classes=(
        Zeros,
        Ones,
        Constant,
        Identity,
        RandomUniform,
        RandomNormal,
        TruncatedNormal,
        VarianceScaling,
        GlorotUniform,
        GlorotNormal,
        HeUniform,
        HeNormal,
        LecunUniform,
        LecunNormal,
        Orthogonal,
        FromArray,
    ),
    aliases={
        "uniform": RandomUniform,
        "normal": RandomNormal,
        "zero": Zeros,
        "one": Ones,
        "IdentityInitializer": Identity,
        "OrthogonalInitializer": Orthogonal,
    },
)

zeros = Zeros
ones = Ones
constant = Constant
identity = Identity
random_uniform = RandomUniform
random_normal = RandomNormal
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
he_uniform = HeUniform
he_normal = HeNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal
orthogonal = Orthogonal


def get(
    identifier: Any, custom_objects: Mapping[str, Any] | None = None
) -> Callable[..., Array] | None:
    """An initializer from a name, configuration, class, array or callable.

    Args:
        identifier: for example ``"glorot_uniform"``, ``Constant(0.1)`` or an array of values.
        custom_objects: further names.

    Returns:
        The initializer; None for None.

    Raises:
        ValueError: for an unknown name.

    Example:
        >>> get("uniform")
        RandomUniform(minval=-0.05, maxval=0.05, seed=None)
    """
    if isinstance(identifier, (np.ndarray, np.generic)):
        return FromArray(identifier)
    found: Callable[..., Array] | None = _registry.get(identifier, custom_objects)
    return found


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Any:
    """The inverse of :func:`serialize`."""
    return _registry.deserialize(config, custom_objects)


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomInitializer",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "compute_fans",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
