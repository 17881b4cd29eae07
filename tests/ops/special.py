"""Ops whose samples are no plain arrays: leaves, random numbers, loops, several outputs, effects.

``SPECIAL`` names the test that stands for the samples of each: its file, where that is not
test_special_ops.py, and its function.
"""

from __future__ import annotations

SPECIAL = {
    "placeholder": "test_placeholder",
    "parameter": "test_parameter",
    "variable": "test_variable",
    "constant": "test_constant",
    "full": "test_full",
    "extent": "test_extent",
    "random_uniform": "test_random_uniform",
    "random_normal": "test_random_normal",
    "random_truncated_normal": "test_random_truncated_normal",
    "random_bernoulli": "test_random_bernoulli",
    "loop": "test_loop",
    "tree_scan": "test_tree_ops.test_equals_a_recursion",
    "tree_scan_grad": "test_tree_ops.test_gradients",
    "lstm": "test_recurrent_ops.test_equals_numpy",
    "lstm_grad": "test_recurrent_ops.test_gradients",
    "gru": "test_recurrent_ops.test_equals_numpy",
    "gru_grad": "test_recurrent_ops.test_gradients",
    "simple_rnn": "test_recurrent_ops.test_equals_numpy",
    "simple_rnn_grad": "test_recurrent_ops.test_gradients",
    "optimizer_step": "test_optimizer_step",
}
