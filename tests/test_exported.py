"""Every operation that prediction can need is said in ONNX and in C, or is known not to be."""

from __future__ import annotations

from fastnn import _core
from fastnn.io._c_ops import ALIASES, WRITERS
from fastnn.io._onnx_ops import CONVERTERS

# What only training has, and what draws numbers.
TRAINING = {
    "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy",
    "sum_to_like", "max_pool_take", "optimizer_step", "random_uniform", "random_normal",
    "random_truncated_normal", "random_bernoulli",
}  # fmt: skip
# What has no counterpart: images resized or turned by interpolation, and what trees need.
NONE = {"affine_transform", "pairs", "tree_scan"}
# Leaves, aliases and loops are not written by an entry of C's table.
ELSEWHERE = {"placeholder", "parameter", "variable", "constant", "loop", *ALIASES}


def predicted():
    names = {op["name"] for op in _core.op_table()}
    gradients = {n for n in names if n.endswith("_grad") and n != "conv_input_grad"}
    return names - gradients - TRAINING


def test_onnx_says_every_operation():
    assert predicted() - set(CONVERTERS) == NONE


def test_c_says_every_operation():
    assert predicted() - set(WRITERS) - ELSEWHERE == NONE
