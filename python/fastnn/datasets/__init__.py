"""Data to learn from: tables as dicts of NumPy columns, images and labels as arrays, texts."""

from fastnn.datasets import digits, fashion_mnist, mnist, shakespeare, sst
from fastnn.datasets._idx import read_idx
from fastnn.datasets._text import read_text
from fastnn.datasets.churn import load_churn, make_churn

__all__ = [
    "digits",
    "fashion_mnist",
    "load_churn",
    "make_churn",
    "mnist",
    "read_idx",
    "read_text",
    "shakespeare",
    "sst",
]
