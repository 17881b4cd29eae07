"""Batches from arrays, files and generators, prepared in the background.

Arrays in memory need none of this: `fit` shuffles and gathers them in C++. A `Dataset` is for what
does not fit into memory, is read from many files, or is computed on the way.
"""

from fastnn.data._dataset import Dataset

__all__ = ["Dataset"]
