"""What several test files share."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastnn
from fastnn import _core, _devices

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    # A background job of a shell starts with SIGINT ignored; tests of Ctrl-C would wait for ever.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public data sets; tests that need it are skipped where there is none."""
    folder = Path(os.environ.get("FASTNN_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data sets: {folder} is not there (FASTNN_DATA names the folder)")
    return folder


@pytest.fixture(params=_core.kernel_tables())
def table(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each set of kernels in turn, the reference's and those of the instruction sets."""
    before = _core.active_table()
    _core.set_active_table(request.param)
    yield request.param
    _core.set_active_table(before)


@pytest.fixture
def each_order(cuda: str) -> Iterator[Iterator[int]]:
    """Orders in which the emulated GPU's threads and blocks take turns, set as they are given."""
    module = importlib.import_module("fastnn._cuda")
    if not hasattr(module, "set_order"):
        pytest.skip("a GPU's threads take turns as they like")
    before = module.set_order(0)

    def orders() -> Iterator[int]:
        for order in (0, -1, 7):
            module.set_order(order)
            yield order

    yield orders()
    module.set_order(before)


@pytest.fixture(scope="session")
def cuda() -> Iterator[str]:
    """The device "cuda": a GPU, or the emulated one of a build with FASTNN_CUDA=EMULATED.

    FASTNN_CUDA_BUILD names the folder of the module, which lies outside of the package.
    """
    build = Path(os.environ.get("FASTNN_CUDA_BUILD") or ROOT / "build" / "cuda-emulated")
    fastnn.__path__.append(str(build))
    try:
        yield _devices.require("cuda")
    except fastnn.DeviceError as error:
        pytest.skip(f"no device: {error}; the preset cuda-emulated builds one that needs no GPU")
    finally:
        fastnn.__path__.remove(str(build))
