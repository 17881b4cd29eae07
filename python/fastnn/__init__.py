"""fastnn: neural networks described in Python and run in C++.

Example:
    >>> import fastnn
    >>> x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
    >>> g = (x + y) * z
    >>> float(fastnn.function([x, y, z], g)(1, 3, -3))
    -12.0
"""

from . import (
    activations,
    callbacks,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    ops,
    optimizers,
    preprocessing,
    regularizers,
    utils,
)
from ._core import __version__
from ._tensor import Tensor, Variable
from .config import get_num_threads, set_num_threads, show_config
from .graph import evaluate, function, grad, placeholder, scan, shared
from .models import Input, Model, Sequential

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "Tensor",
    "Variable",
    "__version__",
    "activations",
    "callbacks",
    "constraints",
    "datasets",
    "evaluate",
    "function",
    "get_num_threads",
    "grad",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "ops",
    "optimizers",
    "placeholder",
    "preprocessing",
    "regularizers",
    "scan",
    "set_num_threads",
    "shared",
    "show_config",
    "utils",
]
