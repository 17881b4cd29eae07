"""The emulated GPU's checker finds planted faults: a build of the preset cuda-checked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The fault, the kernel that has it, and what is said.
FAULTS = {
    "barrier": ("sum", "a race"),
    "same place": ("sum", "a race"),
    "shuffle": ("sum_of_warp", "a race"),
    "atomic": ("count", "a race"),
    "unseen copy": ("tiles", "a race"),
    "reused copy": ("tiles", "a race"),
    "unwaited copy": ("tiles", "while a copy to it may be under way"),
    "outside": ("sum", "0 bytes behind the end of the 4000 of an array of the device, outside"),
    "write outside": ("sum", "0 bytes behind the end of the 4000 of an array of the device"),
    "released": ("sum", "outside of arrays"),
    "host": ("sum", "at the host's memory"),
    "unwritten": ("sum", "of what nothing has written"),
    "read shared": ("read_shared", "0 bytes behind the end of the 128 of shared memory, outside"),
    "write shared": ("read_shared", "write of 4 bytes"),
    "unwritten shared": ("read_shared", "of what nothing has written"),
    "misaligned": ("wide.h", "misaligned address"),
    "misaligned copy": ("copy_wide_async", "an asynchronous copy of 16 bytes"),
    "mask": ("sum_of_warp", "and is none of them"),
    "divergent": ("wait", "threads 64 to 127 wait at a numbered barrier"),
    "ended thread": ("wait", "threads 5 to 5 have ended"),
    "two places": ("wait", "at different places"),
}


def run(fault: str, order: str) -> subprocess.CompletedProcess[str]:
    build = Path(os.environ.get("FASTNN_CUDA_BUILD") or ROOT / "build" / "cuda-checked")
    program = build / "cuda_faults"
    if not program.is_file():
        pytest.skip(f"no {program}: the preset cuda-checked builds it")
    # All findings: the first of a fault may be another in another order.
    environment = {
        "UBSAN_OPTIONS": "halt_on_error=1",
        "FASTNN_ORDER": order,
        "FASTNN_FINDINGS": "all",
    }
    return subprocess.run(
        [program, fault], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("order", ["forward", "backward", "7"])
@pytest.mark.parametrize("fault", FAULTS)
def test_finds(fault, order):
    kernel, what = FAULTS[fault]
    result = run(fault, order)
    assert result.returncode != 0
    assert kernel in result.stderr
    assert what in result.stderr


@pytest.mark.parametrize("order", ["forward", "backward", "7"])
def test_finds_nothing_where_there_is_none(order):
    result = run("none", order)
    assert (result.returncode, result.stderr) == (0, "")
