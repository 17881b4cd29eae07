"""From tables, texts and series to the arrays a network trains on. NumPy is all it needs.

The classes remember what they saw when they were fitted, so that new rows are transformed with the
training rows' classes, means and deviations.
"""

from fastnn.preprocessing import sequence
from fastnn.preprocessing._columns import LabelEncoder, StandardScaler
from fastnn.preprocessing._evaluation import confusion_matrix, train_test_split
from fastnn.preprocessing._series import timeseries_dataset_from_array, timeseries_windows
from fastnn.preprocessing._table import TableEncoder, churn_encoder
from fastnn.preprocessing._tabular import TablePreprocessor
from fastnn.preprocessing._text import Vocabulary, next_token_streams, next_token_windows

__all__ = [
    "LabelEncoder",
    "StandardScaler",
    "TableEncoder",
    "TablePreprocessor",
    "Vocabulary",
    "churn_encoder",
    "confusion_matrix",
    "next_token_streams",
    "next_token_windows",
    "sequence",
    "timeseries_dataset_from_array",
    "timeseries_windows",
    "train_test_split",
]
