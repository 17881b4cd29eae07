"""What draws: matplotlib and graphviz, where they are installed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any


def figure_class() -> Any:
    """matplotlib's Figure, which needs neither a display nor pyplot's global state.

    Raises:
        ImportError: matplotlib, an extra (``pip install 'fastnn[plot]'``), is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"plotting needs matplotlib, which cannot be imported ({error});"
            " install it with: pip install 'fastnn[plot]'"
        ) from error
    return Figure


def history_figure(
    history: Mapping[str, Sequence[float]], path: str | os.PathLike[str] | None = None
) -> Any:
    """Curves of a training; see :func:`fastnn.plotting.plot_history`."""
    figure_type = figure_class()
    names = [name for name in history if not name.startswith("val_")]
    if not names:
        raise ValueError("plot_history expected a history of at least one quantity, got none")
    figure = figure_type(figsize=(4.8 * len(names), 3.6), layout="constrained")
    for name, axes in zip(names, figure.subplots(1, len(names), squeeze=False)[0], strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in history:
                axes.plot(range(1, len(history[key]) + 1), history[key], label=label)
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        if f"val_{name}" in history:
            axes.legend()
    return saved(figure, path)


def saved(figure: Any, path: str | os.PathLike[str] | None) -> Any:
    """The figure, written to a file where there is one."""
    if path is not None:
        figure.savefig(path, dpi=150)
    return figure


def graphviz(dot: str, kind: str, owner: str) -> bytes:
    """An image of a graph in graphviz's language, by its program ``dot``.

    Args:
        dot: the graph.
        kind: the image's suffix, without the dot.
        owner: who asks, for messages.

    Raises:
        RuntimeError: if graphviz is not installed, or fails.
    """
    import shutil
    import subprocess  # a slow import, which every model would pay for

    program = shutil.which("dot")
    if program is None:
        raise RuntimeError(
            f"[{owner}] a .{kind} image needs graphviz, whose program `dot` was not found: install "
            f"it, or save the drawing as {'.svg, ' if owner == 'plot_model' else ''}.dot or "
            f"{'.html' if owner == 'plot_model' else '.txt'}"
        )
    done = subprocess.run([program, f"-T{kind}"], input=dot.encode(), capture_output=True)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise RuntimeError(f"[{owner}] dot failed: {said}")
    return done.stdout
