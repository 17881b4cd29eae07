"""The churn table: its generator's figures, and its reader's refusals."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from fastnn.datasets import load_churn, make_churn
from fastnn.datasets._csv import MAX_LINE
from fastnn.datasets.churn import CHURN_COLUMNS

HEADER = ",".join(CHURN_COLUMNS)
ROW = "1,15634602,Hargrave,619,France,Female,42,2,0,1,1,1,101348.88,1"

# Figures of the published file: 10 000 customers.
SHARES = {
    "France": 0.5014, "Germany": 0.2509, "Spain": 0.2477, "Male": 0.5457,
    "products 1": 0.5084, "products 2": 0.4590, "products 3": 0.0266, "products 4": 0.0060,
    "HasCrCard": 0.7055, "IsActiveMember": 0.5151, "no balance": 0.3617,
}  # fmt: skip
EXIT_RATES = {
    "all": 0.2037, "France": 0.1615, "Germany": 0.3244, "Spain": 0.1667,
    "Female": 0.2507, "Male": 0.1646,
    "products 1": 0.2771, "products 2": 0.0758, "products 3": 0.8271,
    "active": 0.1427, "inactive": 0.2685,
    "18-25": 0.075, "26-30": 0.075, "31-35": 0.091, "36-40": 0.150, "41-45": 0.268,
    "46-50": 0.464, "51-55": 0.584, "56-60": 0.533, "61-65": 0.400, "66-70": 0.183, "71-99": 0.083,
}  # fmt: skip
MEANS = {  # mean, standard deviation
    "CreditScore": (650.53, 96.65), "Age": (38.92, 10.49), "Tenure": (5.01, 2.89),
    "Balance": (76_486.0, 62_394.0), "EstimatedSalary": (100_090.0, 57_508.0),
}  # fmt: skip
# Standard errors of a sample of 10 000: over 38 figures one false alarm in four hundred seeds.
ERRORS = 4.0


def _group(table: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Which customers belong to a group of the figures above."""
    if name == "all":
        return np.ones(len(table["Age"]), bool)
    if name in ("active", "inactive"):
        return table["IsActiveMember"] == (name == "active")
    if name == "no balance":
        return table["Balance"] == 0
    if name.startswith("products"):
        return table["NumOfProducts"] == int(name.split()[1])
    if name[0].isdigit():
        low, high = map(int, name.split("-"))
        return (table["Age"] >= low) & (table["Age"] <= high)
    if name in ("HasCrCard", "IsActiveMember"):
        return table[name] == 1
    return (table["Geography"] == name) | (table["Gender"] == name)


@pytest.fixture(scope="module")
def churn() -> dict[str, np.ndarray]:
    return make_churn()


def test_make_churn_has_the_schema_of_the_published_file(churn):
    assert list(churn) == list(CHURN_COLUMNS)
    kinds = {int: "i", float: "f", str: "U"}
    for name, column in CHURN_COLUMNS.items():
        assert churn[name].shape == (10_000,)
        assert churn[name].dtype.kind == kinds[column.kind], name
    assert len(set(churn["CustomerId"])) == 10_000
    np.testing.assert_array_equal(churn["RowNumber"], np.arange(1, 10_001))
    assert churn["CreditScore"].min() >= 350
    assert churn["CreditScore"].max() == 850
    assert churn["Age"].min() >= 18


@pytest.mark.parametrize("name", SHARES)
def test_make_churn_shares(churn, name):
    expected = SHARES[name]
    error = math.sqrt(expected * (1 - expected) / 10_000)
    assert _group(churn, name).mean() == pytest.approx(expected, abs=ERRORS * error)


@pytest.mark.parametrize("name", EXIT_RATES)
def test_make_churn_exit_rates(churn, name):
    expected, group = EXIT_RATES[name], _group(churn, name)
    error = math.sqrt(expected * (1 - expected) / group.sum())
    assert churn["Exited"][group].mean() == pytest.approx(expected, abs=ERRORS * error)


@pytest.mark.parametrize("name", MEANS)
def test_make_churn_means(churn, name):
    mean, deviation = MEANS[name]
    assert churn[name].mean() == pytest.approx(mean, abs=ERRORS * deviation / 100)
    assert churn[name].std() == pytest.approx(deviation, rel=0.04)


def test_make_churn_four_products_always_leave_and_germans_have_a_balance(churn):
    assert churn["Exited"][_group(churn, "products 4")].all()
    assert (churn["Balance"][_group(churn, "Germany")] > 0).all()


def test_make_churn_is_seeded():
    first, again, other = make_churn(50, seed=3), make_churn(50, seed=3), make_churn(50, seed=4)
    for name in CHURN_COLUMNS:
        np.testing.assert_array_equal(first[name], again[name])
    assert (first["Balance"] != other["Balance"]).any()


def test_make_churn_does_not_touch_numpys_global_state():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    make_churn(10)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(("arguments", "message"), [((0,), "n of at least 1"), ((5, -1), "seed")])
def test_make_churn_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_churn(*arguments)


