"""fastnn train, predict, evaluate, inspect: what they find, write, say and refuse."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
from html.parser import HTMLParser

import numpy as np
import pytest

from fastnn.cli import main
from fastnn.cli._predict import predictions
from fastnn.cli._tabular import features_of
from fastnn.datasets import make_churn
from fastnn.datasets._csv import read_cells
from fastnn.tables import TableModel


def write_table(path, table):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    return path


def read_table(path):
    (cells,) = read_cells(path)
    return cells.columns


@pytest.fixture(scope="module")
def churn(tmp_path_factory):
    """A table of made customers, and a model of it with its report."""
    folder = tmp_path_factory.mktemp("churn")
    data = write_table(folder / "churn.csv", make_churn(2000))
    model, report = folder / "churn.fastnn", folder / "report.html"
    options = ["--target", "Exited", "--epochs", "15", "--layers", "8", "--out", str(model)]
    options += ["--ignore", "Surname"]
    assert main(["train", str(data), *options, "--report", str(report)]) == 0
    return data, model, report


def sklearn_table(name):
    datasets = pytest.importorskip("sklearn.datasets")
    found = getattr(datasets, f"load_{name}")()
    table = dict(zip(found.feature_names, found.data.T, strict=True))
    words = getattr(found, "target_names", None)
    table["target"] = found.target if words is None else np.asarray(words)[found.target]
    return table


def figure(text, name):
    return float(re.search(rf"^{re.escape(name)} +(-?\d+\.\d+)$", text, re.MULTILINE)[1])


# --- train


def test_train_says_what_it_found(churn, tmp_path, capsys):
    data, _, _ = churn
    out = tmp_path / "model.fastnn"
    options = ["--out", str(out), "--epochs", "3", "--ignore", "Surname"]
    assert main(["train", str(data), "--target", "Exited", *options]) == 0
    said, err = capsys.readouterr()
    assert err == ""
    assert f"{data}: 2000 rows; predicts 'Exited', 2 classes (0, 1)" in said
    assert "  numbers: CreditScore, Age, Tenure, Balance, NumOfProducts" in said
    assert "  categories: Geography, Gender\n" in said
    assert (
        "RowNumber (numbers the rows), CustomerId (identifies the rows), Surname (asked for)"
        in said
    )
    assert "1400 rows to train on, 300 to validate, 300 to test; network 13-32-16-1" in said
    assert "3 epochs in " in said
    assert "On the 300 rows of the test\naccuracy" in said
    matrix = re.findall(r"^Exited = [01] +(\d+) +(\d+)$", said, re.MULTILINE)
    assert sum(int(n) for row in matrix for n in row) == 300
    assert "\r" not in said
    assert "\x1b" not in said


@pytest.mark.parametrize(
    ("name", "task", "metric", "least"),
    [
        ("diabetes", "a number", "R²", 0.4),
        ("wine", "3 classes", "accuracy", 0.9),
        ("breast_cancer", "2 classes (benign, malignant)", "accuracy", 0.93),
    ],
)
def test_tables_of_scikit_learn(name, task, metric, least, tmp_path, capsys):
    data = write_table(tmp_path / "table.csv", sklearn_table(name))
    model, report = tmp_path / "model.fastnn", tmp_path / "report.html"
    options = ["--target", "target", "--out", str(model), "--report", str(report)]
    assert main(["train", str(data), *options]) == 0
    said = capsys.readouterr().out
    assert f"predicts 'target', {task}" in said
    assert figure(said, metric) >= least
    check_html(report, drawings=6 if name == "diabetes" else 7)
    check_a_new_process_predicts_the_same(model, data, tmp_path)


def test_the_published_customers(data_folder, tmp_path, capsys):
    data, model = data_folder / "Churn_Modelling.csv", tmp_path / "churn.fastnn"
    assert main(["train", str(data), "--target", "Exited", "--out", str(model)]) == 0
    said = capsys.readouterr().out
    assert figure(said, "accuracy") >= 0.85
    assert figure(said, "AUC") >= 0.84
    check_a_new_process_predicts_the_same(model, data, tmp_path)


def check_a_new_process_predicts_the_same(model, data, folder):
    """The file that another process writes has the bits that this one computes."""
    out = folder / "scored.csv"
    command = [sys.executable, "-W", "error", "-m", "fastnn", "predict", str(model), str(data)]
    done = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    tabular = TableModel.load(model)
    (cells,) = read_cells(data)
    outputs = tabular.outputs(features_of(tabular, cells, data, False))
    written, target = read_table(out), tabular.target
    if target.task == "regression":
        found = np.array(written["target_predicted"], np.float64)
        np.testing.assert_array_equal(found, target.unscaled(outputs))
        return
    expected = target.probabilities(outputs)
    assert expected.dtype == np.float32
    for number, name in enumerate(target.classes):
        found = np.array(written[f"{target.name}_probability_{name}"], np.float32)
        np.testing.assert_array_equal(found, expected[:, number])
    chosen = np.array(target.classes)[expected.argmax(axis=1)]
    assert written[f"{target.name}_predicted"] == chosen.tolist()
    assert {name: written[name] for name in cells.header} == cells.columns


def test_training_is_seeded(churn, tmp_path):
    data, _, _ = churn
    found = []
    for number, seed in enumerate(("1", "1", "2")):
        model = tmp_path / f"{number}.fastnn"
        options = ["--target", "Exited", "--out", str(model), "--epochs", "2", "--seed", seed]
        assert main(["train", str(data), *options]) == 0
        found.append(TableModel.load(model).model.get_weights()[0])
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()


def test_the_best_epoch_is_kept(churn, tmp_path, capsys):
    data, _, _ = churn
    model = tmp_path / "m.fastnn"
    options = ["--epochs", "60", "--patience", "60", "--test", "0", "--learning-rate", "0.02"]
    assert main(
        ["train", str(data), "--target", "Exited", "--out", str(model), *options]
    ) == 0  # fmt: skip
    said = capsys.readouterr().out
    best = float(re.search(r"validation loss (\d\.\d+)", said)[1])
    assert int(re.search(r"the best (\d+)", said)[1]) < 60
    assert "On the 300 rows of the validation" in said
    assert figure(said, "cross-entropy") == pytest.approx(best, abs=2e-4)


def test_options_of_columns_and_network(tmp_path, capsys):
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    table = {
        "x": x,
        "code": rng.integers(0, 3, 400),
        "since": [f"2024-{m:02d}-01 08:00" for m in rng.integers(1, 13, 400)],
        "noise": rng.normal(size=400),
        "y;z": np.where(x > 0, "up", "down"),
    }
    data = tmp_path / "t.csv"
    with data.open("w", newline="") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))
    model = tmp_path / "m.safetensors"
    options = ["--column", "code=category", "--ignore", "noise", "--layers", "4,3", "--balanced"]
    options += ["--dropout", "0.1", "--l2", "0.001", "--activation", "tanh", "--batch-size", "16"]
    assert main(["train", str(data), "--target", "y;z", "--out", str(model), *options]) == 0
    said = capsys.readouterr().out
    assert "numbers: x\n  categories: code\n  dates: since\n  ignored: noise (asked for)" in said
    assert "network 11-4-3-1" in said
    assert figure(said, "accuracy") > 0.9
    assert main(["inspect", str(model)]) == 0
    assert "code: category" in capsys.readouterr().out


# --- predict and evaluate


def test_predict_writes_to_standard_output(churn, capsys):
    data, model, _ = churn
    assert main(["predict", str(model), str(data), "--only"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Exited_predicted,Exited_probability_0,Exited_probability_1"
    assert len(lines) == 2001
    assert all(re.fullmatch(r"[01],[\d.e-]+,[\d.e-]+", line) for line in lines[1:])


def test_rows_come_from_standard_input(churn, capsys):
    data, model, _ = churn
    assert main(["predict", str(model), str(data)]) == 0
    expected = capsys.readouterr().out
    command = [sys.executable, "-m", "fastnn", "predict", str(model), "-"]
    done = subprocess.run(command, input=data.read_bytes(), capture_output=True)
    assert (done.returncode, done.stderr, done.stdout.decode()) == (0, b"", expected)
    command[3:] = ["evaluate", str(model), "-"]
    done = subprocess.run(command, input=b"a,b\n1\n", capture_output=True)
    assert done.returncode == 1
    assert b"stdin, line 2: expected 2 cells, got 1" in done.stderr


def test_parts_of_a_file_are_predicted_as_the_whole(churn, tmp_path, monkeypatch):
    data, model, _ = churn
    whole, parts = tmp_path / "whole.csv", tmp_path / "parts.csv"
    assert main(["predict", str(model), str(data), "--out", str(whole)]) == 0
    monkeypatch.setattr("fastnn.cli._predict._PART", 7)
    assert main(["predict", str(model), str(data), "--out", str(parts)]) == 0
    assert parts.read_bytes() == whole.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["parts.csv", "whole.csv"]


def test_devices_are_written_to_and_links_stay_links(churn, tmp_path):
    data, model, _ = churn
    whole, pipe, link = tmp_path / "whole.csv", tmp_path / "pipe", tmp_path / "link.csv"
    assert main(["predict", str(model), str(data), "--out", str(whole)]) == 0
    os.mkfifo(pipe)
    found = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    assert main(["predict", str(model), str(data), "--out", str(pipe)]) == 0
    reader.join()
    assert found == [whole.read_bytes()]
    assert pipe.is_fifo()
    (tmp_path / "other.csv").write_text("old")
    link.symlink_to("other.csv")
    assert main(["predict", str(model), str(data), "--out", str(link)]) == 0
    assert link.is_symlink()
    assert (tmp_path / "other.csv").read_bytes() == whole.read_bytes()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk_is_an_error(churn):
    data, model, _ = churn
    command = [sys.executable, "-m", "fastnn", "predict", str(model), str(data)]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("fastnn: error: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr


def test_new_rows(churn, tmp_path, capsys):
    data, model, _ = churn
    rows = {name: cells[:5] for name, cells in read_table(data).items() if name != "Exited"}
    rows["Geography"][0] = "Italy"
    rows["Age"][1] = ""
    new = write_table(tmp_path / "new.csv", rows)
    assert main(["predict", str(model), str(new)]) == 0
    said, err = capsys.readouterr()
    assert len(said.splitlines()) == 6
    assert err.startswith("fastnn: warning: ")
    assert (
        "'Geography' has 1 values that are none of the categories of the training ('Italy')" in err
    )
    del rows["Age"]
    new = write_table(tmp_path / "new.csv", rows)
    assert main(["predict", str(model), str(new), "--out", str(tmp_path / "out.csv")]) == 1
    said, err = capsys.readouterr()
    assert re.search(r"fastnn: error: .*new.csv: expected the columns .*; Age not found", err)
    assert not (tmp_path / "out.csv").exists()
    assert main(["predict", str(model), str(new), "--fill-missing"]) == 0
    assert "the column 'Age' is not there: its values count as missing" in capsys.readouterr().err
    empty = write_table(tmp_path / "empty.csv", {name: [] for name in rows})
    assert main(["predict", str(model), str(empty)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_evaluate(churn, tmp_path, capsys):
    data, model, _ = churn
    assert main(["evaluate", str(model), str(data)]) == 0
    said = capsys.readouterr().out
    assert main(["evaluate", str(model), str(data), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == pytest.approx(figure(said, "accuracy"), abs=1e-4)
    assert found["rows"] == 2000
    assert np.sum(found["confusion"]) == 2000
    assert np.trace(found["confusion"]) / 2000 == found["accuracy"]
    sklearn = pytest.importorskip("sklearn.metrics")
    tabular = TableModel.load(model)
    (cells,) = read_cells(data)
    p = np.array([row[2] for row in predictions(tabular, cells, data)[1]], float)
    y = np.array(cells.columns["Exited"], int)
    assert found["AUC"] == pytest.approx(sklearn.roc_auc_score(y, p), rel=1e-9)
    assert found["cross-entropy"] == pytest.approx(sklearn.log_loss(y, p), rel=1e-5)


def test_rows_without_a_target_are_left_out(churn, tmp_path, capsys):
    data, model, _ = churn
    rows = {name: cells[:50] for name, cells in read_table(data).items()}
    rows["Exited"][3] = ""
    new = write_table(tmp_path / "new.csv", rows)
    assert main(["evaluate", str(model), str(new)]) == 0
    said, err = capsys.readouterr()
    assert "On the 49 rows" in said
    assert "1 rows have no 'Exited': they are left out" in err
    rows["Exited"][3] = "2"
    assert main(["evaluate", str(model), str(write_table(tmp_path / "new.csv", rows))]) == 1
    assert "the class '2', which the training had not; it had 0, 1" in capsys.readouterr().err


def test_models_are_used_from_python(churn, tmp_path):
    data, model, _ = churn
    out = tmp_path / "out.csv"
    assert main(["predict", str(model), str(data), "--out", str(out)]) == 0
    written = read_table(out)
    table = TableModel.load(model)
    assert repr(table).startswith("TableModel('Exited', binary, from CreditScore, Geography")
    rows = {name: np.array(cells) for name, cells in read_table(data).items()}
    rows["Age"] = rows["Age"].astype(int)
    assert table.predict(rows).tolist() == written["Exited_predicted"]
    p = table.predict_proba(rows)
    np.testing.assert_array_equal(p[:, 1], np.array(written["Exited_probability_1"], np.float32))
    table.save(tmp_path / "again.fastnn")
    np.testing.assert_array_equal(TableModel.load(tmp_path / "again.fastnn").predict_proba(rows), p)
    del rows["Age"]
    with pytest.raises(ValueError, match="Age not found"):
        table.predict(rows)
    with pytest.warns(UserWarning, match="'Age' is not there"):
        table.predict(rows, fill_missing=True)


# --- inspect


def test_inspect(churn, tmp_path, capsys):
    _, model, _ = churn
    assert main(["inspect", str(model)]) == 0
    said = capsys.readouterr().out
    for part in ('Model: "table"', "matmul NN+bias+relu", "dense/kernel  F32 (13, 8)",
                 "Predicts 'Exited', binary: 0, 1", "Surname: ignore ("):  # fmt: skip
        assert re.search(re.escape(part).replace("dense/", r"dense\w*/"), said), part
    assert main(["inspect", str(model), "--metadata"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fastnn"]["preprocessing"]["target"]["classes"] == ["0", "1"]
    from fastnn.io import save_file

    other = tmp_path / "other.safetensors"
    save_file({"w": np.zeros((2, 3), np.float32)}, other, metadata={"by": "hand"})
    assert main(["inspect", str(other)]) == 0
    said = capsys.readouterr().out
    assert "w  F32 (2, 3)" in said
    assert '"by": "hand"' in said


def test_inspect_shows_tensors_of_a_model_with_layers_of_ones_own(tmp_path, capsys):
    import fastnn

    class Twice(fastnn.layers.Dense):
        pass

    fastnn.Sequential([Twice(1, name="own", input_dim=2)]).save(tmp_path / "m.fastnn")
    assert main(["inspect", str(tmp_path / "m.fastnn")]) == 0
    out, err = capsys.readouterr()
    assert "own/kernel  F32 (2, 1)" in out
    assert "Twice" in err
    assert "its layers cannot be shown" in err


# --- the report


class Report(HTMLParser):
    """Tags that are closed as they are opened, and all addresses."""

    def __init__(self):
        super().__init__()
        self.open, self.count, self.addresses, self.words = [], {}, [], []

    def handle_starttag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.addresses += [v for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def check_html(path, drawings):
    report = Report()
    report.feed(path.read_text(encoding="utf-8"))
    assert report.open == []
    assert report.addresses == []
    assert report.count["svg"] == drawings
    assert "script" not in report.count
    return report


def test_the_report_is_whole_by_itself(churn):
    report = check_html(churn[2], drawings=7)
    words = " ".join(report.words)
    for part in ("Confusion matrix", "ROC: 1, area", "Calibration", "Permutation importance",
                 "training", "validation", "accuracy", "Geography = Spain", "8 relu",
                 "numbers the rows"):  # fmt: skip
        assert part in words
    assert "nan" not in re.sub(r"[a-z]nan|nan[a-z]", "", words.lower())


def test_names_of_columns_are_text_in_the_report(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=100)
    table = {"<b>x</b>": x, "'&\"": rng.normal(size=100), "<script>": np.where(x > 0, "<i>", "&")}
    data = write_table(tmp_path / "t.csv", table)
    report = tmp_path / "r.html"
    options = ["--out", str(tmp_path / "m.fastnn"), "--report", str(report), "--epochs", "3"]
    assert main(["train", str(data), "--target", "<script>", *options]) == 0
    found = check_html(report, drawings=7)
    assert "b" not in found.count
    assert "i" not in found.count


# --- errors

USAGE = [
    (["train"], "the following arguments are required: CSV, --target, --out"),
    (["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--epochs", "0"], "--epochs"),
    (["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--layers", "a"], "--layers"),
    (["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--test", "1"], "--test"),
    (["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--learning-rate", "0"], "above 0"),
    (
        ["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--delimiter", "ab"],
        "one character",
    ),
    (["train", "x.csv", "--target", "y", "--out", "m.fastnn", "--task", "guess"], "invalid choice"),
    (["predict", "m.fastnn"], "required: CSV"),
    (["inspect"], "required: FILE"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(a) for a, _ in USAGE])
def test_wrong_usage_exits_with_2(arguments, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target", "Exit"], "has no column 'Exit' to predict; it has RowNumber"),
        (["--target", "Exited", "--out", "no/such/folder/m.fastnn"], "no folder no/such/folder"),
        (["--target", "Exited", "--out", "m.pickle"], "ends in .fastnn or .safetensors"),
        (["--target", "Exited", "--report", "no/such/r.html"], "no folder no/such"),
        (["--target", "Exited", "--column", "Age"], "expected --column NAME=KIND, got 'Age'"),
        (["--target", "Exited", "--column", "Age=magic"], "expected number, category"),
        (
            ["--target", "Exited", "--column", "Surname=number"],
            "a number in each cell of the column",
        ),
        (["--target", "Exited", "--ignore", "Agee"], "got a kind for Agee"),
        (["--target", "Exited", "--ignore", "Exited"], "'Exited' cannot be ignored"),
        (["--target", "Exited", "--validation", "0.9", "--test", "0.2"], "shares above 0"),
        (["--target", "Surname", "--task", "regression"], "expected numbers in the target"),
        (
            ["--target", "Balance", "--balanced", "--task", "regression"],
            "--balanced is for classes",
        ),
        (["--target", "Exited", "--activation", "rleu"], "relu"),
        (["--target", "Exited", "--learning-rate", "1e30"], "loss"),
    ],
)
def test_failures_exit_with_1_and_leave_no_file(
    churn, tmp_path, monkeypatch, options, message, capsys
):
    monkeypatch.chdir(tmp_path)
    with np.errstate(all="ignore"):
        status = main(["train", str(churn[0]), "--out", "m.fastnn", "--epochs", "3", *options])
    err = capsys.readouterr().err
    assert status == 1
    assert err.startswith("fastnn: error: ")
    assert message in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        (b"", "expected a header line, got an empty file"),
        (b"a,y\n", "at least one row"),
        (b"a,y\n1,0\n2,1\n", "at least 10 rows, got 2"),
        (b"a,y\n" + b"1,0\n2,1,3\n" * 9, "line 3: expected 2 cells, got 3"),
        (b"a,y\n" + b"1,0\n" * 9 + b'"2,1\n', "a quoted cell is never closed"),
        (b"a,y\n1,\x00\n", "NUL"),
        (b"a,y\n" + b"1,0\n1,1\n" * 9, "no column is of use (a: constant)"),
        (b"a,y\n" + b"1,0\n2,0\n" * 9, "the same in all rows"),
        (b"a" * 2_000_000, "a line of at most"),
    ],
)
def test_bad_tables(tmp_path, content, message, capsys):
    data = tmp_path / "t.csv"
    if content is not None:
        data.write_bytes(content)
    assert main(["train", str(data), "--target", "y", "--out", str(tmp_path / "m.fastnn")]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"fastnn: error: {data}")
    assert message in err


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    rows = "".join(f"{i % 7},{i % 2}\r\n" for i in range(40))
    data = tmp_path / "t.csv"
    data.write_bytes(b"\xef\xbb\xbf" + b"y,a\r\n" + rows.encode())
    options = ["--target", "y", "--out", str(tmp_path / "m.fastnn"), "--epochs", "2"]
    assert main(["train", str(data), *options]) == 0


def test_files_that_are_no_model(churn, tmp_path, capsys):
    import fastnn
    from fastnn.layers import Dense

    data, model, _ = churn
    plain = tmp_path / "plain.fastnn"
    fastnn.Sequential([Dense(1, input_dim=2)]).save(plain)
    short = tmp_path / "short.fastnn"
    short.write_bytes(model.read_bytes()[:-100])
    for path, message in (
        (tmp_path / "none.fastnn", "No such file"),
        (data, "safetensors"),
        (short, str(short)),
        (plain, "expected a model of 'fastnn train'"),
    ):
        assert main(["predict", str(path), str(data)]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("fastnn: error: ")
        assert path is data or message in err


def test_a_preprocessing_that_does_not_fit_is_refused(churn, tmp_path, capsys):
    data, model, _ = churn
    tabular = TableModel.load(model)
    tabular.preprocessor.columns = tabular.preprocessor.columns[:5]
    damaged = tmp_path / "damaged.fastnn"
    tabular.save(damaged)
    assert main(["predict", str(damaged), str(data)]) == 1
    assert "the preprocessing is damaged: a network from (None, 13)" in capsys.readouterr().err


def test_spoilt_tables_are_refused_or_read(churn, tmp_path, capsys):
    # Any other exception than those of main's own would come through.
    data, model, _ = churn
    whole = b"".join(data.read_bytes().splitlines(keepends=True)[:40])
    rng = np.random.default_rng(0)
    pieces = [
        b'"',
        b",",
        b"\n",
        b"\0",
        b"\xef\xbb\xbf",
        b"nan",
        b"1e999",
        b"\r",
        b";",
        b"\xff",
        b"x",
    ]
    spoilt, statuses = tmp_path / "spoilt.csv", []
    for _ in range(60):
        content = bytearray(whole)
        for place in rng.integers(0, len(content), rng.integers(1, 4)):
            if rng.random() < 0.3:
                del content[place : place + rng.integers(1, 40)]
            else:
                content[place:place] = pieces[rng.integers(len(pieces))]
        spoilt.write_bytes(content)
        statuses.append(main(["predict", str(model), str(spoilt)]))
        options = ["--target", "Exited", "--out", str(tmp_path / "m.fastnn"), "--epochs", "1"]
        statuses.append(main(["train", str(spoilt), *options]))
        assert "Traceback" not in capsys.readouterr().err
    assert set(statuses) == {0, 1}


def test_a_spoilt_preprocessing_is_refused_or_used(churn, tmp_path, capsys):
    data, model, _ = churn
    tabular = TableModel.load(model)
    tabular.save(tmp_path / "m.fastnn")
    plain, rng = json.dumps(tabular.model.preprocessing), np.random.default_rng(0)
    values = [None, 1, -0.5, "", "number", [], {}, [1], True, 10**30]
    for _ in range(60):
        found = node = json.loads(plain)
        while isinstance(node, (dict, list)) and len(node):
            keys = list(node) if isinstance(node, dict) else range(len(node))
            parent, key = node, keys[rng.integers(len(keys))]
            node = node[key]
            if rng.random() < 0.2:
                break
        parent[key] = values[rng.integers(len(values))]
        tabular.model.preprocessing = found
        tabular.model.save(tmp_path / "m.fastnn")
        for command in ("predict", "evaluate"):
            assert main([command, str(tmp_path / "m.fastnn"), str(data)]) in (0, 1)
    assert "is damaged" in capsys.readouterr().err


def test_ctrl_c_leaves_no_model(churn, tmp_path):
    model = tmp_path / "m.fastnn"
    command = [sys.executable, "-m", "fastnn", "train", str(churn[0]), "--target", "Exited"]
    command += ["--out", str(model), "--epochs", "1000000", "--patience", "1000000"]
    process = subprocess.Popen(
        [*command, "--verbose", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    for line in process.stdout:
        if "loss" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "fastnn: interrupted\n"
    assert not model.exists()
