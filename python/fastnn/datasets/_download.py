"""pooch, where it is installed: an extra (``pip install 'fastnn[download]'``)."""

from __future__ import annotations

from pathlib import Path


class UnavailableError(Exception):
    """A file cannot be downloaded; the text says what to do or what happened."""


def fetch(name: str, url: str, known_hash: str, file_name: str) -> Path:
    """A published file, from the user's cache or downloaded into it.

    Args:
        name: the data set, a folder of the cache.
        url: of the file.
        known_hash: algorithm and sum, as in "md5:d53e…"; a file that does not have it is refused.
        file_name: in the cache.

    Raises:
        UnavailableError: pooch is not installed, or the download failed.
        ValueError: the file is not the published one.
    """
    try:
        import pooch
    except ImportError:
        raise UnavailableError("pip install 'fastnn[download]'") from None
    cache = pooch.os_cache("fastnn") / name
    try:
        return Path(pooch.retrieve(url, known_hash, fname=file_name, path=cache))
    except OSError as error:
        raise UnavailableError(f"that was tried, and {url} failed: {error}") from error
