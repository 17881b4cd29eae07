"""From the cells of a CSV file to features and targets."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fastnn.datasets._csv import MAX_LINE, read_cells
from fastnn.preprocessing import TablePreprocessor, _cells
from fastnn.preprocessing._target import TargetPlan, plan_target

# --- the file


def write(tmp_path, content: bytes):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_cells_are_read_as_they_stand(tmp_path, delimiter):
    content = 'a,"b ,x",c\n1,"two\nlines",\n\n3, 4 ,"5 ""five"""\n'
    content = content.replace(",", delimiter).replace(f"b {delimiter}x", "b x")
    (cells,) = read_cells(write(tmp_path, b"\xef\xbb\xbf" + content.encode()))
    assert cells.header == ["a", "b x", "c"]
    assert cells.records == [["1", "two\nlines", ""], ["3", " 4 ", '5 "five"']]
    assert cells.lines == [2, 5]
    assert cells.columns["c"] == ["", '5 "five"']


def test_cells_come_in_parts(tmp_path):
    path = write(tmp_path, b"a,b\n" + b"".join(b"%d,x\n" % i for i in range(10)))
    parts = list(read_cells(path, part=4))
    assert [len(part.records) for part in parts] == [4, 4, 2]
    assert [row[0] for part in parts for row in part.records] == [str(i) for i in range(10)]
    assert [len(p.records) for p in read_cells(path, part=5)] == [5, 5]
    (empty,) = read_cells(write(tmp_path, b"a,b\n"), part=4)
    assert empty.columns == {"a": [], "b": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a header line, got an empty file"),
        (b"a,b\n1,2\n3\n", "line 3: expected 2 cells, got 1"),
        (b"a,b\n1,2,3\n", "line 2: expected 2 cells, got 3"),
        (b'a,b\n1,2\n3,"4\n5,6\n', "record starting on line 3: a quoted cell is never closed"),
        (b"a,b\n1,\x002\n", "line 2: expected text, got a NUL character"),
        (b"a,b\n1,\xff\n", "expected UTF-8 text, got the byte 0xff"),
        (b"\xff\xfea\x00", "expected UTF-8 text, got UTF-16"),
        (b"a,a\n1,2\n", "names a column twice: a"),
        (b"a,b\n" + b"x" * (MAX_LINE + 10), f"a line of at most {MAX_LINE} characters"),
    ],
)
def test_files_that_are_no_table_are_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=message):
        list(read_cells(write(tmp_path, content)))


# --- cells


def test_numbers():
    found = _cells.numbers(["1", "-2.5e3", "NA", "", ".5"])
    np.testing.assert_array_equal(found, [1.0, -2500.0, np.nan, np.nan, 0.5])
    for other in ("1_000", "inf", "1,5", "0x10", "one", "1e400"):
        assert _cells.numbers(["1", other]) is None


def test_days():
    cells = ["1970-01-02", "1970/01/02 12:00", "1970-01-02T12:00:00Z", "1970-01-02 12:00+12:00",
             "1970-01-02 12:00:00.864 -0100", ""]  # fmt: skip
    expected = [1.0, 1.5, 1.5, 1.0, 1.5 + 1e-5 + 1 / 24, np.nan]
    np.testing.assert_allclose(_cells.days(cells), expected, rtol=1e-12)
    for other in ("1970-13-01", "02.01.1970", "1970-01-02 25:00", "1970-1-2", "today", "20240101"):
        assert _cells.days([other]) is None


def test_dates_come_round_again():
    names, features = _cells.date_features(np.array([0.0, 7.0, 365.2425, np.nan]))
    assert names == [
        "days", "year_sin", "year_cos", "week_sin", "week_cos", "day_sin", "day_cos",
    ]  # fmt: skip
    week, year = slice(3, 5), slice(1, 3)
    np.testing.assert_allclose(features[0, week], features[1, week], atol=1e-12)
    np.testing.assert_allclose(features[0, year], features[2, year], atol=1e-9)
    assert np.isnan(features[3]).all()


# --- the preprocessor

TABLE = {
    "row": [str(i + 1) for i in range(12)],
    "CustomerId": [str(1000 + 7 * i) for i in range(12)],
    "same": ["x"] * 12,
    "age": ["30", "40", "NA", *["50"] * 9],
    "home": ["flat", "house", *["flat"] * 9, ""],
    "since": [f"2024-01-{i + 1:02d}" for i in range(12)],
    "grade": ["1", "2", "3"] * 4,
}


