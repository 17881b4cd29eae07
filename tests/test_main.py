"""The command line: what it prints, what it refuses, how it exits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import fastnn
from fastnn.cli import main

QUICK = ["churn", "--epochs", "2", "--verbose", "0"]


def test_churn_reports(capsys):
    assert main(QUICK) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "8000 to train on, 2000 to test on" in out
    assert "1600 steps in" in out
    assert re.search(r"^training +0\.\d{4} +0\.\d{4}$", out, re.MULTILINE)
    assert re.search(r"^test +0\.\d{4} +0\.\d{4}$", out, re.MULTILINE)
    stayed = re.search(r"^stayed +(\d+) +(\d+)$", out, re.MULTILINE)
    left = re.search(r"^left +(\d+) +(\d+)$", out, re.MULTILINE)
    assert sum(int(n) for n in stayed.groups() + left.groups()) == 2000
    assert "Geography Spain, CreditScore 500, Gender Female, Age 40, Tenure 3" in out
    probability = float(re.search(r"leaves with probability (\d\.\d{4})", out).group(1))
    assert 0.0 < probability < 1.0
    assert out.rstrip().endswith(
        "predicted to stay" if probability <= 0.5 else "predicted to leave"
    )


def test_churn_is_seeded(capsys):
    texts = []
    for seed in ("1", "1", "2"):
        assert main([*QUICK, "--seed", seed]) == 0
        texts.append(re.sub(r".* steps in .*", "", capsys.readouterr().out))
    assert texts[0] == texts[1] != texts[2]


def test_churn_shows_progress_without_control_characters(capsys):
    assert main(["churn", "--epochs", "2", "--batch-size", "100"]) == 0
    out = capsys.readouterr().out
    assert "Epoch 2/2" in out
    assert "80/80" in out
    assert "\b" not in out
    assert "\r" not in out
    assert "\x1b" not in out


def test_churn_reads_a_file(data_folder, capsys):
    path = data_folder / "Churn_Modelling.csv"
    assert main([*QUICK, "--data", str(path), "--initializer", "uniform"]) == 0
    assert f"10000 customers of {path}" in capsys.readouterr().out


def test_churn_plots(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert main([*QUICK, "--plot", str(tmp_path / "curves.png")]) == 0
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "curves.png" in capsys.readouterr().out


def test_plot_without_matplotlib_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main([*QUICK, "--plot", "curves.png"]) == 1
    assert "pip install 'fastnn[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "no/such.csv"], "no/such.csv"),
        (["--initializer", "glorot_unifrom"], "glorot_uniform"),
    ],
)
def test_churn_fails_without_a_traceback(arguments, message, capsys):
    assert main([*QUICK, *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("fastnn: error: ")
    assert message in err


def test_churn_fails_on_a_bad_file_before_training(tmp_path, capsys):
    path = tmp_path / "churn.csv"
    path.write_text("RowNumber,Age\n1,old\n")
    assert main(["churn", "--data", str(path)]) == 1
    assert "lacks the columns CustomerId" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "required: COMMAND"),
        (["chrun"], "invalid choice: 'chrun'"),
        (["churn", "--epochs", "0"], "argument --epochs: expected 1 to"),
        (["churn", "--batch-size", "ten"], "argument --batch-size: expected an integer, got 'ten'"),
        (["churn", "--seed", "-1"], "argument --seed: expected 0 to"),
    ],
)
def test_bad_usage_exits_with_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_help_tells_the_defaults(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["churn", "--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for default in ("(default: 50)", "(default: 10)", "(default: 0)", "(default: glorot_uniform)"):
        assert default in text


def test_version_and_info(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"fastnn {fastnn.__version__}\n"
    assert main(["info"]) == 0
    assert fastnn.__version__ in capsys.readouterr().out


def _start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fastnn", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def test_ctrl_c_ends_a_training_with_130():
    process = _start("churn", "--epochs", "1000000", "--verbose", "0")
    assert "customers" in process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "fastnn: interrupted\n"


def test_a_closed_pipe_is_no_traceback():
    process = _start("churn", "--epochs", "50", "--verbose", "2")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert err == ""
