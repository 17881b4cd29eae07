"""What this machine is, and what it can do: the limits that measured times are compared with."""

from __future__ import annotations

import ctypes
import datetime
import functools
import os
import platform
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastnn
from fastnn import _core

_RANK = 8


class _Peak(ctypes.Structure):
    """kernels::PeakArgs."""

    _fields_ = (("out", ctypes.c_void_p), ("iterations", ctypes.c_int64))


class _Copy(ctypes.Structure):
    """kernels::CopyArgs."""

    _fields_ = (
        ("out", ctypes.c_void_p),
        ("input", ctypes.c_void_p),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * _RANK),
        ("out_strides", ctypes.c_int64 * _RANK),
        ("in_strides", ctypes.c_int64 * _RANK),
    )


class _Reduce(ctypes.Structure):
    """kernels::ReduceArgs."""

    _fields_ = (
        ("out", ctypes.c_void_p),
        ("input", ctypes.c_void_p),
        ("rank", ctypes.c_int32),
        ("shape", ctypes.c_int64 * _RANK),
        ("in_strides", ctypes.c_int64 * _RANK),
        ("out_strides", ctypes.c_int64 * _RANK),
        ("reduced", ctypes.c_uint8 * _RANK),
        ("scale", ctypes.c_double),
    )


def cpu_model() -> str:
    """The processor's name, with its family and model where the name is vague."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    fields = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", info.read_text(), re.MULTILINE))
    name = fields.get("model name", platform.machine())
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields.get('model', '?')})"
    return name


def facts() -> dict[str, Any]:
    """Processor, cores, instruction set, versions and date, for a file of results."""
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "isa": _core.active_table(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "compiler": _core.compiler,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "fastnn": fastnn.__version__,
    }


def _at_once(threads: int, work: Callable[[], float]) -> float:
    """The sum of what several threads reach at the same time."""
    rates = [0.0] * threads

    def run(i: int) -> None:
        rates[i] = work()

    others = [threading.Thread(target=run, args=(i,)) for i in range(1, threads)]
    for thread in others:
        thread.start()
    run(0)
    for thread in others:
        thread.join()
    return sum(rates)


def peak(dtype: str, threads: int = 1, rounds: int = 5) -> float:
    """Operations a second of multiply-adds on registers alone, the best of some rounds."""

    def once() -> float:
        out = np.zeros(2)
        args = _Peak(out.ctypes.data, 20_000)
        seconds = _core.testing.time_kernel(_core.active_table(), "peak", dtype, args, 60)
        return float(out[1] / seconds)

    return max(_at_once(threads, once) for _ in range(rounds))


def copy_bandwidth(total: int, threads: int = 1, rounds: int = 5) -> float:
    """Bytes a second, read and written, of the best copy between arrays of ``total`` bytes in all.

    The better one of fastnn's copy and NumPy's (the C library's memcpy, on one thread).
    """
    n = max(64, total // 8)
    source, target = np.ones(n, np.float32), np.ones(n, np.float32)
    extents = ctypes.c_int64 * _RANK
    args = _Copy(target.ctypes.data, source.ctypes.data, 1, extents(n), extents(1), extents(1))
    repeat = int(np.clip(2_000_000 / n, 1, 2000))
    before = _core.num_threads()
    _core.set_num_threads(threads)
    best = 0.0
    try:
        for _ in range(rounds):
            table = _core.active_table()
            seconds = _core.testing.time_kernel(table, "copy", "float32", args, repeat)
            best = max(best, 8 * n / seconds)
    finally:
        _core.set_num_threads(before)
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(repeat):
            np.copyto(target, source)
        best = max(best, 8 * n * repeat / (time.perf_counter() - start))
    return best


def read_bandwidth(total: int, threads: int = 1, rounds: int = 5) -> float:
    """Bytes a second of the best plain read, a sum, of ``total`` bytes again and again.

    Each thread sums its share of them; the better of the sums of float32 and float64.
    """
    share = max(64, total // threads)
    extents = ctypes.c_int64 * _RANK
    repeat = int(np.clip(16_000_000 / share, 1, 2000))

    def once(dtype: str) -> float:
        source, out = np.ones(share // np.dtype(dtype).itemsize, dtype), np.zeros(1, dtype)
        shape, reduced = extents(source.size), (ctypes.c_uint8 * _RANK)(1)
        args = _Reduce(
            out.ctypes.data, source.ctypes.data, 1, shape, extents(1), extents(0), reduced, 1.0
        )
        table = _core.active_table()
        return source.nbytes / _core.testing.time_kernel(table, "reduce_sum", dtype, args, repeat)

    before = _core.num_threads()
    _core.set_num_threads(1)
    try:
        return max(
            _at_once(threads, functools.partial(once, dtype))
            for dtype in ("float32", "float64")
            for _ in range(rounds)
        )
    finally:
        _core.set_num_threads(before)


def limits(threads: int) -> dict[str, float]:
    """The arithmetic and memory limits for a number of threads, measured now."""
    return {
        "flops_float32": peak("float32", threads),
        "flops_float64": peak("float64", threads),
        "copy_bytes": copy_bandwidth(64 << 20, threads, rounds=3),
    }
