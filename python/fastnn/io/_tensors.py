"""Reading and writing safetensors files."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastnn.io import _header
from fastnn.io._atomic import replace_file
from fastnn.io._errors import FastnnFormatError

_PIECE = 1 << 20


class TensorFile:
    """An open safetensors file: its header is checked, its tensors are read one by one.

    Args:
        path: the file.

    Attributes:
        entries: the tensors by name.
        metadata: text by name.

    Raises:
        FastnnFormatError: for a file that is damaged, cut off or of another format.
        OSError: where it cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_file({"a": np.arange(3.0)}, path)
        >>> with TensorFile(path) as file:
        ...     file.read("a")
        array([0., 1., 2.])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self._file: IO[bytes] = open(path, "rb")  # noqa: SIM115 (closed by close)
        try:
            self.entries, self.metadata = self._read_header()
        except FastnnFormatError as error:
            self._file.close()
            raise FastnnFormatError(f"{self.path}: {error}") from error.__cause__
        except BaseException:
            self._file.close()
            raise

    def _read_header(self) -> tuple[dict[str, _header.Entry], dict[str, str]]:
        size = os.fstat(self._file.fileno()).st_size
        first = self._file.read(8)
        if len(first) < 8:
            raise FastnnFormatError(f"expected a safetensors file, got {size} bytes")
        length = int.from_bytes(first, "little")
        if length > min(_header.LIMIT, size - 8):
            raise FastnnFormatError(
                f"expected a header of at most {min(_header.LIMIT, size - 8)} bytes, it says "
                f"{length}: the file is cut off or no safetensors file"
            )
        header = self._file.read(length)
        if len(header) != length:
            raise FastnnFormatError("the file is cut off")
        self._start = 8 + length
        return _header.parse(header, size - self._start)

    def nbytes(self, name: str) -> int:
        """How many bytes a tensor takes in the file."""
        entry = self.entries[name]
        return entry.stop - entry.start

    def type_of(self, name: str) -> tuple[str, tuple[int, ...]]:
        """Dtype and shape that :meth:`read` will give.

        Raises:
            FastnnFormatError: for a name that the file does not have.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise FastnnFormatError(f"{self.path}: there is no tensor {name!r}")
        dtype = np.dtype(_header.DTYPES[entry.dtype][0]).newbyteorder("=").name
        return "float32" if entry.dtype == "BF16" else dtype, entry.shape

    def read(self, name: str) -> NDArray[Any]:
        """A tensor, copied from the file.

        Raises:
            FastnnFormatError: for a name that the file does not have, where it was cut off
                meanwhile, or holds no truth values where it says so.
        """
        entry = self.entries.get(name)
        if entry is None:
            raise FastnnFormatError(f"{self.path}: there is no tensor {name!r}")
        array = np.empty(entry.shape, _header.DTYPES[entry.dtype][0])
        self._file.seek(self._start + entry.start)
        if self._file.readinto(_bytes_of(array)) != array.nbytes:  # type: ignore[attr-defined]
            raise FastnnFormatError(f"{self.path}: tensor {name!r} is cut off")
        return _as_numbers(array, entry, f"{self.path}: tensor {name!r}")

    def copy_to(self, name: str, write: Callable[[int, memoryview], Any]) -> None:
        """Reads a tensor piece by piece.

        Args:
            name: of the tensor.
            write: receives the place of a piece, in bytes, and its bytes.

        Raises:
            FastnnFormatError: for a name that the file does not have, where it was cut off
                meanwhile, or for a dtype whose bytes have to be looked at.
        """
        entry = self.entries.get(name)
        if entry is None or entry.dtype in ("BOOL", "BF16"):
            raise FastnnFormatError(f"{self.path}: there are no bytes to copy for {name!r}")
        self._file.seek(self._start + entry.start)
        piece = memoryview(bytearray(min(_PIECE, self.nbytes(name))))
        for start in range(0, self.nbytes(name), _PIECE):
            wanted = piece[: self.nbytes(name) - start]
            if self._file.readinto(wanted) != len(wanted):  # type: ignore[attr-defined]
                raise FastnnFormatError(f"{self.path}: tensor {name!r} is cut off")
            write(start, wanted)

    def map(self) -> dict[str, NDArray[Any]]:
        """All tensors as read-only views of the file, which is read where they are looked at."""
        if os.fstat(self._file.fileno()).st_size == self._start:
            return {name: self.read(name) for name in self.entries}
        data = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        found = {}
        for name, entry in self.entries.items():
            dtype = np.dtype(_header.DTYPES[entry.dtype][0])
            count = (entry.stop - entry.start) // dtype.itemsize
            flat = np.frombuffer(data, dtype, count, self._start + entry.start)
            what = f"{self.path}: tensor {name!r}"
            found[name] = _as_numbers(flat.reshape(entry.shape), entry, what)
        return found

    def close(self) -> None:
        """Closes the file; mapped tensors stay."""
        self._file.close()

    def __enter__(self) -> TensorFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _bytes_of(array: NDArray[Any]) -> memoryview | bytearray:
    return array.reshape(-1).view(np.uint8).data if array.size else bytearray()


def _as_numbers(array: NDArray[Any], entry: _header.Entry, what: str) -> NDArray[Any]:
    if entry.dtype == "BOOL" and array.size and array.view(np.uint8).max() > 1:
        raise FastnnFormatError(f"{what} says BOOL and holds other bytes than 0 and 1")
    if entry.dtype == "BF16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


class Source(NamedTuple):
    """A tensor to be written.

    Attributes:
        dtype: NumPy's.
        shape: its sizes.
        get: gives the numbers, each time it is called.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    get: Callable[[], NDArray[Any]]


