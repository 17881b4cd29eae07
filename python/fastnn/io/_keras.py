"""Files that Keras has written: .keras archives and HDF5 files, read as data and nothing else.

No member is unpacked under its own name, no link is followed, nothing is imported or evaluated,
and no more is read than the file has.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fastnn.io._errors import FastnnFormatError
from fastnn.io._header import LIMIT, strict_json

_COPY = 1 << 20
# Zip members that unpack to more than this many times their size are bombs; Keras stores plainly.
_RATIO = 100

# Where a layer keeps variables of the parts inside of it, in the order of its own weights.
_PARTS = ("cell", "cells", "forward_layer", "backward_layer", "layer", "layers")


def _h5py() -> Any:
    try:
        import h5py
    except ImportError as error:
        raise ImportError(
            "reading files of Keras needs h5py: pip install 'fastnn[formats]'"
        ) from error
    return h5py


class KerasFile:
    """An open file of Keras: the configuration of its model, if it has one, and its weights.

    Args:
        config: the model as Keras describes it, or None for a file of weights.
        root: the open HDF5 file.
        legacy: whether weights lie under layers' names, as in .h5 files of whole models.
    """

    def __init__(self, config: dict[str, Any] | None, root: Any, legacy: bool) -> None:
        self.config = config
        self.legacy = legacy
        self._h5 = _h5py()
        self._root = root

    def nbytes(self) -> int:
        """The size of all numbers in the file; each is really there.

        Raises:
            FastnnFormatError: for links, or arrays that are smaller in the file than in memory.
        """
        return sum(self._checked(item) for item in self._walk(self._root))

    def _walk(self, group: Any, depth: int = 0) -> Iterator[Any]:
        if depth > 100:
            raise FastnnFormatError("the groups of the file are nested too deeply")
        for name in group:
            if not isinstance(group.get(name, getlink=True), self._h5.HardLink):
                raise FastnnFormatError(f"{group.name}/{name} is a link to elsewhere")
            item = group[name]
            if isinstance(item, self._h5.Group):
                yield from self._walk(item, depth + 1)
            else:
                yield item

    def _checked(self, item: Any) -> int:
        if not isinstance(item, self._h5.Dataset) or item.is_virtual or item.external:
            raise FastnnFormatError(f"{item.name} holds no numbers of its own")
        if item.dtype.kind not in "fiub":
            raise FastnnFormatError(f"{item.name}: expected numbers, got dtype {item.dtype}")
        stored = item.id.get_storage_size()
        if stored < item.nbytes:
            raise FastnnFormatError(
                f"{item.name} of shape {item.shape} takes {item.nbytes} bytes, the file has "
                f"{stored}: compressed weights are not read"
            )
        return int(item.nbytes)

    def _group(self, *path: str) -> Any:
        group = self._root
        for part in path:
            group = group.get(part) if isinstance(group, self._h5.Group) else None
        return group if isinstance(group, self._h5.Group) else None

    # --- weights by the place of layers (.keras, .weights.h5)

    def layer_weights(self, path: Sequence[str]) -> list[NDArray[Any]]:
        """The variables of a layer and of the layers inside of it, in Keras's order.

        Args:
            path: names of groups that lead to it.
        """
        group = self._group(*path)
        return [] if group is None else [np.asarray(item) for item in self._variables(group)]

    def has_layers(self, path: Sequence[str]) -> bool:
        """Whether what lies there has layers of its own."""
        return self._group(*path, "layers") is not None

    def _variables(self, group: Any) -> Iterator[Any]:
        held = group.get("vars")
        if isinstance(held, self._h5.Group):
            yield from (held[name] for name in sorted(held, key=_number))
        parts = [name for name in group if name not in ("vars", "seed_generator")]
        for name in sorted(parts, key=lambda name: (_place(name), name)):
            if isinstance(group[name], self._h5.Group):
                yield from self._variables(group[name])

    # --- weights by the names of layers (.h5 of whole models)

    def named_weights(self, name: str) -> list[NDArray[Any]]:
        """The weights of a layer of a legacy file, in Keras's order.

        Args:
            name: the layer's.

        Raises:
            FastnnFormatError: where the file lists weights that it does not have.
        """
        outer = self._group("model_weights") or self._root
        group = outer.get(name)
        if not isinstance(group, self._h5.Group):
            return []
        found = []
        for path in self._names(group, "weight_names"):
            item = group.get(path)
            if not isinstance(item, self._h5.Dataset):
                raise FastnnFormatError(f"{group.name}: the weight {path!r} is not there")
            found.append(np.asarray(item))
        return found

    def _names(self, group: Any, key: str) -> list[str]:
        """A list of names; HDF5 splits long ones over key0, key1, and so on."""
        keys = [key] if key in group.attrs else []
        while f"{key}{len(keys)}" in group.attrs:
            keys.append(f"{key}{len(keys)}")
        names = [name for k in keys for name in np.asarray(group.attrs[k]).ravel().tolist()]
        return [n.decode("utf-8", "replace") if isinstance(n, bytes) else str(n) for n in names]


def _number(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isascii() and name.isdigit() else (1 << 60, name)


def _place(name: str) -> int:
    return _PARTS.index(name) if name in _PARTS else len(_PARTS)


@contextmanager
def open_keras(path: str | os.PathLike[str]) -> Iterator[KerasFile]:
    """Opens a .keras archive, a .h5 file of a whole model, or a .weights.h5 file.

    Args:
        path: the file.

    Raises:
        FastnnFormatError: for a file that is damaged or of another format.
        ImportError: without h5py.
        OSError: where it cannot be read.
    """
    h5 = _h5py()
    name = os.fspath(path)
    with open(path, "rb") as file:
        try:
            if zipfile.is_zipfile(file):
                with _from_archive(file, h5) as found:
                    yield found
            else:
                with _open(h5, file) as root:
                    config = _config_of(root)
                    legacy = config is not None or "layer_names" in root.attrs
                    yield KerasFile(config, root, legacy)
        except FastnnFormatError as error:
            raise FastnnFormatError(f"{name}: {error}") from error
        except (zipfile.BadZipFile, EOFError, RuntimeError, KeyError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise FastnnFormatError(f"{name}: expected a file of Keras: {error}") from error


@contextmanager
def _open(h5: Any, file: IO[bytes]) -> Iterator[Any]:
    file.seek(0)
    with h5.File(file, "r") as root:
        yield root


def _config_of(root: Any) -> dict[str, Any] | None:
    text = root.attrs.get("model_config")
    if text is None:
        return None
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return strict_json(str(text), "model_config")


@contextmanager
def _from_archive(file: IO[bytes], h5: Any) -> Iterator[KerasFile]:
    with zipfile.ZipFile(file) as archive, tempfile.TemporaryFile() as weights:
        config = _member(archive, "config.json", LIMIT)
        with tempfile.SpooledTemporaryFile(LIMIT) as text:
            _copy(archive, config, text)
            text.seek(0)
            described = strict_json(text.read(), "config.json")
        _copy(archive, _member(archive, "model.weights.h5", None), weights)
        with _open(h5, weights) as root:
            yield KerasFile(described, root, False)


def _member(archive: zipfile.ZipFile, name: str, limit: int | None) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename == name]
    if len(found) != 1:
        raise FastnnFormatError(f"expected one {name} in the archive, got {len(found)}")
    info = found[0]
    most = _RATIO * info.compress_size + _COPY if limit is None else limit
    if info.file_size > most:
        raise FastnnFormatError(
            f"{name} unpacks from {info.compress_size} to {info.file_size} bytes"
        )
    return info


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, target: IO[bytes]) -> None:
    """Unpacks a member into an unnamed file, and no more of it than it says."""
    with archive.open(info) as source:
        shutil.copyfileobj(source, target, _COPY)
        if target.tell() != info.file_size:
            raise FastnnFormatError(f"{info.filename} has another size than the archive says")
