"""Writes python/fastnn/_core/*.pyi from the extension that is installed.

    python tools/generate_stubs.py            writes the files
    python tools/generate_stubs.py --check    shows what differs, and fails if any does

It needs pybind11-stubgen and ruff of the versions in pyproject.toml's ``lint`` extra.
"""

from __future__ import annotations

import argparse
import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

STUBS = Path(__file__).resolve().parent.parent / "python" / "fastnn" / "_core"


def formatted(text: str, path: Path) -> str:
    # The values of constants, such as the compiler's name, differ from build to build.
    text = re.sub(r"^(\w+: \w+) = .*$", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"(: [\w.]+) = None\b", r"\1 | None = None", text)
    for command in (["check", "--fix", "--quiet", "--exit-zero"], ["format", "--quiet"]):
        text = subprocess.run(
            ["ruff", *command, "--stdin-filename", str(path), "-"],
            input=text, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return text


def generate() -> dict[Path, str]:
    """The text of each stub: the module's own, and those of its submodules."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pybind11_stubgen", "fastnn._core", "--output-dir", folder,
             "--exit-code", "--numpy-array-use-type-var"],
            check=True,
        )  # fmt: skip
        made = Path(folder) / "fastnn" / "_core"
        return {
            STUBS / p.name: formatted(p.read_text(encoding="utf-8"), STUBS / p.name)
            for p in sorted(made.glob("*.pyi"))
        }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    texts = generate()
    if not check:
        STUBS.mkdir(exist_ok=True)
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        return 0
    for path in STUBS.glob("*.pyi"):
        texts.setdefault(path, "")
    difference: list[str] = []
    for path, text in texts.items():
        committed = path.read_text(encoding="utf-8") if path.exists() else ""
        difference += difflib.unified_diff(
            committed.splitlines(True), text.splitlines(True), str(path), "generated"
        )
    sys.stdout.writelines(difference)
    if difference:
        print("stubs are out of date: run python tools/generate_stubs.py", file=sys.stderr)
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
