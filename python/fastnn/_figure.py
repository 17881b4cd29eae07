"""matplotlib, where it is installed: an extra (``pip install 'fastnn[plot]'``)."""

from __future__ import annotations

from typing import Any


def figure_class() -> Any:
    """matplotlib's Figure, which needs neither a display nor pyplot's global state.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"plotting needs matplotlib, which cannot be imported ({error});"
            " install it with: pip install 'fastnn[plot]'"
        ) from error
    return Figure
