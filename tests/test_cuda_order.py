"""Orders of rows that the device "cuda" makes itself: those of the processor."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import fastnn
from fastnn import _core, ops
from fastnn._tensor import Variable
from fastnn.models._epochs import make_trainer

# Around the groups of Philox, a block's threads, what one block ends, and a chunk of exchanges.
SIZES = [0, 1, 2, 3, 15, 16, 17, 33, 255, 257, 512, 513, 514, 2000, 70_000, 524_289, 525_500]


@pytest.mark.parametrize("n", SIZES)
def test_a_permutation_is_the_processors(n, cuda):
    for seed, step in [(1, 0), (2**40 + 3, 5)]:
        got = _core.testing.permutation("cuda", n, seed, step)
        assert got == _core.testing.permutation("cpu", n, seed, step)
    assert sorted(got) == list(range(n))


def test_the_order_of_threads_makes_no_difference(cuda, each_order):
    for _ in each_order:
        got = _core.testing.permutation("cuda", 70_000, 1, 0)
        assert got == _core.testing.permutation("cpu", 70_000, 1, 0)


def order_sensitive(device):
    """A trainer whose steps leave a number that stands for the batches and their order."""
    fastnn.set_device(device)
    total = Variable(np.float64(0.0))
    x = fastnn.placeholder((None, 1), "float64", name="x")
    value = ops.mod(total * 31.0 + ops.sum(x), 1000003.0)
    return make_trainer([x], [("main", [], []), ("update", [], [(total, value)])]), total


@pytest.mark.parametrize("rows", [1000, 70_000])
def test_a_pass_takes_the_same_rows(rows, cuda):
    x = np.arange(rows, dtype=np.float64)[:, None]
    totals, bytes_in = {}, {}
    module = importlib.import_module("fastnn._cuda")
    for device in ("cpu", "cuda"):
        try:
            trainer, total = order_sensitive(device)
        finally:
            fastnn.set_device("cpu")
        trainer.hold()
        totals[device] = []
        for number, shuffle in enumerate([True, True, False, True]):
            before = module.traffic()[0]
            trainer.begin([x], 100, shuffle, 3, number, 0, 0)
            bytes_in[device] = module.traffic()[0] - before
            while trainer.run(1 << 60, 1.0):
                pass
            trainer.end()
            totals[device].append(float(total.get_value()))
        trainer.release()
    assert totals["cuda"] == totals["cpu"]
    assert len(set(totals["cpu"])) == 4
    assert bytes_in["cuda"] == (8 * rows if rows < 1 << 16 else 0)  # the order, from the processor