def test_load_churn_reads_the_published_file(data_folder):
    table = load_churn(data_folder / "Churn_Modelling.csv")
    assert [(table["Geography"] == c).sum() for c in ("France", "Germany", "Spain")] == [
        5014,
        2509,
        2477,
    ]
    assert (table["Gender"] == "Male").sum() == 5457
    assert table["Exited"].sum() == 2037
    assert table["CreditScore"].mean() == pytest.approx(650.5288, abs=1e-9)
    made = make_churn(10)
    assert list(table) == list(made)
    assert [c.dtype.kind for c in table.values()] == [c.dtype.kind for c in made.values()]


def _write(folder: Path, content: str | bytes) -> Path:
    path = folder / "churn.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_load_churn_finds_the_file_by_environment(tmp_path, monkeypatch):
    _write(tmp_path, f"{HEADER}\n{ROW}\n").rename(tmp_path / "Churn_Modelling.csv")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    assert load_churn()["Surname"].tolist() == ["Hargrave"]
    monkeypatch.delenv("FASTNN_DATA")
    with pytest.raises(FileNotFoundError, match="FASTNN_DATA"):
        load_churn()


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER}\n{ROW}\n",
        f"{HEADER}\r\n{ROW}\r\n\r\n",
        f"{HEADER}\n{ROW}",
        f"\ufeff{HEADER}\n{ROW}\n",
        f"{HEADER},Extra\n{ROW},x\n",
        f"{HEADER}\n" + ROW.replace("Hargrave", '"Hargrave"'),
        f"{HEADER}\n" + ROW.replace(",42,", ", 42.0,"),
        "\n".join(",".join(reversed(line.split(","))) for line in (HEADER, ROW)),
    ],
    ids=["plain", "crlf", "no-newline", "bom", "extra", "quoted", "whole-float", "reordered"],
)
def test_load_churn_accepts(tmp_path, content):
    table = load_churn(_write(tmp_path, content))
    assert list(table) == list(CHURN_COLUMNS)
    assert [column.tolist() for column in table.values()] == [
        [1], [15634602], ["Hargrave"], [619], ["France"], ["Female"], [42], [2], [0.0], [1], [1],
        [1], [101348.88], [1],
    ]  # fmt: skip


LINES = f"{HEADER}\n{ROW}\n{ROW}\n"
REFUSED = {
    "empty": ("", "header line, got an empty file"),
    "header only": (HEADER, "at least one row"),
    "missing columns": (LINES.replace("Age,", "").replace("Balance,", ""), "columns Age, Balance;"),
    "doubled column": (HEADER + ",Age\n", "names a column twice: Age"),
    "short row": (f"{LINES}1,2,3\n", "line 4: expected 14 cells, got 3"),
    "long row": (f"{LINES}{ROW},7\n", "line 4: expected 14 cells, got 15"),
    "text for an integer": (
        LINES + ROW.replace(",42,", ",old,"),
        r"line 4, column 'Age': expected an integer, got 'old'",
    ),
    "empty cell": (LINES + ROW.replace(",42,", ",,"), "line 4, column 'Age': .* got ''"),
    "fraction for an integer": (LINES + ROW.replace(",42,", ",4.5,"), "'Age': expected an integer"),
    "underscores": (LINES + ROW.replace(",42,", ",4_2,"), "'Age': expected an integer"),
    "other digits": (LINES + ROW.replace(",42,", ",٤٢,"), "'Age': expected an integer"),
    "huge integer": (LINES + ROW.replace(",42,", "," + "9" * 19 + ","), "at most 64 bits"),
    "text for a number": (
        LINES + ROW.replace("101348.88", "much"),
        r"line 4, column 'EstimatedSalary': expected a finite number, got 'much'",
    ),
    "nan": (LINES + ROW.replace("101348.88", "nan"), "'EstimatedSalary': expected a finite number"),
    "infinite": (LINES + ROW.replace("101348.88", "1e999"), "expected a finite number"),
    "unseen country": (
        LINES + ROW.replace("France", "Italy"),
        "column 'Geography': expected one of France, Germany, Spain, got 'Italy'",
    ),
    "target": (LINES + ROW[:-1] + "2", "column 'Exited': expected one of 0, 1, got '2'"),
    "unclosed quote": (f'{LINES}1,2,"Hill,3\n{ROW}\n', "line 4: a quoted cell is never closed"),
    "text after a quote": (
        LINES + ROW.replace("Hargrave", '"Har"grave'),
        "record starting on line",
    ),
    "long open quote": (f'{LINES}1,2,"Hill,3\n' + f"{ROW}\n" * 3000, "is a quote left open"),
    "nul": (LINES + ROW.replace("Hargrave", "Har\0grave"), "line 4: expected text, got a NUL"),
    "endless line": (LINES + "1" * (MAX_LINE + 1), f"line 4: .* at most {MAX_LINE} characters"),
    "utf-16": (LINES.encode("utf-16"), "expected UTF-8 text, got UTF-16"),
    "latin-1": (LINES.replace("Hargrave", "Müller").encode("latin-1"), "UTF-8 text, got the byte"),
    "binary": (b"\x93NUMPY\x01\x00" * 20, "expected UTF-8 text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_load_churn_refuses(tmp_path, case):
    content, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        load_churn(_write(tmp_path, content))


def test_load_churn_without_a_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_churn(tmp_path / "none.csv")
