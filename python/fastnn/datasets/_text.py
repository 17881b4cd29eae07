"""Text files."""

from __future__ import annotations

import os
from pathlib import Path

_BYTE_ORDER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}


def read_text(path: str | os.PathLike[str], max_bytes: int = 1 << 30) -> str:
    r"""Reads a text file: UTF-8, with or without a byte order mark; any line end becomes ``\n``.

    Args:
        path: the file.
        max_bytes: a larger file is refused unread.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is larger than `max_bytes`, empty, or no UTF-8 text; the message names
            the line.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "poem.txt"
        ...     _ = file.write_bytes(b"two roads\r\ndiverged")
        ...     read_text(file)
        'two roads\ndiverged'
    """
    path = Path(path)
    size = path.stat().st_size
    if size > max_bytes:
        raise ValueError(f"{path}: expected at most {max_bytes} bytes, got {size}")
    content = path.read_bytes()
    if not content:
        raise ValueError(f"{path}: expected text, got an empty file")
    if encoding := _BYTE_ORDER_MARKS.get(content[:2]):
        raise ValueError(f"{path}: expected UTF-8 text, got {encoding}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: expected UTF-8 text, got the byte 0x{content[error.start]:02x}"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{path}, line {line}: expected text, got a NUL character")
    return text.replace("\r\n", "\n").replace("\r", "\n")
