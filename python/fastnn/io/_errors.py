"""What reading a file can raise."""

from __future__ import annotations


class FastnnFormatError(ValueError):
    """A file that is damaged, cut off, or no model at all.

    Example:
        >>> issubclass(FastnnFormatError, ValueError)
        True
    """
