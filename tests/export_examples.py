"""Hands the network of every example to onnxruntime and to a C compiler, and compares.

    python tests/export_examples.py > tests/logs/export_examples.log

Each example runs up to its first fit(); the model is taken as it is then.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastnn.models._trainable import Trainable
from test_c import Compiled
from test_onnx import in_onnx

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


class Captured(BaseException):
    """The model of an example, and the data it was to be trained on."""

    def __init__(self, model: Any, x: Any) -> None:
        super().__init__()
        self.model, self.x = model, x


def captured(path: Path) -> Captured | None:
    """Runs an example up to its first fit()."""

    def fit(self: Any, x: Any = None, *args: Any, **kwargs: Any) -> None:
        raise Captured(self, x)

    original, Trainable.fit = Trainable.fit, fit  # type: ignore[method-assign,assignment]
    sys.argv = [str(path)]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(path), run_name="__main__")
    except Captured as found:
        return found
    except (Exception, SystemExit):
        return None
    finally:
        Trainable.fit = original  # type: ignore[method-assign]
    return None


def difference(make: Callable[[], Any], expected: Any) -> str:
    try:
        return f"{abs(make() - expected).max():.1e}"
    except NotImplementedError as error:
        return f"none: {error}"


def compared(model: Any, x: Any) -> str:
    """The largest differences of both files' outputs from the model's."""
    y = model.predict(x, verbose=0)
    # Axes behind the batch are open together here: sequences.
    length = x.shape[1] if x.ndim > 1 else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        onnx = difference(lambda: in_onnx(model, folder / "a.onnx", [x])[0], y)
        c = difference(lambda: Compiled(model, folder, length)([x], [y])[0], y)
    return f"largest difference in ONNX {onnx}, in C {c}"


def main() -> None:
    sys.path.insert(0, str(EXAMPLES))
    for path in sorted(EXAMPLES.glob("*.py")):
        found = captured(path)
        if found is None or not hasattr(found.x, "shape") or found.model._graph is None:
            continue
        model = found.model
        rows, *sizes = model._graph.input_tensors[0].shape
        if rows is not None:
            print(f"{path.name}: keeps a state, which neither has")
            continue
        x = np.asarray(found.x)[:3].astype(model._graph.input_tensors[0].dtype)
        if None not in sizes:
            x = x.reshape(len(x), *sizes)
        size = f"{len(model.layers)} layers, {model.count_params()} weights"
        print(f"{path.name}: {size}; {compared(model, x)}", flush=True)


if __name__ == "__main__":
    main()
