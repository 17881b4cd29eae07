"""Ops whose samples are no plain arrays: leaves, random numbers, loops, effects.

``SPECIAL`` names the test in test_special_ops.py that stands for the samples of each.
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
    "optimizer_step": "test_optimizer_step",
}
