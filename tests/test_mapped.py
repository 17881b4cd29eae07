"""Memory maps: every row once an epoch, mixed, read in long pieces."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.models import _read_ahead
from fastnn.models._batches import MappedBatches
from fastnn.models._columns import Columns


class Recorded(np.ndarray):
    """Notes which rows are read as a slice, and refuses rows taken here and there."""

    def __getitem__(self, key):
        if isinstance(key, slice):
            self.read.append((key.start, key.stop))
            return np.asarray(super().__getitem__(key))
        raise AssertionError(f"rows {key!r} of a file were taken one by one")


def recorded(array):
    view = array.view(Recorded)
    view.read = []
    return view


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(MappedBatches, "_BLOCK_ROWS", 8)
    monkeypatch.setattr(MappedBatches, "_BLOCK_BYTES", 1)


@pytest.mark.parametrize("rows", [1, 7, 32, 33, 100, 131])
@pytest.mark.parametrize("batch", [1, 5, 32, 200])
def test_every_row_comes_once_with_its_target_and_weight(rows, batch):
    x = np.arange(rows, dtype=np.float32)[:, None].repeat(3, 1)
    columns = Columns(None, [x], [10 * x[:, :1]], [100 * x[:, 0], None])
    batches = MappedBatches(columns, batch)
    parts = list(batches.one_epoch(np.random.default_rng(0)))
    assert [p.rows for p in parts[:-1]] == [batch] * (len(parts) - 1)
    assert len(parts) == batches.steps
    seen = np.concatenate([p.x[0] for p in parts])
    assert sorted(seen[:, 0]) == list(range(rows))
    np.testing.assert_array_equal(np.concatenate([p.y[0] for p in parts]), 10 * seen[:, :1])
    np.testing.assert_array_equal(np.concatenate([p.weights[0] for p in parts]), 100 * seen[:, 0])
    assert all(p.weights[1] is None for p in parts)


def test_rows_are_read_in_blocks_once_each_and_in_order_within_a_window():
    x = recorded(np.arange(800, dtype=np.float32)[:, None])
    batches = MappedBatches(Columns(None, [x], [], []), 10)
    x.read.clear()
    parts = list(batches.one_epoch(np.random.default_rng(0)))
    pieces = [(a, b) for a, b in x.read if b > a]
    assert sorted(pieces) == [(a, a + 8) for a in range(0, 800, 8)]
    for start in range(0, len(pieces), MappedBatches._WINDOW_BLOCKS):
        window = pieces[start : start + MappedBatches._WINDOW_BLOCKS]
        assert window == sorted(window)
    order = np.concatenate([p.x[0][:, 0] for p in parts])
    assert (np.diff(order) != 1).mean() > 0.8  # mixed within windows, too


def test_epochs_differ_and_repeat_with_their_generator():
    x = np.arange(300, dtype=np.float32)[:, None]
    batches = MappedBatches(Columns(None, [x], [], []), 32)

    def order(seed):
        return np.concatenate([p.x[0] for p in batches.one_epoch(np.random.default_rng(seed))])

    np.testing.assert_array_equal(order(1), order(1))
    assert (order(1) != order(2)).any()


def test_without_a_generator_rows_come_in_their_order():
    x = np.arange(70, dtype=np.float32)[:, None]
    parts = MappedBatches(Columns(None, [x], [], []), 32).one_epoch(None)
    np.testing.assert_array_equal(np.concatenate([p.x[0] for p in parts]), x)


@pytest.fixture(params=["by threads", "by advice"])
def ahead(request, monkeypatch):
    """Either way in which what comes next is read."""
    if request.param == "by advice":
        monkeypatch.setattr(_read_ahead, "_reads_huge_pages", lambda: False)
    elif not _read_ahead._reads_huge_pages():
        pytest.skip("this system reads no huge pages of files")


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "u1"])
@pytest.mark.parametrize("view", [np.s_[:], np.s_[3:], np.s_[:, ::2], np.s_[::-1]])
def test_views_of_files_come_whole(tmp_path, dtype, view, ahead):
    rows = np.arange(3 * 6000).reshape(-1, 3) % 251
    file = tmp_path / "rows"
    file.write_bytes(b"header!" + rows.astype(dtype).tobytes())
    x = np.memmap(file, dtype, "r", offset=7, shape=rows.shape)[view]
    columns = Columns(None, [x], [], [])
    batches = MappedBatches(columns, 64)
    for _ in range(2):  # advice of one epoch does not stand in the way of the next
        parts = [p.x[0] for p in batches.one_epoch(np.random.default_rng(0))]
        assert not any(isinstance(p.base, np.memmap) for p in parts)
        seen = np.concatenate(parts).astype(int)
        expected = rows[view]
        np.testing.assert_array_equal(seen[np.lexsort(seen.T)], expected[np.lexsort(expected.T)])
    in_order = np.concatenate([p.x[0] for p in batches.one_epoch(None)])
    np.testing.assert_array_equal(in_order, expected)


def test_an_epoch_broken_off_leaves_the_file_readable(tmp_path, ahead):
    x = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, (500, 4))
    x[:] = np.arange(2000).reshape(500, 4)
    epoch = MappedBatches(Columns(None, [x], [], []), 8).one_epoch(np.random.default_rng(0))
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
