"""Operations, by NumPy's names: on arrays they compute now, on tensors they add a node.

Example:
    >>> import fastnn
    >>> from fastnn import ops
    >>> ops.tanh([0.0])
    array([0.])
    >>> ops.tanh(fastnn.placeholder((None,))).shape
    (None,)
"""

from . import _table
from ._table import *  # noqa: F403
from .convolution import (
    average_pool,
    conv,
    conv_transpose,
    depthwise_conv,
    max_pool,
    separable_conv,
)
from .image import affine_transform
from .math import (
    all,
    any,
    argmax,
    argmin,
    clip,
    logsumexp,
    matmul,
    max,
    mean,
    min,
    norm,
    prod,
    sum,
    where,
)
from .nn import (
    log_softmax,
    logits_of,
    optimizer_step,
    pairs,
    random_bernoulli,
    random_normal,
    random_truncated_normal,
    random_uniform,
    sigmoid_cross_entropy,
    softmax,
    softmax_cross_entropy,
    sparse_softmax_cross_entropy,
)
from .recurrent import gru, lstm, simple_rnn
from .shape import (
    broadcast_to,
    cast,
    concatenate,
    expand_dims,
    flip,
    full,
    getitem,
    one_hot,
    ones_like,
    pad,
    reshape,
    shape_of,
    split,
    squeeze,
    stack,
    stop_gradient,
    take,
    take_along_axis,
    transpose,
    zeros_like,
)

__all__ = [
    "affine_transform",
    "all",
    "any",
    "argmax",
    "argmin",
    "average_pool",
    "broadcast_to",
    "cast",
    "clip",
    "concatenate",
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "expand_dims",
    "flip",
    "full",
    "getitem",
    "gru",
    "log_softmax",
    "logits_of",
    "logsumexp",
    "lstm",
    "matmul",
    "max",
    "max_pool",
    "mean",
    "min",
    "norm",
    "one_hot",
    "ones_like",
    "optimizer_step",
    "pad",
    "pairs",
    "prod",
    "random_bernoulli",
    "random_normal",
    "random_truncated_normal",
    "random_uniform",
    "reshape",
    "separable_conv",
    "shape_of",
    "sigmoid_cross_entropy",
    "simple_rnn",
    "softmax",
    "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
    "split",
    "squeeze",
    "stack",
    "stop_gradient",
    "sum",
    "take",
    "take_along_axis",
    "transpose",
    "where",
    "zeros_like",
]
__all__ += _table.__all__
