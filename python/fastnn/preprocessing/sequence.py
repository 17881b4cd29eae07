"""Where Keras has pad_sequences."""

from fastnn.utils import pad_sequences

__all__ = ["pad_sequences"]
