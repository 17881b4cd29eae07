"""fastnn: neural networks described in Python and run in C++.

Example:
    >>> import fastnn
    >>> x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
    >>> g = (x + y) * z
    >>> float(fastnn.function([x, y, z], g)(1, 3, -3))
    -12.0
"""

from . import ops
from ._core import __version__
from ._tensor import Tensor, Variable
from .config import get_num_threads, set_num_threads, show_config
from .graph import evaluate, function, grad, placeholder, scan, shared

__all__ = [
    "Tensor",
    "Variable",
    "__version__",
    "evaluate",
    "function",
    "get_num_threads",
    "grad",
    "ops",
    "placeholder",
    "scan",
    "set_num_threads",
    "shared",
    "show_config",
]