def write_tensors(
    path: str | os.PathLike[str], tensors: Mapping[str, Source], metadata: Mapping[str, str]
) -> None:
    """Writes a file beside the target and puts it in its place; one tensor at a time in memory.

    Args:
        path: the target.
        tensors: by name; written in the order of falling item size, so that each is aligned.
        metadata: text by name.

    Raises:
        OSError: where the file cannot be written; the target is left as it was.
        ValueError: for a dtype that the format does not have, or too much metadata.
    """
    order = sorted(tensors, key=lambda name: -tensors[name].dtype.itemsize)
    entries: dict[str, _header.Entry] = {}
    end = 0
    for name in order:
        dtype, shape, _ = tensors[name]
        code = _header.NAMES.get(dtype.newbyteorder("<").str)
        if code is None or name == _header.METADATA:
            raise ValueError(f"tensor {name!r} of dtype {dtype} cannot be written to a file")
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        entries[name] = _header.Entry(code, tuple(shape), end, end + size)
        end += size
    head = _header.build(entries, metadata)

    def write(file: IO[bytes]) -> None:
        file.write(head)
        for name in order:
            array = np.ascontiguousarray(tensors[name].get())
            file.write(_bytes_of(array.astype(array.dtype.newbyteorder("<"), copy=False)))

    replace_file(path, write)


def save_file(
    tensors: Mapping[str, ArrayLike],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes arrays to a safetensors file.

    Args:
        tensors: arrays of numbers by name.
        path: the file; replaced in one step where it exists.
        metadata: text by name; default none.

    Raises:
        OSError: where the file cannot be written; the target is left as it was.
        ValueError: for a dtype that the format does not have.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_file({"a": np.arange(3)}, path, {"unit": "metre"})
        >>> load_file(path)["a"]
        array([0, 1, 2])
    """
    arrays = {name: np.asarray(value) for name, value in tensors.items()}

    def source(array: NDArray[Any]) -> Source:
        return Source(array.dtype, array.shape, lambda: array)

    write_tensors(path, {name: source(a) for name, a in arrays.items()}, dict(metadata or {}))


def load_file(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, as read-only views of it.

    Args:
        path: the file, of fastnn or of any other program. While the arrays are used it may be
            replaced, but not cut off in its place.

    Returns:
        Arrays by name; bfloat16 as float32.

    Raises:
        FastnnFormatError: for a file that is damaged, cut off or of another format.
        OSError: where it cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_file({"a": np.ones((2, 1), "float32")}, path)
        >>> load_file(path)["a"].shape
        (2, 1)
    """
    with TensorFile(path) as file:
        return file.map()


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The metadata of a safetensors file: text by name, without a look at the tensors.

    Args:
        path: the file.

    Raises:
        FastnnFormatError: for a file that is damaged, cut off or of another format.
        OSError: where it cannot be read.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.safetensors"
        >>> save_file({}, path, {"unit": "metre"})
        >>> read_metadata(path)["unit"]
        'metre'
    """
    with TensorFile(path) as file:
        return file.metadata
