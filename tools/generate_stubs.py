"""Writes python/fastnn/_core.pyi from the extension that is installed.

    python tools/generate_stubs.py            writes the file
    python tools/generate_stubs.py --check    fails, and shows the difference, if it is out of date

It needs pybind11-stubgen and ruff of the versions in pyproject.toml's ``lint`` extra.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
from pathlib import Path

STUB = Path(__file__).resolve().parent.parent / "python" / "fastnn" / "_core.pyi"


def generate() -> str:
    """The stub's text."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "fastnn._core", "--output-dir", folder,
             "--exit-code", "--numpy-array-use-type-var"],
            check=True,
        )  # fmt: skip
        text = (Path(folder) / "fastnn" / "_core.pyi").read_text(encoding="utf-8")
    for command in (["check", "--fix", "--quiet", "--exit-zero"], ["format", "--quiet"]):
        text = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"],
            input=text, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return text


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    text = generate()
    if not check:
        STUB.write_text(text, encoding="utf-8")
        return 0
    committed = STUB.read_text(encoding="utf-8") if STUB.exists() else ""
    difference = list(
        difflib.unified_diff(
            committed.splitlines(True), text.splitlines(True), str(STUB), "generated"
        )
    )
    sys.stdout.writelines(difference)
    if difference:
        print(f"{STUB.name} is out of date: run python tools/generate_stubs.py", file=sys.stderr)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
