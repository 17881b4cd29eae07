"""Windows of a time series."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.data import Dataset
from fastnn.preprocessing._counts import check_count


def timeseries_windows(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Any:
    """Sliding windows of a series, with what is to be learned of each.

    Window i holds ``data[s], data[s + r], … data[s + (sequence_length - 1) * r]`` for
    ``s = start_index + i * sequence_stride`` and ``r = sampling_rate``; its target is
    ``targets[s]``. To predict the step behind each window, give ``data[:-n]`` and ``data[n:]`` with
    ``n = sequence_length * sampling_rate``. The arguments are those of Keras's
    `timeseries_dataset_from_array`.

    Args:
        data: the series, of shape (time,) or (time, features…).
        targets: of shape (time, …), or shorter: there are then as many windows as targets; or None.
        sequence_length: steps a window.
        sequence_stride: from one window's beginning to the next one's.
        sampling_rate: from one step of a window to the next.
        start_index: the first step that is used; 0 by default.
        end_index: the step behind the last that is used; all by default.

    Returns:
        x of shape (windows, sequence_length) or (windows, sequence_length, features…), or (x, y)
        with y of shape (windows, …). Both are read-only views: however much the windows overlap,
        nothing is copied.

    Raises:
        ValueError: for an argument out of its range, or data too short for one window.

    Example:
        >>> series = np.arange(10.0)
        >>> x, y = timeseries_windows(series[:-3], series[3:], 3, sequence_stride=2)
        >>> x.tolist(), y.tolist()
        ([[0.0, 1.0, 2.0], [2.0, 3.0, 4.0], [4.0, 5.0, 6.0]], [3.0, 5.0, 7.0])
    """
    steps = {
        "sequence_length": sequence_length,
        "sequence_stride": sequence_stride,
        "sampling_rate": sampling_rate,
    }
    for name, value in steps.items():
        check_count("timeseries_windows", name, value)
    series = np.asarray(data)
    start, end = _range(series, start_index, end_index)
    span = (sequence_length - 1) * sampling_rate + 1
    if end - start < span:
        raise ValueError(
            f"timeseries_windows expected at least {span} steps for sequence_length="
            f"{sequence_length} and sampling_rate={sampling_rate}, got {end - start}"
        )
    views = np.lib.stride_tricks.sliding_window_view(series[start:end], span, axis=0)
    windows = np.moveaxis(views[..., ::sampling_rate], -1, 1)
    if targets is None:
        return windows[::sequence_stride]
    wanted = np.asarray(targets)
    if wanted.ndim == 0 or len(wanted) <= start:
        raise ValueError(
            f"timeseries_windows expected more than {start} targets, got shape {wanted.shape}"
        )
    wanted = wanted[start : start + len(windows)]
    return windows[: len(wanted)][::sequence_stride], _read_only(wanted[::sequence_stride])


def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
) -> Dataset:
    """Batches of `timeseries_windows`, with the arguments of Keras's function of this name.

    Where the series is in memory, training on the views of `timeseries_windows` itself is faster:
    they are shuffled and gathered in C++.

    Args:
        data: as `timeseries_windows`; a memory map is read a batch at a time.
        targets: as `timeseries_windows`.
        sequence_length: as `timeseries_windows`.
        sequence_stride: as `timeseries_windows`.
        sampling_rate: as `timeseries_windows`.
        batch_size: windows a batch; None for single windows.
        shuffle: whether the windows come in random order, another one in each pass.
        seed: of that order.
        start_index: as `timeseries_windows`.
        end_index: as `timeseries_windows`.

    Raises:
        ValueError: as `timeseries_windows`; or batch_size is below 1.

    Example:
        >>> batches = timeseries_dataset_from_array(np.arange(6), None, 3, batch_size=3)
        >>> [batch.tolist() for batch in batches]
        [[[0, 1, 2], [1, 2, 3], [2, 3, 4]], [[3, 4, 5]]]
    """
    found = timeseries_windows(
        data, targets, sequence_length, sequence_stride, sampling_rate, start_index, end_index
    )
    windows = Dataset.from_arrays(found) if targets is None else Dataset.from_arrays(*found)
    if shuffle:
        windows = windows.shuffle(seed=seed)
    return windows if batch_size is None else windows.batch(batch_size)


def _range(series: NDArray[Any], start: int | None, end: int | None) -> tuple[int, int]:
    if series.size == 0 or series.ndim == 0:
        raise ValueError(
            f"timeseries_windows expected data of shape (time, …), got shape {series.shape}"
        )
    count = len(series)
    first = 0 if start is None else start
    last = count if end is None else end
    if not 0 <= first < count:
        raise ValueError(
            f"timeseries_windows expected start_index of 0 to {count - 1}, got {start}"
        )
    if not first < last <= count:
        raise ValueError(
            f"timeseries_windows expected end_index of {first + 1} to {count}, got {end}"
        )
    return first, last


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view: NDArray[Any] = array.view()
    view.flags.writeable = False
    return view
