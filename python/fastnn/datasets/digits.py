"""scikit-learn's digits: small, and needing no download (``pip install 'fastnn[sklearn]'``)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images (n, 8, 8) of 0 to 16, and their labels (n,)."""


def load_data(test_size: float = 0.2, seed: int | None = 0) -> tuple[Part, Part]:
    """1797 handwritten digits of 8 by 8 pixels, in a training and a test part.

    They are the test part of the UCI set "Optical Recognition of Handwritten Digits" (Alpaydin and
    Kaynak 1998), which comes with scikit-learn.

    Args:
        test_size: the share of the test part, which has ``ceil(1797 * test_size)`` rows.
        seed: shuffles the rows before they are split, alike with every version of NumPy; None keeps
            their order, in which the last rows are by other writers than the first and harder.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 images of shape (n, 8, 8), 0 (paper) to 16
        (ink), and uint8 labels 0 to 9 of shape (n,); n is 1437 and 360 by default.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: `test_size` leaves a part empty, or `seed` is out of 0 to 2**32 - 1.

    Example:
        >>> (x, y), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x[..., None].astype("float32") / 16  # doctest: +SKIP
    """
    if not isinstance(test_size, (int, float)) or not 0.0 < test_size < 1.0:
        raise ValueError(f"digits.load_data expected test_size between 0 and 1, got {test_size!r}")
    if seed is not None and not 0 <= seed < 2**32:
        raise ValueError(f"digits.load_data expected a seed of 0 to 2**32 - 1, got {seed}")
    images, labels = _from_scikit_learn()
    rows = len(labels)
    held = int(np.ceil(rows * test_size))
    if held >= rows:
        raise ValueError(f"digits.load_data: test_size={test_size} leaves no row to train on")
    # RandomState and not Generator: NumPy promises that its streams never change.
    order = np.arange(rows) if seed is None else np.random.RandomState(seed).permutation(rows)
    train, test = order[: rows - held], order[rows - held :]
    return (images[train], labels[train]), (images[test], labels[test])


def _from_scikit_learn() -> Part:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError(
            f"the digits come with scikit-learn, which cannot be imported ({error});"
            " install it with: pip install 'fastnn[sklearn]'"
        ) from error
    bunch = load_digits()
    return bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
