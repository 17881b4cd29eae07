"""What this installation is and uses: version, compiler, instruction set, threads."""

from __future__ import annotations

import operator
from pathlib import Path

from . import _core, _devices


def set_num_threads(n: int) -> None:
    """Sets how many threads parallel work uses, from its next use on.

    Results do not depend on it. Until it is set, ``FASTNN_NUM_THREADS``, ``OMP_NUM_THREADS`` or
    the number of processors that this process may use decides.

    Args:
        n: from 1 to 1024.

    Raises:
        ValueError: if n is out of range.
        TypeError: if n is no whole number.

    Example:
        >>> import fastnn
        >>> before = fastnn.get_num_threads()
        >>> fastnn.set_num_threads(2)
        >>> fastnn.get_num_threads()
        2
        >>> fastnn.set_num_threads(before)
    """
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"[set_num_threads] expected a whole number, got {n!r}") from None
    _core.set_num_threads(count)


def get_num_threads() -> int:
    """How many threads parallel work uses, the caller among them.

    Example:
        >>> import fastnn
        >>> fastnn.get_num_threads() >= 1
        True
    """
    return _core.num_threads()


def config_text() -> str:
    """What :func:`show_config` prints.

    Example:
        >>> config_text().splitlines()[0].split()[0]
        'fastnn'
    """
    isas = [t for t in _core.kernel_tables() if t != "reference"]
    rows = {
        "fastnn": _core.__version__,
        "compiler": _core.compiler,
        "instruction set": f"{_core.active_table()} (available: {', '.join(isas)})",
        "threads": f"{_core.num_threads()} (workers started: {_core.running_workers()})",
        "processors": str(_core.available_cpus()),
        "GPU": _devices.description(),
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:{width}}  {value}" for name, value in rows.items())


def get_include() -> str:
    """The folder of ``<fastnn/kernels.h>``, for Python extensions in C and C++.

    Example:
        >>> import os
        >>> import fastnn
        >>> os.path.exists(os.path.join(fastnn.get_include(), "fastnn", "kernels.h"))
        True
    """
    return str(Path(__file__).parent / "include")


def get_cmake_dir() -> str:
    """What to set ``fastnn_DIR`` to, for ``find_package(fastnn CONFIG)`` in CMake.

    Example:
        >>> import os
        >>> import fastnn
        >>> os.listdir(fastnn.get_cmake_dir())
        ['fastnnConfig.cmake']
    """
    return str(Path(__file__).parent / "cmake")


def show_config() -> None:
    """Prints version, compiler, instruction sets, threads, processors and GPU: for bug reports.

    ``FASTNN_ISA`` in the environment chooses another instruction set at import.

    Example:
        >>> import fastnn
        >>> fastnn.show_config()  # doctest: +ELLIPSIS
        fastnn ...
        compiler ...
        instruction set ...
        threads ...
        processors ...
        GPU ...
    """
    print(config_text())
