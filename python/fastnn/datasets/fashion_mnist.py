"""Fashion-MNIST: 70 000 pictures of clothes, in the form of MNIST."""

from __future__ import annotations

import os

from fastnn.datasets._images import ImageSet, Part, hashes

CLASSES = (
    "T-shirt/top", "trouser", "pullover", "dress", "coat",
    "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip
"""What the labels 0 to 9 stand for."""

# FASTNN_DATA itself is not among the folders: MNIST's files have the same names.
_SET = ImageSet(
    "fashion_mnist",
    ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    hashes(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
)


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[Part, Part]:
    """Clothes (Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747), a harder problem of MNIST's shape.

    Looked for, in this order: the folder `path`; ``fashion_mnist``, ``fashion-mnist`` and
    ``FashionMNIST/raw`` where the environment variable FASTNN_DATA points; a download
    (``pip install 'fastnn[download]'``), checked by its sum and kept in the user's cache.

    Args:
        path: the folder that holds the four files, compressed or not.

    Returns:
        ``(x_train, y_train), (x_test, y_test)``, as `fastnn.datasets.mnist.load_data`; `CLASSES`
        names the labels.

    Raises:
        FileNotFoundError: the files are not there, and cannot be downloaded.
        ValueError: a file is damaged, cut off, or holds something else.
    """
    return _SET.load(path)
