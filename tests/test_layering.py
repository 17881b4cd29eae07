"""Who may use whom: each Python module those before it, each room of C++ those it stands on."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "fastnn"

# A module uses those before it.
ORDER = [
    "_core", "_devices", "config", "cython_kernels", "_figure", "_svg", "_locks", "_registry",
    "_random",
    "_tensor", "ops", "graph",
    "initializers", "activations", "regularizers", "constraints", "layers", "random", "losses",
    "metrics",
    "optimizers", "callbacks", "io", "models", "utils", "backend", "saving",
    "datasets", "data", "preprocessing", "tables", "plotting", "drawing", "sklearn", "cli",
    "__init__", "__main__",
]  # fmt: skip
RANK = {name: rank for rank, name in enumerate(ORDER)}

# Folder of csrc: what its files may include, beside the standard library.
ROOMS = {
    "core": {"core"},
    "graph": {"core", "graph"},
    "kernels": {"core", "kernels"},
    "kernels/reference": {"core", "kernels", "kernels/reference"},
    "kernels/cpu": {"core", "kernels", "kernels/cpu"},
    "kernels/cuda": {
        "core",
        "kernels",
        "kernels/cuda",
        "kernels/cuda/emulated",
        "kernels/cuda/vendor",
    },
    "kernels/cuda/emulated": {"kernels/cuda/emulated", "kernels/cuda/vendor"},
    "kernels/cuda/vendor": {"kernels/cuda/vendor"},
    "runtime": {"core", "graph", "kernels", "runtime"},
    "bindings": {"core", "graph", "kernels", "runtime", "bindings"},
    "bindings/cuda": {"core", "kernels", "kernels/cuda"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def _imported(tree: ast.Module, package: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The modules of fastnn that a file imports, at its top or in a function, as name parts."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module.split(".") if node.module else ()))
            for alias in node.names:
                yield (*module, alias.name)


def _without_type_checking(tree: ast.Module) -> ast.Module:
    """Drops ``if TYPE_CHECKING:``: what only annotations need does not run."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node.body = [ast.Pass()]
    return tree


def _python_files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", _python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_python_modules_use_only_those_before_them(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    own = parts[0]
    assert own in RANK, f"{own} has no place in the order of tests/test_layering.py"
    package = ("fastnn", *parts[:-1])
    tree = _without_type_checking(ast.parse(path.read_text(encoding="utf-8")))
    late = {
        name[1]
        for name in _imported(tree, package)
        if name[0] == "fastnn" and len(name) > 1 and name[1] != own
        if RANK.get(name[1], -1) > RANK[own]
    }
    assert not late, f"{path.relative_to(ROOT)} uses what comes after it: {', '.join(sorted(late))}"


@pytest.mark.parametrize("path", _python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_front_doors_import_the_whole_package(path):
    if path.name == "__main__.py":
        return
    tree = _without_type_checking(ast.parse(path.read_text(encoding="utf-8")))
    package = ("fastnn", *path.relative_to(PACKAGE).parts[:-1])
    assert ("fastnn",) not in set(_imported(tree, package)), "import the module that is meant"


def _cpp_files() -> list[Path]:
    return sorted(
        p for p in (ROOT / "csrc").rglob("*") if p.suffix in {".h", ".cpp", ".cu", ".inc"}
    )


def _room(folder: Path) -> str:
    """The most particular room that holds a folder, relative to csrc."""
    name = folder.as_posix()
    return max((r for r in ROOMS if name == r or name.startswith(r + "/")), key=len, default="")


@pytest.mark.parametrize("path", _cpp_files(), ids=lambda p: str(p.relative_to(ROOT / "csrc")))
def test_rooms_include_only_what_they_stand_on(path):
    folder = path.parent.relative_to(ROOT / "csrc")
    room = _room(folder)
    assert room, f"{folder} is no room of tests/test_layering.py"
    for bracket, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
        if bracket == '"':
            near = (path.parent / target).resolve()
            inner = near.parent if near.is_file() else (ROOT / "csrc" / target).parent
            used = _room(inner.relative_to(ROOT / "csrc"))
            assert used in ROOMS[room], f"{room} includes {target}"
        elif re.match(r"(pybind11/|Python\.h|numpy/)", target):
            assert room.startswith("bindings"), f"{room} includes {target}"
