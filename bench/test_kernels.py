"""Every hot kernel against NumPy: ``pytest bench``, or a part of it by ``-k "matmul and 1t"``."""

from __future__ import annotations

import functools
import time
from typing import Any

import pytest
from threadpoolctl import threadpool_limits

from bench.kernels import Case, Pair, cases
from fastnn import _core


@functools.lru_cache(maxsize=1)
def _made(case: Case) -> Pair:
    """The case's arrays and calls, for both peers; that they agree is checked on the way."""
    pair = case.make()
    pair.check(case.dtype)
    return pair


def _wait_for_rest(longest: float = 2.0) -> None:
    """Waits until no thread of this process runs: OpenBLAS's go on for a tenth of a second after a
    product, in the way of whoever is measured next."""
    end = time.perf_counter() + longest
    while time.perf_counter() < end:
        used, start = time.process_time(), time.perf_counter()
        time.sleep(0.01)
        if time.process_time() - used < 0.05 * (time.perf_counter() - start):
            return
    raise RuntimeError(f"threads of this process still run after {longest} s")


def _warm_up(call: Any, seconds: float = 0.1) -> None:
    """Calls until the scheduler has moved the threads apart: new ones start on one core."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        call()


@pytest.mark.parametrize("peer", ["fastnn", "numpy"])
@pytest.mark.parametrize("case", cases(), ids=str)
def test_kernel(benchmark: Any, case: Case, peer: str) -> None:
    before = _core.num_threads()
    _core.set_num_threads(case.threads)
    try:
        with threadpool_limits(case.threads, "blas"):
            call = getattr(_made(case), peer)
            if case.threads > 1:
                _wait_for_rest()
                _warm_up(call)
            benchmark(call)
    finally:
        _core.set_num_threads(before)
    benchmark.extra_info["case"] = {
        name: getattr(case, name)
        for name in ("family", "row", "column", "dtype", "threads", "flops", "bytes", "only_read")
    }
    benchmark.extra_info["peer"] = peer
