"""Labelled images as MNIST publishes them: four IDX files, in a folder or downloaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets import _download
from fastnn.datasets._idx import read_idx

Part = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Images (n, 28, 28) of grey levels 0 to 255, and their labels (n,)."""


@dataclass(frozen=True)
class ImageSet:
    """A published set of 28 by 28 images in ten classes.

    Args:
        name: the module that loads it.
        folders: what its folder in FASTNN_DATA may be called; "" is FASTNN_DATA itself.
        url: the folder it is downloaded from.
        hashes: file name to the MD5 sum of the published file.
    """

    name: str
    folders: tuple[str, ...]
    url: str
    hashes: Mapping[str, str]

    def load(self, path: str | os.PathLike[str] | None) -> tuple[Part, Part]:
        """The training and the test part."""
        files = self._find(path)
        return self._part(files, "train", 60_000), self._part(files, "t10k", 10_000)

    def _part(self, files: Mapping[str, Path], name: str, count: int) -> Part:
        images = read_idx(_only(files, f"{name}-images"), (count, 28, 28))
        path = _only(files, f"{name}-labels")
        labels = read_idx(path, (count,))
        for array, kind in ((images, "images"), (labels, "labels")):
            if array.dtype != np.uint8:
                raise ValueError(
                    f"{_only(files, f'{name}-{kind}')}: expected unsigned bytes, got {array.dtype}"
                )
        if labels.max() > 9:
            first = int(np.argmax(labels > 9))
            raise ValueError(f"{path}: expected labels 0 to 9, got {labels[first]} at {first}")
        return images, labels

    def _find(self, path: str | os.PathLike[str] | None) -> dict[str, Path]:
        """The four files: of a given folder, of FASTNN_DATA, or downloaded."""
        if path is not None:
            return self._in_folder(Path(path))
        root = os.environ.get("FASTNN_DATA")
        for folder in [Path(root) / name for name in self.folders] if root else []:
            # One that lacks some of the files is meant, and broken: it is not passed over.
            if any(_published(folder, name) for name in self.hashes):
                return self._in_folder(folder)
        return self._download()

    def _in_folder(self, folder: Path) -> dict[str, Path]:
        """The four files of a folder, each compressed or not."""
        if not folder.is_dir():
            raise FileNotFoundError(f"{self.name}.load_data: {folder} is no folder")
        files = {}
        for name in self.hashes:
            found = _published(folder, name)
            if found is None:
                raise FileNotFoundError(
                    f"{self.name}.load_data: {folder} holds neither {name} nor"
                    f" {name.removesuffix('.gz')}"
                )
            files[name] = found
        return files

    def _download(self) -> dict[str, Path]:
        """The four files from pooch's cache; downloaded and checked where they are not there."""
        try:
            return {
                name: _download.fetch(self.name, self.url + name, f"md5:{md5}", name)
                for name, md5 in self.hashes.items()
            }
        except _download.UnavailableError as error:
            places = " or ".join(str(Path("$FASTNN_DATA") / f) for f in self.folders)
            raise FileNotFoundError(
                f"{self.name}.load_data found no data. Give the folder that holds"
                f" {', '.join(n.removesuffix('.gz') for n in self.hashes)} (as .gz or not) as path;"
                f" or put them into {places}, where FASTNN_DATA is an environment variable (it is"
                f" {os.environ.get('FASTNN_DATA') or 'not set'}); or have them downloaded by pooch:"
                f" {error}"
            ) from None


def _published(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder, compressed or not."""
    candidates = [folder / name, folder / name.removesuffix(".gz")]
    return next((file for file in candidates if file.is_file()), None)


def _only(files: Mapping[str, Path], beginning: str) -> Path:
    return next(path for name, path in files.items() if name.startswith(beginning))


def hashes(
    train_images: str, train_labels: str, test_images: str, test_labels: str
) -> dict[str, str]:
    """The four files' names with their MD5 sums."""
    return {
        "train-images-idx3-ubyte.gz": train_images,
        "train-labels-idx1-ubyte.gz": train_labels,
        "t10k-images-idx3-ubyte.gz": test_images,
        "t10k-labels-idx1-ubyte.gz": test_labels,
    }
