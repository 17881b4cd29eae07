"""Predictions of whole data sets."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.callbacks import CallbackList
from fastnn.callbacks._progbar import Progbar
from fastnn.layers._nest import pack_like
from fastnn.models import _checks
from fastnn.models._batches import Batches, is_batches, split_batch
from fastnn.models._columns import Columns
from fastnn.models._fit import plain_callbacks, verbosity
from fastnn.models._programs import Signature
from fastnn.models._windows import MappedBatches

if TYPE_CHECKING:
    from fastnn.models._trainable import Trainable

_ALL = 1 << 62


def predict(
    model: Trainable,
    x: Any,
    batch_size: int | None,
    steps: int | None,
    verbose: str | int,
    callbacks: Any,
    check_finite: bool,
) -> Any:
    """See :meth:`Model.predict`."""
    owner = type(model).__name__
    if callbacks is None and steps is None and check_finite and verbosity(owner, verbose):
        outputs = predict_at_once(model, x, batch_size)
        if outputs is not None:
            Progbar(1, verbose=verbosity(owner, verbose)).update(1)
            return outputs
    engine = model._engine
    if is_batches(x) and batch_size is not None:
        raise ValueError(f"[{owner}] batch_size is that of the batches: leave it out")
    held = getattr(x, "in_memory", None)
    if held is not None and not held.shuffled:
        x, batch_size = split_batch(held.arrays)[0], held.batch_size
    if is_batches(x):
        source = Batches(x, owner)
        pieces = (
            engine.columns(split_batch(batch)[0], targets=False, check_finite=check_finite)
            for batch in source.one_epoch(steps)
        )
        count = steps or source.steps
    else:
        given = 32 if batch_size is None else batch_size
        size = _checks.require_positive(owner, "batch_size", given)
        signature, columns = engine.columns(
            x, targets=False, check_finite=check_finite and callbacks is not None
        )
        late = check_finite and callbacks is None  # looked at when a batch is in the caches
        if late and signature.predictor.keeps_state:
            engine.columns(x, targets=False)
            late = False
        count = min(steps or _ALL, -(-columns.rows // size))
        rows = columns.slice(0, count * size)
        if not CallbackList(callbacks).needs_batches("predict"):
            found = _predict_rows(model, signature, rows, size, count, verbose, callbacks, late)
            if found is None:
                engine.columns(x, targets=False)  # says which number is not finite
                for array in rows.arrays:  # also of those in files
                    _checks.require_finite(owner, "x", array)
                found = _predict_rows(model, signature, rows, size, count, verbose, callbacks)
            return found
        pieces = ((signature, columns.slice(i * size, (i + 1) * size)) for i in range(count))
    return _predict_pieces(model, pieces, count, verbose, callbacks)


def predict_at_once(model: Trainable, x: Any, batch_size: int | None) -> Any:
    """Predictions of the rows of one batch that the program can read; None for anything else."""
    fast = model._engine.fast
    size = 32 if batch_size is None else batch_size
    return fast(x, size) if fast is not None and type(size) is int else None


def _predict_pieces(
    model: Trainable, pieces: Any, count: int | None, verbose: str | int, callbacks: Any
) -> Any:
    """Predictions batch by batch, for generators and for callbacks that look at batches."""
    hooks = plain_callbacks(model, type(model).__name__, callbacks, verbose, count)
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
    model: Trainable,
    signature: Signature,
    columns: Columns,
    batch_size: int,
    steps: int,
    verbose: str | int,
    callbacks: Any,
    check_finite: bool = False,
) -> Any:
    """Predictions of arrays: batches run in C++, with a look at signals in between.

    None where ``check_finite`` is set and a row holds a NaN or an infinity.
    """
    hooks = plain_callbacks(model, type(model).__name__, callbacks, verbose, steps)
    hooks.begin("predict")
    if _is_long_file(columns):
        outputs = _run_mapped(model, signature, columns, batch_size, check_finite)
    else:
        outputs = signature.predictor.run(columns.arrays, batch_size, check_finite)
    if outputs is None:
        return None
    model._engine.remember_fast(signature)
    hooks.progress(steps, {})
    hooks.end("predict")
    return pack_like(signature.output_template, list(outputs))


def _is_long_file(columns: Columns) -> bool:
    """Whether arrays lie in files, and are long enough for threads to read them."""
    if not all(isinstance(array, np.ndarray) for array in columns.arrays):
        return False  # arrays of a GPU
    size = sum(array.nbytes for array in columns.arrays)
    return size > MappedBatches.BLOCK_BYTES and columns.is_mapped


def _run_mapped(
    model: Trainable, signature: Signature, columns: Columns, batch_size: int, check_finite: bool
) -> list[NDArray[Any]]:
    """The same a window at a time, while threads read the next."""
    owner = type(model).__name__

    def check(rows: NDArray[Any], first: int) -> None:
        _checks.require_finite(owner, "x", rows, first)

    batches = MappedBatches(columns, batch_size, check if check_finite else None, owner)
    outputs: list[NDArray[Any]] = []
    row = 0
    with closing(batches.windows(None)) as windows:
        for window in windows:
            parts = signature.predictor.run(window.columns.arrays, batch_size, False)
            if not outputs:
                outputs = [np.empty((columns.rows, *p.shape[1:]), p.dtype) for p in parts]
            for output, part in zip(outputs, parts, strict=True):
                output[row : row + len(part)] = part
            row += window.columns.rows
    return outputs
