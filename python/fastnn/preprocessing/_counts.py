"""Checks of arguments that are counts."""

from __future__ import annotations

from typing import Any

import numpy as np


def check_count(owner: str, name: str, value: Any) -> None:
    """Raises unless a value is a whole number of at least 1.

    Args:
        owner: the function that messages name.
        name: of the argument.
        value: of the argument.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is below 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{owner} expected {name} to be a whole number, got {value!r}")
    if value < 1:
        raise ValueError(f"{owner} expected {name} of at least 1, got {value}")
