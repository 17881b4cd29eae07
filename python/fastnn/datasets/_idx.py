"""IDX, the format of MNIST's files; a header is checked against its file before memory is taken."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP = b"\x1f\x8b"
# Deflate makes at most 1032 bytes of one: a run of 258 in two bits.
_MOST_DEFLATED = 1032
_PIECE = 1 << 20


def read_idx(
    path: str | os.PathLike[str],
    shape: Sequence[int | None] | None = None,
    max_bytes: int = 1 << 31,
) -> NDArray[Any]:
    """Reads an IDX file, compressed by gzip or not.

    The format is two zero bytes, a byte for the type of the numbers, a byte for how many axes there
    are, their sizes as big-endian 32-bit numbers, and the numbers, big-endian, last axis fastest
    (LeCun, Cortes, Burges: The MNIST database of handwritten digits). Whether a file is compressed
    is seen from its first bytes, not from its name.

    Args:
        path: the file.
        shape: what is expected, None for an axis of any size; None accepts any shape.
        max_bytes: what the array may take; a file that needs more is refused unread.

    Returns:
        An array in the machine's byte order: uint8, int8, int16, int32, float32 or float64.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no IDX file, holds another shape, is larger than `max_bytes`, or is
            shorter or longer than its header says; or its compression is damaged.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "labels-idx1-ubyte"
        ...     _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1]))
        ...     read_idx(file, shape=(None,))
        array([7, 2, 1], dtype=uint8)
    """
    path = Path(path)
    with path.open("rb") as file:
        compressed = file.read(2) == _GZIP
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if not compressed:
            return _read(file, path, size, True, shape, max_bytes)
        try:
            with gzip.GzipFile(fileobj=file) as inside:
                limit = size * _MOST_DEFLATED
                return _read(cast(BinaryIO, inside), path, limit, False, shape, max_bytes)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"{path}: the gzip compression is damaged: {error}") from None


def _read(
    file: BinaryIO,
    path: Path,
    size: int,
    exact: bool,
    shape: Sequence[int | None] | None,
    max_bytes: int,
) -> NDArray[Any]:
    """Reads a file of `size` bytes, or of at most so many where that is not known exactly."""
    dtype, sizes = _read_header(file, path)
    _check_shape(path, sizes, shape)
    needed = math.prod(sizes) * dtype.itemsize
    if needed > max_bytes:
        raise ValueError(
            f"{path}: expected at most {max_bytes} bytes of numbers, got {needed} by the header's"
            f" shape {sizes} (max_bytes allows more)"
        )
    held = size - 4 - 4 * len(sizes)
    if needed > held or (exact and needed < held):
        raise ValueError(
            f"{path}: expected {needed} bytes behind the header, whose shape is {sizes}, got"
            f" {'' if exact else 'at most '}{held}"
        )
    data = np.empty(needed, np.uint8)
    got = _fill(file, data)
    if got < needed:
        raise ValueError(
            f"{path}: expected {needed} bytes behind the header, whose shape is {sizes}, got {got}"
        )
    # The byte behind the last one: there is none, and gzip checks its sum on the way to the end.
    if file.read(1):
        raise ValueError(
            f"{path}: expected {needed} bytes behind the header, whose shape is {sizes}, got more"
        )
    array = data.view(dtype).reshape(sizes)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(file: BinaryIO, path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = file.read(4)
    if len(magic) < 4:
        raise ValueError(f"{path}: expected an IDX file, got one of {len(magic)} bytes")
    if magic[:2] != b"\0\0" or magic[2] not in _DTYPES or magic[3] == 0:
        raise ValueError(
            f"{path}: expected an IDX file, which begins with 00 00, its type (08 to 0e) and its"
            f" number of axes, got {magic.hex(' ')}"
        )
    axes = magic[3]
    sizes = file.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise ValueError(f"{path}: the file ends within the sizes of its {axes} axes")
    return np.dtype(_DTYPES[magic[2]]), struct.unpack(f">{axes}I", sizes)


def _check_shape(path: Path, got: tuple[int, ...], shape: Sequence[int | None] | None) -> None:
    if shape is None:
        if len(got) > 32:
            raise ValueError(f"{path}: expected at most 32 axes, got {len(got)}")
        return
    fits = len(got) == len(shape) and all(
        want in (None, size) for want, size in zip(shape, got, strict=True)
    )
    if not fits:
        wanted = ", ".join("any" if n is None else str(n) for n in shape)
        raise ValueError(f"{path}: expected an array of shape ({wanted}), got {got}")


def _fill(file: BinaryIO, data: NDArray[np.uint8]) -> int:
    """Reads into `data` until it is full or the file ends; returns how much was read."""
    done = 0
    while done < data.size:
        piece = file.read(min(_PIECE, data.size - done))
        if not piece:
            break
        data[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
        done += len(piece)
    return done
