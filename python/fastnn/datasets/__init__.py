"""Tables to learn from, as dicts of NumPy columns."""

from fastnn.datasets.churn import load_churn, make_churn

__all__ = ["load_churn", "make_churn"]
