"""MNIST: 70 000 handwritten digits of 28 by 28 grey levels."""

from __future__ import annotations

import os

from fastnn.datasets._images import ImageSet, Part, hashes

_SET = ImageSet(
    "mnist",
    ("mnist", "MNIST/raw", ""),
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    hashes(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Part, Part]:
    """Handwritten digits (LeCun, Cortes, Burges), as ``keras.datasets.mnist.load_data`` gives them.

    Looked for, in this order: the folder `path`; ``mnist``, ``MNIST/raw`` and the folder itself
    where the environment variable FASTNN_DATA points; a download
    (``pip install 'fastnn[download]'``), checked by its sum and kept in the user's cache. The files
    are those published, compressed or not: ``train-images-idx3-ubyte[.gz]`` and so on.

    Args:
        path: the folder that holds the four files.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``: uint8 images of shapes (60000, 28, 28) and
        (10000, 28, 28) with grey levels 0 (paper) to 255 (ink), and uint8 labels 0 to 9 of shapes
        (60000,) and (10000,).

    Raises:
        FileNotFoundError: the files are not there, and cannot be downloaded.
        ValueError: a file is damaged, cut off, or holds something else.

    Example:
        >>> (x, y), _ = load_data()  # doctest: +SKIP
        >>> x[..., None].astype("float32") / 255  # doctest: +SKIP
    """
    return _SET.load(path)