def test_kinds_are_found():
    found = TablePreprocessor({"grade": "category"}).fit(TABLE)
    kinds = {column.name: (column.kind, column.why) for column in found.columns}
    assert kinds == {
        "row": ("ignore", "numbers the rows"),
        "CustomerId": ("ignore", "identifies the rows"),
        "same": ("ignore", "constant"),
        "age": ("number", ""),
        "home": ("category", ""),
        "since": ("date", ""),
        "grade": ("category", ""),
    }
    assert found.feature_names[:5] == [
        "age", "age is missing", "home is missing", "home = flat", "home = house",
    ]  # fmt: skip
    assert found.blocks["since"] == slice(5, 12)
    x = found.transform(TABLE)
    assert x.shape == (12, 15)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[:, 0].mean(), 0.0, atol=1e-6)
    assert x[2, :2].tolist() == [0.0, 1.0]
    assert x[[0, 1, 11], 2:5].tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]
    np.testing.assert_allclose(x[:, 5].std(), 1.0, rtol=1e-6)


def test_many_categories():
    words = [f"w{i}" for i in range(120)]
    assert TablePreprocessor().fit({"w": words, "n": list(range(5, 125))}).columns[0].why == (
        "120 different values"
    )
    frequent = ["often"] * 200 + words
    found = TablePreprocessor(max_categories=10).fit({"w": frequent}).columns[0]
    assert found.kind == "category"
    assert len(found.categories) == 10
    assert "often" in found.categories


def test_means_are_those_of_the_training_rows():
    found = TablePreprocessor().fit({"a": [1.0, 3.0, 100.0], "b": ["x", "y", "z"]}, rows=[0, 1])
    assert found.columns[0].mean == [2.0]
    assert found.columns[1].categories == ["x", "y"]


def test_unseen_categories_and_missing_columns():
    found = TablePreprocessor().fit(TABLE)
    new = {name: column[:3] for name, column in TABLE.items()}
    new["home"] = ["boat", "flat", "tent"]
    notes: list[str] = []
    x = found.transform(new, note=notes.append)
    assert x[0, 2:5].tolist() == [0.0, 0.0, 0.0]
    assert len(notes) == 1
    assert "'home' has 2 values that are none of the categories" in notes[0]
    with pytest.warns(UserWarning, match="'boat', 'tent'"):
        found.transform(new)
    del new["age"], new["row"]
    with pytest.raises(ValueError, match="age not found"):
        found.transform(new)
    filled = found.transform(new, fill_missing=True, note=notes.append)
    assert (filled[:, :2] == [0.0, 1.0]).all()
    assert any("'age' is not there" in text for text in notes)
    with pytest.raises(ValueError, match="not found"):
        found.transform({"other": ["1"]}, fill_missing=True)
    with pytest.raises(ValueError, match=r"a number in each cell of the column 'age'.*'old'"):
        found.transform({**TABLE, "age": ["old"] * 12})
    with pytest.raises(ValueError, match="one length"):
        found.transform({**TABLE, "age": ["1"]})


def test_arrays_and_frames_are_tables_too():
    numbers = {"a": np.array([1.0, np.nan, 3.0]), "b": np.array(["x", "y", "x"]),
               "c": np.array(["2024-01-01", "2024-02-01", "NaT"], "M8[D]")}  # fmt: skip
    text = {"a": ["1", "", "3"], "b": ["x", "y", "x"], "c": ["2024-01-01", "2024-02-01", ""]}
    expected = TablePreprocessor().fit(text).transform(text)
    np.testing.assert_array_equal(TablePreprocessor().fit(numbers).transform(numbers), expected)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames(library):
    frames = pytest.importorskip(library)
    frame = frames.DataFrame(
        {"a": [1.5, None, 3.0], "b": ["x", None, "x"], "c": [True, False, True]}
    )
    text = {"a": ["1.5", "", "3"], "b": ["x", "", "x"], "c": ["1", "0", "1"]}
    expected = TablePreprocessor().fit(text).transform(text)
    np.testing.assert_array_equal(TablePreprocessor().fit(frame).transform(frame), expected)


