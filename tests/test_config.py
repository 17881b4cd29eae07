"""What an installation says about itself, and how many threads it uses."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn


@pytest.fixture
def threads():
    """Restores the number of threads."""
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)


def in_new_process(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**inherited, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_show_config(capsys):
    fastnn.show_config()
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["fastnn"] == fastnn.__version__
    assert rows["compiler"].startswith(("GCC", "Clang"))
    assert rows["instruction"].startswith("set")
    assert rows["threads"].startswith(str(fastnn.get_num_threads()))
    assert int(rows["processors"]) >= 1


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n", [1, 3, np.int64(2)])
def test_set_num_threads(n):
    fastnn.set_num_threads(n)
    assert fastnn.get_num_threads() == n


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("n", [0, -1, 1025, 10**6])
def test_set_num_threads_out_of_range(n):
    before = fastnn.get_num_threads()
    with pytest.raises(ValueError, match=f"from 1 to 1024, got {n}"):
        fastnn.set_num_threads(n)
    assert fastnn.get_num_threads() == before


@pytest.mark.parametrize("n", [1.0, "2", None])
def test_set_num_threads_wants_a_whole_number(n):
    with pytest.raises(TypeError, match="expected a whole number"):
        fastnn.set_num_threads(n)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"FASTNN_NUM_THREADS": "3"}, "3"),
        ({"OMP_NUM_THREADS": "5"}, "5"),
        ({"FASTNN_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, "3"),
    ],
)
def test_threads_from_the_environment(variables, expected):
    done = in_new_process("import fastnn; print(fastnn.get_num_threads())", **variables)
    assert done.stdout.strip() == expected, done.stderr


def test_instruction_set_from_the_environment():
    show = "import fastnn; fastnn.show_config()"
    assert "instruction set  reference " in in_new_process(show, FASTNN_ISA="reference").stdout
    done = in_new_process(show, FASTNN_ISA="sse9")
    assert done.returncode != 0
    assert "got 'sse9'" in done.stderr
