"""Whether a model's last activation goes with its loss; what does not is warned of, not refused."""

from __future__ import annotations

import warnings
from typing import Any

from fastnn import losses
from fastnn._tensor import Tensor

_SIGMOID = (losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy)
_SOFTMAX = (
    losses.CategoricalCrossentropy,
    losses.CategoricalFocalCrossentropy,
    losses.SparseCategoricalCrossentropy,
)
# Operations whose results are no probabilities, whatever they are applied to.
_LINEAR = frozenset({"add", "subtract", "matmul", "conv"})
_UNBOUNDED = frozenset(
    {"relu", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "softplus", "mish", "tanh"}
)


def warn_of_mismatch(owner: str, name: str, output: Tensor, loss: Any) -> None:
    """Warns of an output that its loss makes no sense of.

    Args:
        owner: the class that the warning names.
        name: of the output.
        output: the tensor.
        loss: the loss object.
    """
    op = _last_operation(output)
    if op == "softmax" and output.ndim and output.shape[-1] == 1:
        _warn(owner, f"a softmax over the one unit of {name!r} is always 1: use a sigmoid")
        return
    if not isinstance(loss, (*_SIGMOID, *_SOFTMAX)):
        return
    logits = bool(loss.settings.get("from_logits", False))
    activation = "sigmoid" if isinstance(loss, _SIGMOID) else "softmax"
    if logits and op in ("sigmoid", "softmax"):
        _warn(
            owner,
            f"the loss {loss.name!r} was told from_logits=True, and the output {name!r} comes from "
            f"a {op}: leave out one of them",
        )
    elif not logits and (op in _LINEAR or op in _UNBOUNDED):
        got = "no activation" if op in _LINEAR else f"the activation {op!r}"
        _warn(
            owner,
            f"the loss {loss.name!r} expects probabilities, the output {name!r} has {got}: give "
            f"its last layer activation={activation!r}, or the loss from_logits=True",
        )


def _last_operation(output: Tensor) -> str:
    value = output._value
    while value.op in ("identity", "reshape"):
        value = value.inputs[0]
    return str(value.op)


def _warn(owner: str, text: str) -> None:
    warnings.warn(f"[{owner}] {text}", stacklevel=2)
