"""Free energies, and the pseudo-likelihood that needs no partition function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastnn import ops
from fastnn._tensor import Tensor

if TYPE_CHECKING:
    from fastnn.models.boltzmann._rbm import RBM


def free_energy(rbm: RBM, v: Tensor, field: Tensor | None = None) -> Any:
    """F(v) = visible part - sum over the hidden units of log(1 + exp(v W + c)), shape (rows,).

    Args:
        rbm: the machine.
        v: visible states.
        field: v W + c, where it is there already.
    """
    if field is None:
        field = rbm.hidden_field(v)
    return rbm.kind.energy(v, rbm.visible_bias) - _summed_out(rbm, field)


def _summed_out(rbm: RBM, field: Tensor) -> Any:
    return ops.sum(rbm.hidden_kind.summed_out(field, rbm.hidden_bias), axis=1)


def pseudo_log_likelihood(rbm: RBM, v: Tensor, field: Tensor | None = None) -> Any:
    """n log sigmoid(F(v with one unit flipped) - F(v)), one unit a row drawn at random.

    The flip changes the hidden field by one row of the kernel: no product is needed.
    """
    if field is None:
        field = rbm.hidden_field(v)
    n = rbm.kernel.shape[0]
    rows = v.dims[0]
    unit = ops.cast(ops.floor(ops.random_uniform((rows,), 0.0, float(n), v.dtype)), "int64")
    value = ops.take_along_axis(v, ops.expand_dims(unit, 1), axis=1)  # (rows, 1)
    change = 1.0 - 2.0 * value
    flipped = field + change * ops.take(rbm.kernel, unit, axis=0)
    bias = ops.take(rbm.visible_bias, unit)
    difference = _summed_out(rbm, field) - _summed_out(rbm, flipped)
    difference = difference - ops.reshape(change, (-1,)) * bias
    return float(n) * ops.log_sigmoid(difference)
