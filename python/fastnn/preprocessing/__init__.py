"""From a table of columns to the matrix a network trains on. NumPy is all it needs.

The classes remember what they saw when they were fitted, so that new rows are transformed with the
training rows' classes, means and deviations.
"""

from fastnn.preprocessing._columns import LabelEncoder, StandardScaler
from fastnn.preprocessing._evaluation import confusion_matrix, train_test_split
from fastnn.preprocessing._table import TableEncoder, churn_encoder

__all__ = [
    "LabelEncoder",
    "StandardScaler",
    "TableEncoder",
    "churn_encoder",
    "confusion_matrix",
    "train_test_split",
]
