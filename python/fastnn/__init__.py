"""fastnn: neural networks described in Python and run in C++.

Example:
    >>> import fastnn
    >>> x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
    >>> g = (x + y) * z
    >>> float(fastnn.function([x, y, z], g)(1, 3, -3))
    -12.0
"""

from . import _core, ops
from ._core import __version__
from ._tensor import Tensor, Variable
from .graph import evaluate, function, grad, placeholder, scan, shared

__all__ = [
    "Tensor",
    "Variable",
    "__version__",
    "evaluate",
    "function",
    "grad",
    "ops",
    "placeholder",
    "scan",
    "shared",
]
