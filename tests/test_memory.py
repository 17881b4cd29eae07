"""Training allocates nothing a step, and model.plan() says how much memory it takes."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.layers import Dense, Input

NATIVE = Path(__file__).parent / "native"

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="counts with glibc's malloc")
no_sanitizer = pytest.mark.skipif(
    "san" in os.environ.get("LD_PRELOAD", ""), reason="the sanitizer has a malloc of its own"
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler to build the counter with")
    library = tmp_path_factory.mktemp("native") / "count_malloc.so"
    source = NATIVE / "count_malloc.c"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@glibc
@no_sanitizer
@pytest.mark.parametrize(("model", "threads"), [("small", 1), ("wide", 1), ("wide", 2)])
def test_a_training_step_allocates_nothing(counter, model, threads):
    environment = dict(os.environ, LD_PRELOAD=str(counter))
    package = Path(fastnn.__file__).parent.parent
    environment["PYTHONPATH"] = os.pathsep.join([str(package), environment.get("PYTHONPATH", "")])
    command = [sys.executable, NATIVE / "count_steps.py", model, str(threads)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    five, ten, many = map(int, run.stdout.split())
    assert five > 0, "the call from Python itself allocates: the counter must see it"
    assert five == ten == many


class Mallinfo(ctypes.Structure):
    """glibc's struct mallinfo2: sizes in the heap, and of what was mapped."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def _bytes_in_use() -> int:
    mallinfo2 = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if mallinfo2 is None:
        pytest.skip("mallinfo2 came with glibc 2.33")
    mallinfo2.restype = Mallinfo
    gc.collect()
    info = mallinfo2()
    return info.uordblks + info.hblkhd


@glibc
@no_sanitizer
@pytest.mark.parametrize(
    ("widths", "batch", "optimizer"),
    [([900, 900], 256, "adam"), ([300] * 8, 700, "sgd"), ([1500], 32, "rmsprop")],
)
def test_plan_tells_the_memory_of_training(widths, batch, optimizer):
    rng = np.random.default_rng(0)
    x = rng.random((750, 700), np.float32)
    in_use = []

    class Look(fastnn.callbacks.Callback):
        def on_train_batch_end(self, number: int, logs: object = None) -> None:
            in_use.append(_bytes_in_use())

    before = _bytes_in_use()
    layers = [Dense(width, activation="relu") for width in widths]
    model = fastnn.Sequential([Input((700,)), *layers, Dense(700)])
    model.compile(optimizer, "mse")
    model.fit(x, x, batch, verbose=0, callbacks=[Look()])
    measured = max(in_use) - before
    plan = model.plan(x, x, batch)
    assert plan.total_bytes == pytest.approx(measured, rel=0.05)
    assert f"{plan.total_bytes:,} B" in str(plan)


def test_a_shorter_last_batch_shares_the_memory_of_the_others():
    x = np.ones((100, 50), np.float32)

    def memory(rows: int) -> dict[str, int]:
        model = fastnn.Sequential([Input((50,)), Dense(50, activation="relu"), Dense(50)])
        model.compile("sgd", "mse")
        return model.plan(x[:rows], x[:rows], batch_size=40).memory

    whole, ragged = memory(80), memory(100)
    assert ragged["intermediate values"] == whole["intermediate values"]
    assert ragged["workspace"] == whole["workspace"]


def test_a_plan_changes_nothing():
    x, y = np.ones((7, 3)), np.ones((7, 2))

    def train(planned: bool) -> list[np.ndarray]:
        fastnn.utils.set_random_seed(3)
        model = fastnn.Sequential([Input((3,)), Dense(2)])
        model.compile("adam", "mse")
        if planned:
            plan = model.plan(x, y, batch_size=64)
            assert plan.batch_size == 7
            assert "matmul" in plan.kernels
        model.fit(x, y, batch_size=2, epochs=2, verbose=0)
        return model.get_weights()

    for a, b in zip(train(True), train(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_plan_refuses_a_batch_of_nothing():
    model = fastnn.Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="batch_size"):
        model.plan(np.ones((4, 2)), np.ones(4), batch_size=0)


def test_plan_needs_a_compiled_model():
    with pytest.raises(RuntimeError, match="compile"):
        fastnn.Sequential([Dense(1, input_dim=2)]).plan(np.ones((4, 2)), np.ones(4))
