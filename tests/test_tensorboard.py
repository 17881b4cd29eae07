"""The TensorBoard callback: what the files hold, read back; and errors."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnn.callbacks import TensorBoard
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.utils import set_random_seed

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(1)


@pytest.fixture(autouse=True)
def _needs_tensorboardx(request):
    if "without" not in request.node.name:
        pytest.importorskip("tensorboardX")


def model() -> Sequential:
    set_random_seed(0)
    made = Sequential([Dense(2, input_dim=3), Dense(1)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


def events(folder: Path) -> dict[str, list[tuple[int, object]]]:
    """(step, value) by tag: the records of TFRecord files, length first, without their sums."""
    from tensorboardX.proto.event_pb2 import Event

    found: dict[str, list[tuple[int, object]]] = {}
    for path in sorted(folder.glob("events*")):
        data, at = path.read_bytes(), 0
        while at < len(data):
            (length,) = struct.unpack_from("<Q", data, at)
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            for value in event.summary.value:
                what = value.histo if value.HasField("histo") else value.simple_value
                found.setdefault(value.tag, []).append((event.step, what))
    return found


def test_figures_of_each_epoch(tmp_path):
    history = model().fit(
        X, Y, epochs=3, validation_data=(X, Y), verbose=0, callbacks=[TensorBoard(tmp_path)]
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train", "validation"]
    train, validation = events(tmp_path / "train"), events(tmp_path / "validation")
    assert set(train) == {"epoch_loss", "epoch_mae", "epoch_learning_rate"}
    assert set(validation) == {"epoch_loss", "epoch_mae"}
    for tag, figures, name in [
        ("epoch_loss", train, "loss"),
        ("epoch_mae", train, "mae"),
        ("epoch_loss", validation, "val_loss"),
    ]:
        steps, values = zip(*figures[tag], strict=True)
        assert steps == (0, 1, 2)
        np.testing.assert_allclose(values, history.history[name], rtol=1e-6)
    np.testing.assert_allclose([v for _, v in train["epoch_learning_rate"]], 0.01)


@pytest.mark.parametrize(("update_freq", "every"), [("batch", 1), (3, 3)])
def test_figures_of_steps(tmp_path, update_freq, every):
    board = TensorBoard(tmp_path, update_freq=update_freq, write_steps_per_second=True)
    model().fit(X, Y, batch_size=5, epochs=2, verbose=0, callbacks=[board])
    found = events(tmp_path / "train")
    assert [step for step, _ in found["batch_loss"]] == list(range(every, 9, every))
    assert len(found["batch_mae"]) == 8 // every
    assert all(value > 0 for _, value in found["epoch_steps_per_second"])
    assert board.get_state() == {"step": 8}


def test_epochs_alone_cost_no_return_after_each_step(tmp_path):
    from fastnn.callbacks import CallbackList

    assert not CallbackList([TensorBoard(tmp_path)]).needs_batches("train")
    assert CallbackList([TensorBoard(tmp_path, update_freq=2)]).needs_batches("train")


def test_histograms_of_weights(tmp_path):
    trained = model()
    board = TensorBoard(tmp_path, histogram_freq=2)
    trained.fit(X, Y, epochs=4, verbose=0, callbacks=[board])
    found = events(tmp_path / "train")
    names = [f"{layer.name}/{w}/histogram" for layer in trained.layers for w in ("kernel", "bias")]
    assert {tag for tag in found if tag.endswith("histogram")} == set(names)
    for name in names:
        assert [step for step, _ in found[name]] == [0, 2]
    kernel = found[names[0]][-1][1]
    assert kernel.num == 6
    assert kernel.min < kernel.max


def test_a_nested_models_weights_have_names_of_their_own(tmp_path):
    inner = Sequential([Dense(2, input_dim=3), Dense(2)], name="inner")
    outer = Sequential([inner, Dense(1)])
    outer.compile("sgd", "mse")
    outer.fit(X, Y, verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1)])
    tags = {tag for tag in events(tmp_path / "train") if tag.startswith("inner/")}
    assert tags == {f"inner/{n}/histogram" for n in ("kernel", "bias", "kernel_1", "bias_1")}


def test_an_evaluation_by_itself(tmp_path):
    trained, board = model(), TensorBoard(tmp_path)
    trained.fit(X, Y, batch_size=5, epochs=2, verbose=0)
    loss, _ = trained.evaluate(X, Y, verbose=0, callbacks=[board])
    (figure,) = events(tmp_path / "validation")["evaluation_loss_vs_iterations"]
    assert figure == (8, pytest.approx(loss, rel=1e-6))


def test_two_trainings_go_on_in_one_folder(tmp_path):
    board, trained = TensorBoard(tmp_path), model()
    trained.fit(X, Y, epochs=1, verbose=0, callbacks=[board])
    trained.fit(X, Y, initial_epoch=1, epochs=2, verbose=0, callbacks=[board])
    assert [step for step, _ in events(tmp_path / "train")["epoch_loss"]] == [0, 1]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"update_freq": "day"}, ValueError, "'epoch', 'batch' or a number of steps, got 'day'"),
        ({"update_freq": 0}, ValueError, "update_freq of at least 1, got 0"),
        ({"update_freq": 1.5}, TypeError, "update_freq to be a whole number, got 1.5"),
        ({"histogram_freq": -1}, ValueError, "histogram_freq of at least 0, got -1"),
        ({"histogram_freq": True}, TypeError, "histogram_freq to be a whole number, got True"),
    ],
)
def test_refusals(tmp_path, options, error, message):
    with pytest.raises(error, match=message):
        TensorBoard(tmp_path, **options)


def test_without_tensorboardx(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"\[TensorBoard\] needs .* 'fastnn\[tensorboard\]'"):
        TensorBoard(tmp_path)
