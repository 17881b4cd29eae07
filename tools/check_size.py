"""Checks that a wheel is at most 5 MB, and that importing fastnn costs little beside NumPy.

python tools/check_size.py WHEEL
"""

from __future__ import annotations

import importlib.util
import io
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

LIMIT_MB = 5.0
LIMIT_MS = 60.0
RUNS = 9
CLOCK = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def wheel_mb() -> float:
    """The size of the installed package, compressed as a wheel is."""
    spec = importlib.util.find_spec("fastnn")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                archive.write(path, path.relative_to(folder))
    return len(packed.getvalue()) / 1e6


def import_ms(module: str) -> float:
    """Milliseconds that a new process takes to import a module."""
    out = subprocess.run(
        [sys.executable, "-c", CLOCK.format(module)], capture_output=True, text=True, check=True
    ).stdout
    return 1e3 * float(out)


def main() -> int:
    size = wheel_mb()
    times: dict[str, list[float]] = {"numpy": [], "fastnn": []}
    for _ in range(RUNS):
        for module, taken in times.items():
            taken.append(import_ms(module))
    numpy, fastnn = (statistics.median(taken) for taken in times.values())
    print(f"wheel: {size:.2f} MB (limit {LIMIT_MB:g})")
    print(f"import: {fastnn:.0f} ms, NumPy {numpy:.0f} ms (limit: {LIMIT_MS:g} ms more)")
    return 1 if size > LIMIT_MB or fastnn - numpy > LIMIT_MS else 0


if __name__ == "__main__":
    sys.exit(main())
