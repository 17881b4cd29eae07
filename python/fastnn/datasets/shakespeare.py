"""Tiny Shakespeare: a million characters of plays, in 65 different ones."""

from __future__ import annotations

import os
from pathlib import Path

from fastnn.datasets import _download
from fastnn.datasets._text import read_text

_FILE = "tinyshakespeare.txt"
_URL = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
_HASH = "sha256:86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def load_text(path: str | os.PathLike[str] | None = None) -> str:
    """The text of char-rnn (Karpathy 2015), to learn a language model of characters from.

    Looked for, in this order: the file `path`; ``tinyshakespeare.txt`` in the folder that the
    environment variable FASTNN_DATA names; a download (``pip install 'fastnn[download]'``), checked
    by its sum and kept in the user's cache.

    Args:
        path: the file.

    Returns:
        The text, of 1 115 394 characters.

    Raises:
        FileNotFoundError: the file is not there, and cannot be downloaded.
        ValueError: the file is no UTF-8 text.
    """
    if path is not None:
        return read_text(path)
    root = os.environ.get("FASTNN_DATA")
    if root and (Path(root) / _FILE).is_file():
        return read_text(Path(root) / _FILE)
    try:
        return read_text(_download.fetch("shakespeare", _URL, _HASH, _FILE))
    except _download.UnavailableError as error:
        raise FileNotFoundError(
            f"shakespeare.load_text found no {_FILE}. Give the file as path; or put it into the"
            f" folder that the environment variable FASTNN_DATA names (it is {root or 'not set'});"
            f" or have it downloaded by pooch: {error}"
        ) from None
