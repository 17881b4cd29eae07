"""Every hot kernel against NumPy: ``pytest bench``, or a part of it by ``-k "matmul and 1t"``."""

from __future__ import annotations

import functools
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


@pytest.mark.parametrize("peer", ["fastnn", "numpy"])
@pytest.mark.parametrize("case", cases(), ids=str)
def test_kernel(benchmark: Any, case: Case, peer: str) -> None:
    before = _core.num_threads()
    _core.set_num_threads(case.threads)
    try:
        with threadpool_limits(case.threads, "blas"):
            benchmark(getattr(_made(case), peer))
    finally:
        _core.set_num_threads(before)
    benchmark.extra_info["case"] = {
        name: getattr(case, name)
        for name in ("family", "row", "column", "dtype", "threads", "flops", "bytes")
    }
    benchmark.extra_info["peer"] = peer
