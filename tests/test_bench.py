"""The benchmarks themselves: that they run, that peers compute the same, that pages come of it."""

from __future__ import annotations

import json
from contextlib import ExitStack

import numpy as np
import pytest
from bench import compare, machine, peers, report
from bench.gpu import __main__ as gpu
from bench.gpu import training, turns
from bench.kernels import cases
from bench.networks import Conv, Dense, Embedding, Flatten, MaxPool, Network, loss_and_accuracy
from bench.process import PeerError, Worker
from bench.workloads import WORKLOADS, Training

import fastnn


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[dict, list]:
    """The smallest workload and a product, with a peer that is not installed."""
    file = tmp_path_factory.mktemp("bench") / "compare.json"
    names = ["churn", "--peers", "numpy,jax", "--threads", "1", "--rounds", "2"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "HOME", file.parent / "none")
        compare.main([*names, "--seconds", "0.01", "--json", str(file)])
    found = json.loads(file.read_text(encoding="utf-8"))
    return found, [file]


def test_peers_start_alike_and_learn_alike(run):
    for row in run[0]["results"]:
        ours, theirs = row["peers"]["fastnn"], row["peers"]["numpy"]
        assert theirs["difference"] < 1e-5
        assert abs(ours["loss"] - theirs["loss"]) < 0.02
        assert abs(ours["accuracy"] - theirs["accuracy"]) < 0.02
        for peer in (ours, theirs):
            assert len(peer["seconds"]) == 2
            assert all(1e-9 < s < 10 for s in peer["seconds"])


def test_a_peer_that_is_not_there_is_reported(run):
    for row in run[0]["results"]:
        assert "not installed" in row["peers"]["jax"]["error"]


def test_results_carry_the_machine_and_its_limits(run):
    found = run[0]
    assert found["machine"].keys() >= {"cpu", "cores", "isa", "numpy", "fastnn", "date"}
    limits = found["limits"]["1"]
    assert limits["flops_float32"] > limits["flops_float64"] > 1e8
    step = next(row for row in found["results"] if row["measurement"] == "step")
    # forwards and both gradients, but none of the input: 2 * 10 * (2 * 66 + 3 * 36 + 3 * 6)
    assert step["flops"] == 2 * 10 * (2 * 66 + 3 * 36 + 3 * 6)
    assert 0 < report.share(step, found["limits"]) < 1


def test_pages_are_written_from_the_file(run, tmp_path):
    file = tmp_path / "compare.json"
    file.write_text(json.dumps(run[0]), encoding="utf-8")
    readme = tmp_path / "front.md"
    readme.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write_pages(file, readme)
    page, front = (tmp_path / "README.md").read_text(encoding="utf-8"), readme.read_text("utf-8")
    step = next(row for row in run[0]["results"] if row["measurement"] == "step")
    own = report.time_text(report.median(step["peers"]["fastnn"]))
    assert f"| {own} |" in page
    assert "not installed" in page
    assert own in front
    assert "old" not in front
    assert front.startswith("before\n")
    assert front.endswith("\nafter\n")


def test_the_front_page_has_the_marks():
    text = (peers.ROOT / "README.md").read_text(encoding="utf-8")
    assert "new" in report.between_marks(text, "new")
    with pytest.raises(ValueError, match="expected the lines"):
        report.between_marks("no marks", "new")


def test_texts_have_three_digits():
    assert report.time_text(4.567e-7) == "457 ns"
    assert report.time_text(9.999e-4) == "1.00 ms"
    assert report.time_text(0.0456) == "45.6 ms"
    assert report.ratio_text(1234.0) == "1230 x"
    assert report.ratio_text(0.5) == "0.50 x"


def test_loss_and_accuracy_are_those_of_the_definitions():
    p = np.array([[0.7, 0.3], [0.4, 0.6]])
    learned = loss_and_accuracy("softmax", p, np.array([0, 0]))
    assert learned["loss"] == pytest.approx(-(np.log(0.7) + np.log(0.4)) / 2)
    assert learned["accuracy"] == 0.5
    learned = loss_and_accuracy("sigmoid", p[:, :1], np.array([[1.0], [1.0]]))
    assert learned["loss"] == pytest.approx(-(np.log(0.7) + np.log(0.4)) / 2)
    assert learned["accuracy"] == 0.5
    assert "accuracy" not in loss_and_accuracy("sigmoid", p, np.ones((2, 2)))


