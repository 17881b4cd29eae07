"""Each example runs, and prints what the tutorial it follows printed."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def run(name: str, *arguments: str) -> list[str]:
    """The lines that an example prints; warnings are errors in it."""
    done = subprocess.run(
        [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def number(line: str) -> float:
    return float(line.split()[-1])


NUMBERS = re.compile(r"\d+(?:\.\d+)?")


def test_every_example_has_a_test():
    source = Path(__file__).read_text(encoding="utf-8")
    missing = [p.name for p in EXAMPLES.glob("*.py") if f'run("{p.name}"' not in source]
    assert not missing


def test_neuron():
    lines = run("neuron.py")
    assert lines[0] == "weighted sum: -1.0"
    assert lines[1].endswith("fires")
    assert lines[2].endswith("is silent")
    assert number(lines[3]) == pytest.approx(1 / (1 + math.e), abs=5e-5)
    assert lines[4] == "xor: [0, 1, 1, 0]"


def test_sorted_nodes():
    # relu(3*2 + 3*3) = 15, relu(1*2 + 5*3) = 17, relu(2*15 - 17) = 13
    assert run("sorted_nodes.py") == [f"node {i}: {v}" for i, v in enumerate([2, 3, 15, 17, 13])]


def test_one_hidden_layer():
    lines = run("one_hidden_layer.py")
    assert lines[0] == "NumPy: 0.9950547536867305"
    assert abs(number(lines[1]) - 0.9950547536867305) <= 2 * np.spacing(0.9950547536867305)
    expected = 2 * math.tanh(3) - math.tanh(9)
    assert number(lines[2]) == pytest.approx(expected, rel=1e-14)
    assert lines[3] == "relu: -3"


def test_many_rows():
    assert run("many_rows.py") == ["[0, 12]", "[0, 12]"]


def test_two_hidden_layers():
    assert run("two_hidden_layers.py") == [
        "hidden layers: [26.0, 0.0] [0.0, 52.0]",
        "364",
        "as a model: 364",
    ]


def test_computational_graph():
    lines = run("computational_graph.py")
    assert lines[:6] == [
        "node          type        value  dg/dnode",
        "g = p * z     float32 ()  -12    1",
        "├─ p = x + y  float32 ()  4      -3",
        "│  ├─ x       float32 ()  1      -3",
        "│  └─ y       float32 ()  3      -3",
        "└─ z          float32 ()  -3     4",
    ]
    assert lines[6] == "p, g, dp, dx, dy, dz: 4 -12 -3 -3 -3 4"


def test_gradient_descent():
    lines = run("gradient_descent.py")
    costs = [number(line) for line in lines[:-1]]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 2e-4
    assert lines[-1] == "w = 2.00, b = -1.00"


def test_dropout():
    lines = run("dropout.py")
    assert lines[0] == "share kept in training: 0.80"
    assert lines[1] == "a kept unit: 3.75, which is 3 / 0.8"
    assert [number(line) for line in lines[2:4]] == [3.0, 3.0]
    assert lines[4].endswith("in both: 2.4 and 2.4")


def test_files():
    lines = run("files.py")
    assert lines[1] == "the resumed training has the same bits: True"
    assert lines[2] == "the best epoch's model: ring, 97 weights"
    assert len(lines) == 5 or shutil.which("cc") is None
    assert len({line.split()[-1] for line in lines[3:]}) == 1


def test_thousand_layers(tmp_path):
    pytest.importorskip("sklearn")
    picture = tmp_path / "gradients.png"
    drawn = importlib.util.find_spec("matplotlib") is not None
    plain, accuracy, residual, deep = run("thousand_layers.py", *([str(picture)] if drawn else []))
    assert not drawn or picture.stat().st_size > 10_000
    norms = [float(word) for word in plain.split()[-5:]]
    assert norms[:3] == [0.0, 0.0, 0.0]
    assert 0 < norms[3] < 1e-3 * norms[4]
    norms = [float(word) for word in residual.split()[-5:]]
    assert min(norms) > 1e-4
    assert norms[0] == pytest.approx(norms[-1], rel=0.5)
    assert number(accuracy) < 0.2
    assert number(deep) > 0.95


def test_augmentation():
    pytest.importorskip("sklearn")
    lines = run("augmentation.py")
    (plain, moved), (shifted, shifted_moved) = (
        [float(figure) for figure in re.findall(r"0\.\d+", line)] for line in lines
    )
    assert plain > 0.97
    assert shifted > 0.93
    assert shifted_moved > moved + 0.2


def test_overfitting(tmp_path):
    pytest.importorskip("sklearn")
    picture = tmp_path / "losses.png"
    drawn = importlib.util.find_spec("matplotlib") is not None
    lines = run("overfitting.py", *([str(picture)] if drawn else []))
    assert not drawn or picture.stat().st_size > 10_000
    pairs = [line.split(":") for line in lines]
    figures = {name: [float(n) for n in NUMBERS.findall(rest)] for name, rest in pairs}
    epochs, lowest, last, accuracy = figures["plain"]
    assert epochs == 150
    assert last > 1.3 * lowest
    small, dropout, stopped = figures["L2"], figures["dropout"], figures["early stopping"]
    assert small[2] < last - 0.05
    assert dropout[2] < last - 0.1
    assert stopped[0] < 80
    assert stopped[2] == stopped[1] < last - 0.1
    assert min(small[3], dropout[3], stopped[3]) > accuracy


def test_forecast():
    yesterday, week, network, noise = (number(line) for line in run("forecast.py")[:4])
    assert yesterday > week
    assert noise < network < 0.7 * week


def test_data_pipeline():
    (line,) = run("data_pipeline.py")
    assert line.startswith("20 files")
    assert number(line) > 0.97


def test_sequence_classification():
    accuracy, *words = run("sequence_classification.py")
    assert number(accuracy) > 0.96
    assert [round(number(word)) for word in words] == [1, 0, 1, 0]


def test_digits_cnn():
    pytest.importorskip("sklearn")
    trained, tested = run("digits_cnn.py")[-3:-1]
    assert number(trained) > 0.95
    assert number(tested) > 0.97


def test_transfer_learning():
    pytest.importorskip("sklearn")
    first, frozen, kept, tuned, few = run("transfer_learning.py")
    assert number(first) > 0.98
    assert number(frozen) > 0.93
    assert kept.endswith("True")
    assert number(tuned) > 0.93
    transferred, scratch = map(float, re.findall(r"0\.\d+", few))
    assert transferred > scratch + 0.05


CHURN_LINES = re.compile(
    r"loss: (0\.\d+)    acc: (0\.\d+)\n"
    r"the new customer leaves: (True|False)\n"
    r"\[\[ *(\d+) +(\d+)\]\n \[ *(\d+) +(\d+)\]\]\n"
    r"test accuracy: (0\.\d+)"
)


def check_churn(lines: list[str]) -> None:
    assert lines[1] == "encoded: (10000, 11)"
    loss, accuracy, leaves, *counts, tested = CHURN_LINES.search("\n".join(lines)).groups()
    assert float(loss) == pytest.approx(0.3384, abs=0.02)
    assert float(accuracy) == pytest.approx(0.8605, abs=0.015)
    assert leaves == "False"
    stayed_right, _, _, left_right = map(int, counts)
    assert sum(map(int, counts)) == 2000
    assert float(tested) == pytest.approx((stayed_right + left_right) / 2000, abs=1e-4)
    assert float(tested) == pytest.approx(0.858, abs=0.02)


def test_churn_classifier_on_made_customers():
    check_churn(run("churn_classifier.py"))


def test_churn_classifier_on_the_published_file(data_folder):
    check_churn(run("churn_classifier.py", str(data_folder / "Churn_Modelling.csv")))


def check_search(lines: list[str], accuracy: float) -> None:
    values = dict(line.split(": ", 1) for line in lines if ": " in line)
    assert lines[0].startswith("31 networks trained in")
    assert float(values["cross-validated accuracy"]) >= accuracy
    assert float(values["cross-validated accuracy, all customers, 10 folds"]) >= accuracy
    assert float(values["test accuracy"]) == pytest.approx(accuracy, abs=0.02)
    # Some 140 on an idle machine.
    assert float(values["times faster"]) > 20
    assert float(values["largest difference of a weight"]) < 1e-12


def test_churn_search_on_made_customers():
    pytest.importorskip("sklearn")
    check_search(run("churn_search.py"), 0.85)


def test_churn_search_on_the_published_file(data_folder):
    pytest.importorskip("sklearn")
    check_search(run("churn_search.py", str(data_folder / "Churn_Modelling.csv")), 0.86)


def test_recurrence():
    lines = run("recurrence.py")
    assert lines[0] == "scan and ops.lstm over 3 steps are equal: True"
    assert lines[1] == "scan and ops.lstm over 50 steps are equal: True"
    for line in lines[2:]:
        found = re.match(r"\d+ steps: error ([\d.]+), of the mean ([\d.]+)$", line)
        assert float(found[1]) < 0.1 * float(found[2])


def test_characters(monkeypatch, tmp_path):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    lines = run("characters.py")
    assert lines[0] == "1839 characters, 47 different ones; 69391 weights"
    found = re.match(r"nats a character: 3.85 by guessing, ([\d.]+) in training$", lines[1])
    assert float(found[1]) < 1.0
    assert lines[2] == "behind 'Shall I compare thee' it writes:"
    assert lines[3].startswith(" to a summer's ")
    poem = tmp_path / "poem.txt"
    poem.write_text("ab" * 500, encoding="utf-8")
    lines = run("characters.py", str(poem))
    assert lines[0].startswith("1000 characters, 2 different ones")


def pictures(tmp_path: Path, *names: str) -> list[str]:
    """Paths to draw to, or none where there is nothing to draw with."""
    if importlib.util.find_spec("matplotlib") is None:
        return []
    return [str(tmp_path / name) for name in names]


def numbers(line: str) -> list[float]:
    return [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", line)]


def test_rbm(tmp_path):
    pytest.importorskip("sklearn")
    drawn = pictures(tmp_path, "filters.png", "restored.png")
    first, likely, unlikely, halves = run("rbm.py", *drawn)
    before, after = numbers(first)
    assert after > before + 2
    assert numbers(likely)[0] > numbers(unlikely)[0] + 25
    completed, mean = numbers(halves)
    assert completed < mean
    assert all(Path(path).stat().st_size > 5_000 for path in drawn)


def test_digit_codes(tmp_path):
    pytest.importorskip("sklearn")
    drawn = pictures(tmp_path, "codes.png")
    network, components = (numbers(line) for line in run("digit_codes.py", *drawn))
    assert network[0] < 0.65 * components[0]
    assert network[1] > components[1] + 0.2
    assert all(Path(path).stat().st_size > 10_000 for path in drawn)


def test_few_labels(data_folder):
    _, pretrained, alone = run("few_labels.py", str(data_folder / "mnist"))
    assert numbers(pretrained)[0] > numbers(alone)[0] + 0.02


def test_gan_digits(tmp_path):
    pytest.importorskip("sklearn")
    drawn = pictures(tmp_path, "digits.png")
    _, made, real, shuffled, spread = run("gan_digits.py", *drawn)
    assert numbers(real)[0] < numbers(made)[0] < 0.55 * numbers(shuffled)[0]
    assert 0.75 < numbers(spread)[0] < 1.2
    assert all(Path(path).stat().st_size > 10_000 for path in drawn)


def test_sentiment_tree():
    lines = run("sentiment_tree.py")
    parts, sentences = numbers(lines[1])
    assert parts > 0.95
    assert sentences > 0.9
    assert lines[3].endswith("not a good film")
    assert lines[3].startswith("1 (")
    assert lines[5].endswith("a good film")
    assert lines[5].startswith("  3 (")


def test_table_of_anything():
    lines = run("table_of_anything.py")
    assert lines[0].startswith("day: date -> day days, day year_sin")
    assert lines[1:4] == [
        "warmth: number -> warmth, warmth is missing",
        "place: category -> place = beach, place = park, place = station",
        "kiosk: ignore -> ignored: constant",
    ]
    assert float(lines[4].split()[1]) < 8.0
    assert number(lines[5]) > number(lines[6]) + 80
