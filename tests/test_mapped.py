"""Memory maps: every row once an epoch, mixed, read in long pieces."""

from __future__ import annotations

import ctypes
import mmap
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.models import _read_ahead
from fastnn.models._blocks import Blocks
from fastnn.models._columns import Columns
from fastnn.models._mapped import mapped_rows
from fastnn.models._windows import MappedBatches


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 32 // Blocks.LARGE)


def batches_of(columns, size, generator):
    """The batches of a pass, and how many its windows promise."""
    mapped = MappedBatches(columns, size)
    parts, steps = [], 0
    for window in mapped.windows(generator):
        steps += window.steps
        parts += [part.map(np.array) for part in window.batches()]
    assert len(parts) == steps == mapped.steps
    assert [p.rows for p in parts[:-1]] == [size] * (len(parts) - 1)
    return parts


@pytest.mark.parametrize("rows", [1, 7, 32, 33, 100, 131])
@pytest.mark.parametrize("batch", [1, 5, 32, 200])
def test_every_row_comes_once_with_its_target_and_weight(rows, batch):
    x = np.arange(rows, dtype=np.float32)[:, None].repeat(3, 1)
    columns = Columns(None, [x], [10 * x[:, :1]], [100 * x[:, 0], None])
    parts = batches_of(columns, batch, np.random.default_rng(0))
    seen = np.concatenate([p.x[0] for p in parts])
    assert sorted(seen[:, 0]) == list(range(rows))
    np.testing.assert_array_equal(np.concatenate([p.y[0] for p in parts]), 10 * seen[:, :1])
    np.testing.assert_array_equal(np.concatenate([p.weights[0] for p in parts]), 100 * seen[:, 0])
    assert all(p.weights[1] is None for p in parts)


