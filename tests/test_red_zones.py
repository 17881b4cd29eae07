"""Without reuse of memory, what a kernel touches beside its buffers is found."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import _core, graph, ops

ASAN = os.environ.get("FASTNN_SANITIZER") == "address"
TABLES = _core.kernel_tables()


def matmul_of_softmax(**options) -> tuple[graph.Function, np.ndarray]:
    """A function with a buffer of 15 floats in its arena, and an argument."""
    x = fastnn.placeholder((None, 3), name="x")
    w = fastnn.shared(np.arange(6, dtype=np.float32).reshape(3, 2))
    function = graph.Function([x], ops.softmax(x) @ w, **options)
    return function, np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)


def test_red_zones_change_no_bits():
    plain, x = matmul_of_softmax()
    guarded, _ = matmul_of_softmax(reuse_memory=False, poison=True)
    assert guarded(x).tobytes() == plain(x).tobytes()
    for rows in (5, 2, 9, 1, 0):  # the zones move with the extents
        part = np.resize(x, (rows, 3))
        assert guarded(part).tobytes() == plain(part).tobytes()


@pytest.mark.parametrize("table", TABLES)
def test_a_kernel_that_stays_inside_is_left_alone(table):
    function, x = matmul_of_softmax(reuse_memory=False)
    _core.testing.overrun(function, [x.shape], table, 0)


@pytest.mark.skipif(ASAN, reason="AddressSanitizer ends the process first")
@pytest.mark.parametrize("extra", [1, 3, 16])
@pytest.mark.parametrize("table", TABLES)
def test_a_kernel_that_writes_beside_its_buffer_is_found(table, extra):
    function, x = matmul_of_softmax(reuse_memory=False)
    with pytest.raises(RuntimeError, match=r"\[negative\] wrote beside its buffers"):
        _core.testing.overrun(function, [x.shape], table, extra)


CANARY = """
import sys
sys.path.insert(0, sys.argv[1])
from fastnn import _core
from test_red_zones import matmul_of_softmax

function, x = matmul_of_softmax(reuse_memory=False)
_core.testing.overrun(function, [x.shape], sys.argv[2], int(sys.argv[3]))
"""


@pytest.mark.skipif(not ASAN, reason="needs a build with AddressSanitizer (tools/sanitize.sh)")
@pytest.mark.parametrize("extra", [1, 16])
@pytest.mark.parametrize("table", TABLES)
def test_a_planted_fault_is_reported_by_address_sanitizer(table, extra):
    done = subprocess.run(
        [sys.executable, "-c", CANARY, os.path.dirname(__file__), table, str(extra)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode != 0
    # Masked vector stores are not instrumented: there the zone's own check finds the fault.
    reported = "ERROR: AddressSanitizer:" in done.stderr
    assert reported or "wrote beside its buffers" in done.stderr, done.stderr
    if table == "reference":
        assert reported