def test_shapes_and_operations_of_networks():
    layers = (Conv(2, 3, "relu"), MaxPool(2), Flatten(), Dense(10, "softmax"))
    network = Network((28, 28, 1), layers, 1)
    assert network.shapes() == [(28, 28, 1), (26, 26, 2), (13, 13, 2), (338,), (10,)]
    assert network.flops(training=False) == 2 * (26 * 26 * 2 * 9 + 338 * 10)
    assert network.flops(training=True) == 2 * (2 * 26 * 26 * 2 * 9 + 3 * 338 * 10)
    tokens = Network((5,), (Embedding(7, 3), Dense(2, "softmax")), 1)
    assert tokens.flops(training=True) == 3 * 2 * 5 * 3 * 2  # the embedding wants a gradient


@pytest.mark.parametrize("name", [n for n, w in WORKLOADS.items() if isinstance(w, Training)])
def test_workloads_name_peers_that_exist(name):
    workload = WORKLOADS[name]
    assert set(workload.peers) <= set(peers.PEERS)
    assert set(workload.measurements) <= set(report.UNITS)
    rows = workload.network.first_weights()
    assert all(w.dtype == np.float32 and np.isfinite(w).all() for w in rows)


def test_a_worker_says_what_went_wrong():
    with Worker(peers.PEERS["numpy"], 1) as worker:
        with pytest.raises(PeerError, match="KeyError"):
            worker.ask(20, do="load", workload="nonsense", folder="/")
        with pytest.raises(PeerError, match="KeyError"):
            worker.ask(20, do="measure", measurement="nonsense", seconds=0.1)
        with pytest.raises(PeerError, match="no answer"):
            worker.ask(1e-9, do="measure", measurement="nonsense", seconds=0.1)
        assert not worker.alive


def test_a_peer_that_died_starts_anew():
    run = compare.Run(["numpy"], 1, 0.01, None, "")
    with ExitStack() as stack:
        run._start(["sgemm"], 1, stack)
        first = run._workers["numpy"]
        first.close()
        second = run._worker("numpy")
        assert second is not first
        second.ready()
        assert second.version == np.__version__
    assert not second.alive


def test_limits_are_measured_for_threads():
    assert machine.peak("float32", 2, rounds=1) > 1e8
    assert machine.copy_bandwidth(1 << 16, 2, rounds=1) > 1e7


def _smallest() -> list:
    """A case of each kind, of the smallest size."""
    chosen: dict = {}
    for case in cases():
        if case.dtype == "float64" and case.threads == 1:
            row = case.row if case.family != "matmul" else case.column
            chosen.setdefault((case.family, row), case)
    return list(chosen.values())


@pytest.mark.parametrize("case", _smallest(), ids=str)
def test_both_sides_of_a_kernel_agree(case):
    case.make().check(case.dtype)


SMALL = ["--rounds", "1", "--seconds", "0.001", "--rows", "4", "--batches", "2",
         "--products", "4,8", "--memory-rows", "1", "--steps", "3"]  # fmt: skip


def test_the_run_for_gpus(cuda, tmp_path):
    """On whatever the device is; the LSTM's 64 steps alone take too long on the emulated one."""
    parts = [part for part in gpu.PARTS if part != "lstm"]
    file = gpu.main([*parts, *SMALL, "--out", str(tmp_path)])
    found = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    page = file.with_suffix(".md").read_text(encoding="utf-8")
    assert found["machine"]["device"] in page
    assert list(found["parts"]) == parts
    assert found["left_out"] == []
    for rows in found["parts"].values():
        for row in rows:
            assert "error" not in row["ways"]["fastnn"], row
            assert len(row["ways"]["fastnn"]["seconds"]) == 1
            assert f"| {row['case']} |" in page
    assert [row["case"] for row in found["parts"]["churn"]] == ["batch 2"]
    assert [row["units"] for row in found["parts"]["churn"]] == [2]
    lstm = training.Case("lstm", 4)
    assert all(make() for make in lstm.ways(2, training.OURS).values())
    assert fastnn.get_device() == "cpu"


def test_what_there_was_no_time_for_is_said(cuda, tmp_path):
    file = gpu.main([*SMALL, "matmul", "--minutes", "0", "--out", str(tmp_path)])
    assert "4 x 4 x 4, matmul 8 x 8 x 8" in file.with_suffix(".md").read_text(encoding="utf-8")


def test_ways_take_turns_and_one_that_fails_leaves_the_others():
    order: list[str] = []

    def fails(n: int) -> None:
        order.append("b")
        if order.count("b") == 3:
            raise ValueError("no more")

    def missing() -> None:
        raise ImportError("not there")

    found = turns.in_turns(
        {"a": lambda: lambda n: order.append("a"), "b": lambda: fails, "c": missing}, 3, 1e-4
    )
    assert order == list("abababaa")
    assert len(found["a"]["seconds"]) == 3
    assert found["b"]["error"] == "ValueError: no more"
    assert found["c"]["error"] == "ImportError: not there"
