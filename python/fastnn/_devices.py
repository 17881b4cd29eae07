"""Where programs run: this processor, or an NVIDIA GPU, whose module is loaded when asked for."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from . import _core

DeviceError = _core.DeviceError
NAMES = ("cpu", "cuda")
PRECISIONS = ("highest", "high")

_precision = "highest"
_module: Any = None  # fastnn._cuda, once a GPU was found


def require(name: str) -> str:
    """The name of a device that is there, loaded where needed.

    Args:
        name: "cpu" or "cuda".

    Raises:
        ValueError: for another name.
        DeviceError: where the device, its driver or fastnn's module for it is missing.
    """
    if name not in NAMES:
        raise ValueError(f"device: expected 'cpu' or 'cuda', got {name!r}")
    global _module
    if name == "cuda":
        try:
            module = import_module("fastnn._cuda")
        except ImportError as error:
            raise DeviceError(
                "fastnn was built without its module for NVIDIA GPUs, fastnn._cuda "
                f"({error}): build it with -DFASTNN_CUDA=ON"
            ) from error
        _core.add_device(module.device())
        module.find_cublas("\n".join(_cublas_folders()))
        _apply(module, _precision)
        _module = module
    return name


def _cublas_folders() -> list[str]:
    """Where NVIDIA's Python packages have their libraries: nvidia-cublas and its older names."""
    found = (Path(folder).glob("nvidia/*/lib") for folder in sys.path if folder)
    return sorted({str(lib) for libs in found for lib in libs})


def _apply(module: Any, precision: str) -> None:
    if precision == "high":
        there, where = module.cublas()
        if not there:
            raise DeviceError(
                f"[set_matmul_precision] 'high' needs NVIDIA's cublasLt on the GPU; it is {where}: "
                "install nvidia-cublas, or set 'highest'"
            )
    module.set_tf32(precision == "high")


def set_matmul_precision(precision: str) -> None:
    """Sets how precise matrix products of float32 have to be on a GPU.

    As PyTorch's ``set_float32_matmul_precision``. It holds for large products (each side at least
    64, and 2^27 multiplications in all) of what is called from now on: ``fit``, ``predict``,
    functions. Smaller products, float64 and this processor always compute in full.

    Args:
        precision: "highest", the default, computes in full float32. "high" lets tensor cores round
            the factors to TF32, 10 bits after the binary point: several times as fast, with
            relative errors of 1e-3 in each factor. Sums are float32 in both.

    Raises:
        ValueError: for another precision.
        DeviceError: for "high" where a GPU is in use and NVIDIA's cublasLt is not found. Without
            it, "highest" runs fastnn's own kernels; :func:`fastnn.show_config` says so.

    Example:
        >>> import fastnn
        >>> fastnn.set_matmul_precision("high")
        >>> fastnn.get_matmul_precision()
        'high'
        >>> fastnn.set_matmul_precision("highest")
    """
    global _precision
    if precision not in PRECISIONS:
        raise ValueError(f"[set_matmul_precision] expected 'highest' or 'high', got {precision!r}")
    if _module is not None:
        _apply(_module, precision)
    _precision = precision


def get_matmul_precision() -> str:
    """How precise large matrix products of float32 have to be on a GPU.

    Example:
        >>> import fastnn
        >>> fastnn.get_matmul_precision()
        'highest'
    """
    return _precision


def description() -> str:
    """The GPU in use and what its large matrix products run on, or that none is.

    Example:
        >>> description()
        'not in use'
    """
    if _module is None:
        return "not in use"
    there, where = _module.cublas()
    products = where if there else f"fastnn's own kernels; cublasLt is {where}"
    return f"{_core.device_description('cuda')}, large matrix products: {products}"


def set_device(name: str) -> None:
    """Sets where models, functions and estimators run that are compiled from now on.

    What was compiled before stays where it is. Variables move to the device that uses them. Files,
    seeds and random numbers are the same everywhere; sums may differ in their last bits. Operations
    on arrays run on this processor whatever is set.

    Args:
        name: "cpu", the default, or "cuda", an NVIDIA GPU.

    Raises:
        ValueError: for another name.
        DeviceError: where the device, its driver or fastnn's module for it is missing.

    Example:
        >>> import fastnn
        >>> fastnn.set_device("cpu")
        >>> fastnn.get_device()
        'cpu'
    """
    _core.set_default_device(require(name))


def get_device() -> str:
    """Where models and functions run that are compiled now.

    Example:
        >>> import fastnn
        >>> fastnn.get_device()
        'cpu'
    """
    return _core.default_device()
