"""The checks that CI makes find what they look for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
CLEAN = """
namespace fastnn::kernels::avx2 {
extern const int list;
const int list = 1;
static float twice(float x) { return 2 * x; }
float run(float x) { return twice(x); }
}
"""
SHARED = """
template <class T> __attribute__((noinline)) T twice(T x) { return 2 * x; }
namespace fastnn::kernels::avx2 { float run(float x) { return twice(x); } }
"""


@pytest.mark.parametrize(("source", "status"), [(CLEAN, 0), (SHARED, 1)], ids=["clean", "shared"])
def test_check_isa_symbols(tmp_path, source, status):
    if not shutil.which("c++") or not shutil.which("nm"):
        pytest.skip("no C++ compiler or no nm")
    folder = tmp_path / "fastnn_cpu_avx2.dir"
    folder.mkdir()
    (folder / "x.cpp").write_text(source)
    subprocess.run(
        ["c++", "-std=c++17", "-O1", "-c", "x.cpp", "-o", "x.cpp.o"], cwd=folder, check=True
    )
    done = subprocess.run(
        [sys.executable, str(TOOLS / "check_isa_symbols.py"), str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("twice" in done.stdout) == bool(status)
