"""Where programs run: this processor, or an NVIDIA GPU, whose module is loaded when asked for."""

from __future__ import annotations

from importlib import import_module

from . import _core

DeviceError = _core.DeviceError
NAMES = ("cpu", "cuda")


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
    if name == "cuda":
        try:
            module = import_module("fastnn._cuda")
        except ImportError as error:
            raise DeviceError(
                "fastnn was built without its module for NVIDIA GPUs, fastnn._cuda "
                f"({error}): build it with -DFASTNN_CUDA=ON"
            ) from error
        _core.add_device(module.device())
    return name


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
