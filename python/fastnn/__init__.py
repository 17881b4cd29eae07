"""fastnn: neural networks described in Python and run in C++.

Example:
    >>> import fastnn
    >>> x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
    >>> g = (x + y) * z
    >>> float(fastnn.function([x, y, z], g)(1, 3, -3))
    -12.0
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import ops
from ._core import DeviceArray, __version__
from ._devices import (
    DeviceError,
    get_device,
    get_matmul_precision,
    set_device,
    set_matmul_precision,
)
from ._tensor import Tensor, Variable
from .config import get_cmake_dir, get_include, get_num_threads, set_num_threads, show_config
from .graph import evaluate, function, grad, placeholder, scan, shared, tree_scan

if TYPE_CHECKING:
    from . import (
        activations,
        backend,
        callbacks,
        constraints,
        data,
        datasets,
        initializers,
        io,
        layers,
        losses,
        metrics,
        models,
        optimizers,
        plotting,
        preprocessing,
        random,
        regularizers,
        saving,
        tables,
        utils,
    )
    from . import sklearn as sklearn
    from .drawing import draw
    from .initializers import Initializer
    from .layers import Layer
    from .losses import Loss
    from .metrics import Metric
    from .models import Input, Model, Sequential, load_model
    from .optimizers import Optimizer
    from .regularizers import Regularizer

# Loaded when they are first asked for: `import fastnn` stays quick.
_SUBMODULES = (
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "data",
    "datasets",
    "initializers",
    "io",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "plotting",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "sklearn",
    "tables",
    "utils",
)
_NAMES = {
    "Initializer": "initializers",
    "Input": "models",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "draw": "drawing",
    "load_model": "models",
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "DeviceArray",
    "DeviceError",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "data",
    "datasets",
    "draw",
    "evaluate",
    "function",
    "get_cmake_dir",
    "get_device",
    "get_include",
    "get_matmul_precision",
    "get_num_threads",
    "grad",
    "initializers",
    "io",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "placeholder",
    "plotting",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "scan",
    "set_device",
    "set_matmul_precision",
    "set_num_threads",
    "shared",
    "show_config",
    "tables",
    "tree_scan",
    "utils",
]
