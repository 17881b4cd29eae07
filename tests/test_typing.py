"""Type checkers see the public API: code of users passes mypy --strict."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastnn

SAMPLE = Path(__file__).parent / "typing_sample.py"


def check(source: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """mypy's verdict on a file, with the settings of a user who has none but --strict."""
    pytest.importorskip("mypy")
    package = Path(fastnn.__file__).parent.parent
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}"]
    return subprocess.run(
        [*command, str(source)],
        capture_output=True,
        text=True,
        cwd=cache,
        env={**os.environ, "MYPYPATH": str(package) if "site-packages" not in str(package) else ""},
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("mypy")


def test_code_of_a_user_passes(cache):
    done = check(SAMPLE, cache)
    assert done.returncode == 0, done.stdout


def test_mistakes_are_found(tmp_path, cache):
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import fastnn\n\nfastnn.layers.Dense(units='8')\nfastnn.placeholder(3)\n")
    done = check(wrong, cache)
    assert done.returncode == 1
    assert done.stdout.count("error:") == 2


def test_the_sample_runs():
    import typing_sample

    x = np.random.default_rng(0).random((20, 4)).astype("float32")
    assert len(typing_sample.train(x, np.arange(20) % 3)) == 2
    assert typing_sample.functional().count_params() == 10
    assert typing_sample.symbolic(0.0) == 1.0
    assert typing_sample.unsupervised(x).shape == (20, 7)
