"""Data to learn from: tables as dicts of NumPy columns, images and labels as arrays."""

from fastnn.datasets import digits, fashion_mnist, mnist
from fastnn.datasets._idx import read_idx
from fastnn.datasets.churn import load_churn, make_churn

__all__ = ["digits", "fashion_mnist", "load_churn", "make_churn", "mnist", "read_idx"]