@pytest.mark.parametrize("shuffle", [True, False])
def test_no_byte_is_asked_for_twice_and_blocks_end_between_pieces(tmp_path, monkeypatch, shuffle):
    asked, dropped = [], []
    fetch, drop = _read_ahead.ReadAhead.fetch, _read_ahead.ReadAhead.drop

    def noted_fetch(self, place, start, end):
        asked.append((start, end))
        return fetch(self, place, start, end)

    def noted_drop(self, place, start, end):
        dropped.append((start, end))
        return drop(self, place, start, end)

    monkeypatch.setattr(_read_ahead.ReadAhead, "fetch", noted_fetch)
    monkeypatch.setattr(_read_ahead.ReadAhead, "drop", noted_drop)
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 4 << 20)
    file = tmp_path / "rows"
    with file.open("wb") as f:
        f.truncate(33 << 20)
    x = np.memmap(file, np.float32, "r", shape=((33 << 20) // 3136, 784))
    batches_of(Columns(None, [x], [], []), 100, np.random.default_rng(0) if shuffle else None)
    asked.sort()
    dropped.sort()
    assert asked[0][0] == 0
    assert asked[-1][1] == len(x._mmap)
    if shuffle:
        assert len(asked) == 9
        assert dropped == asked
        assert all(end == start for (_, end), (start, _) in pairwise(asked))
    # In the order of the rows what is asked for twice is still there.
    assert all(edge % (2 << 20) == 0 for span in asked for edge in span if edge != len(x._mmap))


def test_windows_are_mixed():
    x = np.arange(800, dtype=np.float32)[:, None]
    batches = MappedBatches(Columns(None, [x], [], []), 8)
    for window in batches.windows(np.random.default_rng(0)):
        order = window.columns.x[0][window.order, 0]
        assert (np.diff(order) != 1).mean() > 0.6
        assert len({int(row) // 8 for row in order}) == batches.blocks.window


def test_epochs_differ_and_repeat_with_their_generator():
    x = np.arange(300, dtype=np.float32)[:, None]

    def order(seed):
        parts = batches_of(Columns(None, [x], [], []), 32, np.random.default_rng(seed))
        return np.concatenate([p.x[0] for p in parts])

    np.testing.assert_array_equal(order(1), order(1))
    assert (order(1) != order(2)).any()


def test_without_a_generator_rows_come_in_their_order():
    x = np.arange(70, dtype=np.float32)[:, None]
    parts = batches_of(Columns(None, [x], [], []), 32, None)
    np.testing.assert_array_equal(np.concatenate([p.x[0] for p in parts]), x)


@pytest.fixture(params=["by threads", "by advice"])
def ahead(request, monkeypatch):
    """Either way in which what comes next is read."""
    if request.param == "by advice":
        monkeypatch.setattr(_read_ahead, "_reads_huge_pages", lambda: False)
    elif not _read_ahead._reads_huge_pages():
        pytest.skip("this system reads no huge pages of files")


def mapped(tmp_path, rows, dtype, mode="r"):
    """Rows in a file, behind a header of odd length."""
    file = tmp_path / "rows"
    file.write_bytes(b"header!" + rows.astype(dtype).tobytes())
    return np.memmap(file, dtype, mode, offset=7, shape=rows.shape)


@pytest.mark.parametrize("size", [8, 1 << 12, 1 << 16], ids="blocks of {} bytes".format)
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "u1"])
@pytest.mark.parametrize(
    "view", [np.s_[:], np.s_[3:], np.s_[:, ::2], np.s_[::-1], np.s_[::3, ::-1]]
)
def test_views_of_files_come_whole(tmp_path, monkeypatch, size, dtype, view, ahead):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", size)
    rows = np.arange(3 * 6000).reshape(-1, 3) % 251
    x, expected = mapped(tmp_path, rows, dtype)[view], rows[view]
    number = np.arange(len(x))[:, None]
    columns = Columns(None, [x], [number], [])
    for _ in range(2):  # advice of one epoch does not stand in the way of the next
        parts = batches_of(columns, 64, np.random.default_rng(0))
        order = np.concatenate([p.y[0] for p in parts])[:, 0]
        np.testing.assert_array_equal(np.sort(order), number[:, 0])
        np.testing.assert_array_equal(np.concatenate([p.x[0] for p in parts]), expected[order])
    in_order = np.concatenate([p.x[0] for p in batches_of(columns, 64, None)])
    np.testing.assert_array_equal(in_order, expected)


@pytest.mark.parametrize("held", [1, 1 << 24], ids="{} bytes held".format)
@pytest.mark.parametrize(
    ("x", "y"),
    [
        (np.s_[:, 1:], np.s_[:, 0]),
        (np.s_[:, ::3], np.s_[:, 4::-2]),
        (np.s_[:-1], np.s_[1:]),
        (np.s_[:-1], np.s_[1:, 2]),
        (np.s_[:], np.s_[:]),
    ],
)
def test_rows_that_blocks_cut_are_put_together(tmp_path, monkeypatch, x, y, held):
    """Both columns lie in one file, whose blocks begin within rows."""
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    monkeypatch.setattr(Blocks, "HELD_BYTES", held)
    rows = np.arange(5 * 3001).reshape(-1, 5)
    whole = mapped(tmp_path, rows, "f4")
    columns = Columns(None, [whole[x]], [whole[y]], [])
    mixed = MappedBatches(columns, 32)
    cuts = {cut for block in range(mixed.blocks.count) for cut in mixed.blocks.cuts(block)}
    assert len(cuts) > 10
    parts = batches_of(columns, 32, np.random.default_rng(1))
    seen = np.concatenate([p.x[0] for p in parts])
    order = np.argsort(seen[:, 0])
    np.testing.assert_array_equal(seen[order], rows[x])
    np.testing.assert_array_equal(np.concatenate([p.y[0] for p in parts])[order], rows[y])


def test_how_rows_lie_in_a_file(tmp_path):
    file = tmp_path / "rows"
    with file.open("wb") as f:
        f.truncate(40 << 20)
    x = np.memmap(file, np.float32, "r", shape=(40, 1 << 18))
    near = x.reshape(-1, 1 << 14)[:, :16]
    for arrays in ([x], [x[:, 1:], x[:, 0]], [near]):
        assert [(p.is_dense, p.is_apart) for p in mapped_rows(arrays)] == [(True, False)]
    for arrays in ([x[:, :16]], [x[::-1, 16:18]]):
        assert [(p.is_dense, p.is_apart) for p in mapped_rows(arrays)] == [(False, True)]
    scattered = mapped_rows([x[:, :: 1 << 14]])
    assert [(p.is_dense, p.is_apart) for p in scattered] == [(False, False)]
    assert mapped_rows([np.zeros((3, 2)), x[:0]]) == []


def resident(array):
    """How much of the file under an array is in the system's cache: the bytes of its pages."""
    libc = ctypes.CDLL(None, use_errno=True)
    content = np.frombuffer(array._mmap, np.uint8)
    pages = np.zeros(-(-content.size // mmap.PAGESIZE), np.uint8)
    address, size = ctypes.c_void_p(content.ctypes.data), ctypes.c_size_t(content.size)
    assert libc.mincore(address, size, ctypes.c_void_p(pages.ctypes.data)) == 0
    return int((pages & 1).sum()) * mmap.PAGESIZE


@pytest.mark.skipif(sys.platform != "linux", reason="how Linux reads files")
@pytest.mark.parametrize("shuffle", [True, False])
def test_of_rows_far_apart_nothing_else_is_read(tmp_path, shuffle):
    file = tmp_path / "rows"
    with file.open("wb") as f:
        f.truncate(256 << 20)
    x = np.memmap(file, np.float32, "r", shape=(64, 1 << 20))[:, 100:116]
    model = fastnn.Sequential([fastnn.layers.Dense(1, input_dim=16)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((64, 1)), shuffle=shuffle, verbose=0)
    assert resident(x) == 64 * mmap.PAGESIZE


def test_what_was_written_to_a_copy_on_write_map_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    rows = np.arange(5 * 3001).reshape(-1, 5)
    x = mapped(tmp_path, rows, "f4", "c")
    x[::2] = -1
    rows[::2] = -1
    columns = Columns(None, [x], [], [])
    for generator in (np.random.default_rng(0), None, np.random.default_rng(0)):
        seen = np.concatenate([p.x[0] for p in batches_of(columns, 32, generator)])
        assert sorted(seen[:, 1]) == sorted(rows[:, 1])
    np.testing.assert_array_equal(x, rows)


@pytest.mark.parametrize("shuffle", [True, False])
def test_a_file_that_has_become_shorter_is_an_error(tmp_path, shuffle):
    x = mapped(tmp_path, np.ones((5000, 2)), "f4")
    model = fastnn.Sequential([fastnn.layers.Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((5000, 1)), shuffle=shuffle, verbose=0)
    with (tmp_path / "rows").open("r+b") as f:
        f.truncate(9000)
    message = (
        r"rows has become shorter since it was mapped: expected at least 40007 bytes, got 9000"
    )
    with pytest.raises(ValueError, match=message):
        model.fit(x, np.ones((5000, 1)), shuffle=shuffle, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.predict(x, verbose=0)


@pytest.mark.parametrize("shuffle", [True, False])
def test_bad_numbers_are_found_and_named(tmp_path, monkeypatch, shuffle):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    rows = np.ones((3001, 5))
    rows[2000, 3] = np.nan
    x = mapped(tmp_path, rows, "f4")
    model = fastnn.Sequential([fastnn.layers.Dense(1, input_dim=5)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"the data\[2000, 3\] is NaN"):
        model.fit(x, np.ones((3001, 1)), shuffle=shuffle, verbose=0)


def test_an_epoch_broken_off_leaves_the_file_readable(tmp_path, ahead):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (500, 4))
    x[:] = np.arange(2000).reshape(500, 4)
    epoch = MappedBatches(Columns(None, [x], [], []), 8).windows(np.random.default_rng(0))
    next(epoch)
    epoch.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("fastnn-read-ahead")]
    np.testing.assert_array_equal(x, np.arange(2000).reshape(500, 4))


def test_training_from_files_is_the_same_either_way(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (700, 5))
    x[:] = rng.standard_normal(x.shape)
    y = np.memmap(tmp_path / "y", np.float32, "w+", 4096, (700, 1))
    y[:] = x.sum(1, keepdims=True)

    def trained(x, y):
        fastnn.utils.set_random_seed(1)
        model = fastnn.Sequential([fastnn.layers.Dense(1, input_dim=5)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=32, epochs=2, verbose=0)
        return model.get_weights()[0]

    first = trained(x, y)
    np.testing.assert_array_equal(first, trained(np.load(tmp_path / "x.npy", "r"), y))
    monkeypatch.setattr(_read_ahead, "_reads_huge_pages", lambda: False)
    np.testing.assert_array_equal(first, trained(x, y))


def test_populate(tmp_path):
    known = _core.populate(np.ones(1000))
    assert known or not _read_ahead._reads_huge_pages()
    with pytest.raises(ValueError, match="expected a contiguous array"):
        _core.populate(np.ones((4, 4)).T[1:])
    file = tmp_path / "rows"
    file.write_bytes(bytes(1 << 20))
    x = np.memmap(file, np.uint8, "r")
    assert _core.populate(x[5000:]) == known
    with file.open("r+b") as f:
        f.truncate(4096)
    assert not _core.populate(x[8192:])  # and no SIGBUS


@pytest.mark.parametrize("shuffle", [True, False])
def test_callbacks_see_every_batch_and_change_nothing(tmp_path, monkeypatch, shuffle):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    x = mapped(tmp_path, np.random.default_rng(0).random((3001, 5)), "f4")
    y = x.sum(1, keepdims=True)

    def trained(**options):
        fastnn.utils.set_random_seed(1)
        layers = fastnn.layers
        model = fastnn.Sequential([layers.Dropout(0.5), layers.Dense(1)])
        model.compile("adam", "mse", metrics=["mae"])
        history = model.fit(x, y, batch_size=32, epochs=2, shuffle=shuffle, verbose=0, **options)
        return model.get_weights()[0], history.history

    weights, history = trained()
    seen = []
    callback = fastnn.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: seen.append(batch),
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]),
    )
    singly, history_singly = trained(callbacks=[callback])
    np.testing.assert_array_equal(weights, singly)
    assert history == history_singly
    assert seen[::2] == [*range(94)] * 2
    assert seen[-1] == history["loss"][-1]
    first = trained(steps_per_epoch=47)
    assert not np.array_equal(first[0], weights)
    assert first[1]["loss"][0] == seen[2 * 46 + 1]


def test_a_stopped_training_goes_on_in_the_middle_of_an_epoch(tmp_path, monkeypatch):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    x = mapped(tmp_path, np.random.default_rng(0).random((3001, 5)), "f4")
    y = x.sum(1, keepdims=True)

    def model():
        fastnn.utils.set_random_seed(1)
        model = fastnn.Sequential([fastnn.layers.Dropout(0.5), fastnn.layers.Dense(1)])
        model.compile("adam", "mse")
        return model

    whole = model()
    whole.fit(x, y, epochs=2, verbose=0)
    folder = tmp_path / "backup"
    backup = fastnn.callbacks.BackupAndRestore(folder, save_freq=53, delete_checkpoint=False)

    class Interrupted(Exception):
        pass

    def stop(batch, logs):
        if batch == 60:
            raise Interrupted

    broken = model()
    with pytest.raises(Interrupted):
        broken.fit(
            x, y, epochs=2, verbose=0,
            callbacks=[backup, fastnn.callbacks.LambdaCallback(on_train_batch_end=stop)],
        )  # fmt: skip
    resumed = model()
    resumed.fit(x, y, epochs=2, verbose=0, callbacks=[backup])
    np.testing.assert_array_equal(resumed.get_weights()[0], whole.get_weights()[0])


@pytest.mark.parametrize("rows", [100, 3001])
def test_predictions_are_those_of_rows_in_memory(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(MappedBatches, "BLOCK_BYTES", 1 << 12)
    x = mapped(tmp_path, np.random.default_rng(0).random((rows, 5)), "f4", "r+")
    inputs = fastnn.Input((5,))
    hidden = fastnn.layers.Dense(7, activation="tanh")(inputs)
    model = fastnn.Model(inputs, [hidden, fastnn.layers.Dense(2)(hidden)])
    for given, expected in zip(
        model.predict(x, verbose=0), model.predict(np.array(x), verbose=0), strict=True
    ):
        np.testing.assert_array_equal(given, expected)
    assert len(model.predict(x, steps=2, verbose=0)[0]) == 64
    x[rows - 1, 3] = np.inf
    with pytest.raises(ValueError, match=rf"x\[{rows - 1}, 3\] is infinite"):
        model.predict(x, verbose=0)
    assert np.isfinite(model.predict(x, verbose=0, check_finite=False)[0]).all()