def test_it_is_kept_as_plain_data():
    found = TablePreprocessor().fit(TABLE)
    again = TablePreprocessor.from_config(json.loads(json.dumps(found.get_config())))
    np.testing.assert_array_equal(again.transform(TABLE), found.transform(TABLE))
    assert again.feature_names == found.feature_names


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "magic"},
        {"features": ["a"]},
        {"mean": []},
        {"scale": ["x"]},
        {"mean": [float("nan")]},
        {"unknown": 1},
        {"has_missing": False},
        {"scale": [0.0]},
        {"mean": [True]},
        {"name": None},
        {"why": 3},
        {"features": "ab"},
    ],
    ids=str,
)
def test_damaged_data_are_refused(change):
    config = TablePreprocessor().fit({"age": ["1", "", "2"]}).get_config()
    config["columns"][0].update(change)
    with pytest.raises(ValueError, match="damaged"):
        TablePreprocessor.from_config(config)


def test_what_cannot_be_learnt_from_is_refused():
    for table, message in (
        ({"a": []}, "at least one row"),
        ({"a": ["x", "x"]}, "no column is of use"),
        ({"a": [[1, 2]]}, r"a: expected a column of shape \(rows,\)"),
        ({"a": ["1"], "b": ["1", "2"]}, "one length"),
    ):
        with pytest.raises(ValueError, match=message):
            TablePreprocessor().fit(table)
    with pytest.raises(ValueError, match="expected number, category"):
        TablePreprocessor({"a": "nmuber"})
    with pytest.raises(ValueError, match="got a kind for b"):
        TablePreprocessor({"b": "number"}).fit({"a": ["1", "2"]})
    with pytest.raises(ValueError, match=r"a date in each cell of the column 'a', got '1'"):
        TablePreprocessor({"a": "date"}).fit({"a": ["1", "2"]})
    with pytest.raises(ValueError, match=r"fit\(\) before"):
        TablePreprocessor().transform({"a": ["1"]})


# --- the target


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["0", "1.0", "1"], "binary", ["0", "1"]),
        (["yes", "no"], "binary", ["no", "yes"]),
        (["2.5", "3.5"], "binary", ["2.5", "3.5"]),
        (["10", "9", "1"], "multiclass", ["1", "9", "10"]),
        (["a", "b", "c"], "multiclass", ["a", "b", "c"]),
        ([str(i) for i in range(11)], "regression", []),
        (["1.5", "2", "3"], "regression", []),
    ],
)
def test_tasks_are_found(cells, task, classes):
    plan = plan_target("y", cells)
    assert (plan.task, plan.classes) == (task, classes)
    assert TargetPlan.from_config(json.loads(json.dumps(plan.get_config()))) == plan
    if task == "regression":
        back = plan.unscaled(plan.encode(cells)[:, None])
        np.testing.assert_allclose(back, [float(cell) for cell in cells], rtol=1e-6, atol=1e-6)
    else:
        same = [plan.classes[number] for number in plan.encode(cells)]
        assert [float(c) if c[0].isdigit() else c for c in same] == [
            float(c) if c[0].isdigit() else c for c in cells
        ]


@pytest.mark.parametrize(
    ("cells", "task", "message"),
    [
        (["1", "1"], "auto", "the same in all rows: 1"),
        (["1", "1"], "regression", "the same in all rows: 1"),
        (["1", "x"], "regression", "expected numbers in the target 'y' of a regression: 'x'"),
        (["1", "2", "3"], "binary", "expected 2 classes in the target 'y', got 3"),
        ([f"w{i}" for i in range(2000)], "auto", "2000 classes; is it the right column"),
    ],
)
def test_targets_that_do_not_go_with_the_task_are_refused(cells, task, message):
    with pytest.raises(ValueError, match=message):
        plan_target("y", cells, task)


@pytest.mark.parametrize(
    "change",
    [
        {"task": "magic"},
        {"classes": []},
        {"classes": ["a", "a"]},
        {"classes": ["a", 1]},
        {"name": 1},
        {"scale": float("inf")},
        {"mean": "0"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_damaged_target_is_refused(change):
    config = {**plan_target("y", ["a", "b"]).get_config(), **change}
    with pytest.raises(ValueError, match="the plan of the target is damaged"):
        TargetPlan.from_config(config)


def test_a_class_that_was_not_trained_is_refused():
    with pytest.raises(ValueError, match="the class 'c', which the training had not"):
        plan_target("y", ["a", "b"]).encode(["a", "c"])
