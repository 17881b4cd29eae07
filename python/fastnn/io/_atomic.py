"""Replacing a file in one step: a reader finds the old one or the new one, never half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_TEMPORARY = ".tmp"

_fcntl: Any
try:
    import fcntl as _fcntl
except ImportError:  # Windows
    _fcntl = None


def replace_file(path: str | os.PathLike[str], write: Callable[[IO[bytes]], Any]) -> None:
    """Writes a file beside the target, syncs it to the disk, and puts it in the target's place.

    A symbolic link stays a link: what it points to is replaced. The file keeps the target's
    permissions, or gets those of any new file.

    Args:
        path: the target.
        write: receives the open file.

    Raises:
        OSError: where the folder cannot be written, the disk is full, or the target is a folder
            or a device. The target is left as it was.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    _remove_stale(target)
    with _beside(target, mode) as (file, temporary):
        write(file)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, target)
    _sync_folder(target.parent)


def _mode_of(target: Path) -> int | None:
    """The permissions of the file that is replaced."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "expected a file to write, got a folder", str(target))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "expected a regular file to replace", str(target))
    return stat.S_IMODE(found.st_mode)


@contextmanager
def _beside(target: Path, mode: int | None) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file in the target's folder, removed again where anything fails."""
    handle, temporary = _new_file(target)
    try:
        with os.fdopen(handle, "wb") as file:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            yield file, temporary
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if error.filename is None:  # of a write: it names no file
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _new_file(target: Path) -> tuple[int, Path]:
    """A file that no other process takes for one that was left behind: it is locked."""
    while True:
        temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}{_TEMPORARY}")
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            reason = f"{os.strerror(error.errno or 0)}: cannot write a file in"
            raise type(error)(error.errno, reason, str(target.parent)) from error
        if _fcntl is not None:
            with contextlib.suppress(OSError):  # not every file system has locks
                _fcntl.flock(handle, _fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink > 0:
            return handle, temporary
        os.close(handle)  # another process was quicker, before the lock


def _remove_stale(target: Path) -> None:
    """Removes what killed processes have left: files beside the target that nobody holds locked."""
    if _fcntl is None:
        return
    for left in target.parent.glob(f".{_escaped(target.name)}.*{_TEMPORARY}"):
        with contextlib.suppress(OSError), left.open("rb") as file:
            _fcntl.flock(file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            left.unlink()


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sync_folder(folder: Path) -> None:
    """Makes the new name last through a loss of power; not every system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)
