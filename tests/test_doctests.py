"""The examples in docstrings and in the README are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import fastnn

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(fastnn.__path__, "fastnn.")
    if module.name not in {"fastnn._core", "fastnn.__main__"}
)


@pytest.mark.parametrize("name", ["fastnn", *MODULES])
def test_docstrings(name, monkeypatch):
    # Examples say what a process sees that never asked for a GPU; earlier tests may have.
    monkeypatch.setattr(fastnn._devices, "_module", None)
    if name.startswith("fastnn.sklearn"):
        pytest.importorskip("sklearn")
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_documents(name):
    assert doctest.testfile(str(ROOT / name), module_relative=False).failed == 0
