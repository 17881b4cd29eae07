"""Checks that objects compiled for an instruction set define nothing outside their namespace.

An inline function or template that two instruction sets both emit is one weak symbol to the linker,
which keeps either copy; a machine that lacks that copy's instructions then dies of SIGILL. So every
symbol that such an object defines must lie in ``fastnn::kernels::<isa>``.

    python tools/check_isa_symbols.py BUILD_FOLDER
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

OBJECTS = re.compile(r"fastnn_cpu_(\w+)\.dir")


def strangers(path: Path, isa: str) -> list[str]:
    """The names that an object defines for the linker outside its namespace."""
    listing = subprocess.run(
        ["nm", "--extern-only", str(path)], capture_output=True, text=True, check=True
    ).stdout
    own = f"N6fastnn7kernels{len(isa)}{isa}"
    found = []
    for line in listing.splitlines():
        *_, kind, name = line.split()
        # U is used only; a weak w or v without an address is, too.
        if kind not in "Uwv" and own not in name:
            found.append(f"{kind} {name}")
    return found


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    objects = [
        (path, match.group(1))
        for path in sorted(Path(arguments[0]).rglob("*.o"))
        if (match := OBJECTS.search(str(path)))
    ]
    if not objects:
        print(f"no objects of instruction sets below {arguments[0]}", file=sys.stderr)
        return 2
    failures = 0
    for path, isa in objects:
        for symbol in strangers(path, isa):
            print(f"{path}: {symbol} is outside fastnn::kernels::{isa}")
            failures += 1
    sets = sorted({isa for _, isa in objects})
    print(f"{len(objects)} objects of {', '.join(sets)}: {failures} symbols outside")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
