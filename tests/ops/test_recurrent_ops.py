"""The fused recurrent ops: against NumPy's loops, their gradients, masks, threads, refusals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from fastnn import _core, ops
from samples import EPS
from test_gradients import check, weighted


@dataclass(frozen=True)
class Cell:
    name: str
    blocks: int
    states: int
    bias: bool = False


CELLS = [Cell("lstm", 4, 2), Cell("gru", 3, 1, True), Cell("simple_rnn", 1, 1)]
IDS = [cell.name for cell in CELLS]
# (batch, time, units): one of each, odd sizes, several tiles, a deep product, nothing.
SIZES = [
    (1, 1, 1),
    (3, 4, 5),
    (37, 3, 33),
    (2, 2, 70),
    (5, 1, 16),
    (17, 2, 130),
    (5, 0, 3),
    (0, 3, 2),
]


@pytest.fixture
def many_threads():
    before = _core.num_threads()
    yield _core.set_num_threads
    _core.set_num_threads(before)


def arrays_of(cell, size, dtype, masked, seed=0):
    batch, time, units = size
    rng = np.random.default_rng([seed, *size])
    wide = cell.blocks * units
    arrays = [rng.normal(size=(batch, time, wide)), rng.normal(size=(units, wide)) / units**0.5]
    if cell.bias:
        arrays.append(rng.normal(size=wide))
    arrays += [rng.normal(size=(batch, units)) for _ in range(cell.states)]
    arrays = [a.astype(dtype) for a in arrays]
    if masked:
        arrays.append(rng.random((batch, time)) < 0.6)
    return arrays


def nodes(cell, arrays, reverse):
    xs = [_core.placeholder(a.dtype, a.shape) for a in arrays]
    return xs, _core.make_all(cell.name, xs, {"reverse": reverse})[: cell.states]


def program(cell, arrays, reverse=False, **options):
    """States after each step, then the gradients of a weighted sum of them by every input."""
    xs, ys = nodes(cell, arrays, reverse)
    cost = weighted(ys, np.random.default_rng(1))
    if cost is not None and cost.dtype != xs[0].dtype:
        cost = _core.cast(cost, xs[0].dtype)
    floating = [x for x in xs if x.dtype != "bool"]
    return _core.Function(xs, [("main", [*ys, *_core.gradients(cost, floating)], [])], **options)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(cell, x, product, state):
    """One step in NumPy: the new state and cell."""
    blocks, inner = np.split(x, cell.blocks, -1), np.split(product, cell.blocks, -1)
    if cell.name == "gru":
        z, r = sigmoid(blocks[0] + inner[0]), sigmoid(blocks[1] + inner[1])
        return [z * state[0] + (1 - z) * np.tanh(blocks[2] + r * inner[2])]
    total = [a + b for a, b in zip(blocks, inner, strict=True)]
    if cell.name == "simple_rnn":
        return [np.tanh(total[0])]
    c = sigmoid(total[1]) * state[1] + sigmoid(total[0]) * np.tanh(total[2])
    return [sigmoid(total[3]) * np.tanh(c), c]


def unrolled(cell, arrays, masked, reverse):
    arrays = [a.astype("float64") if a.dtype != bool else a for a in arrays]
    x, kernel = arrays[:2]
    bias = arrays[2] if cell.bias else 0.0
    state = arrays[2 + cell.bias : 2 + cell.bias + cell.states]
    batch, time, _ = x.shape
    out = [np.zeros((batch, time, kernel.shape[0])) for _ in state]
    for t in range(time)[::-1] if reverse else range(time):
        new = step(cell, x[:, t], state[0] @ kernel + bias, state)
        seen = arrays[-1][:, t, None] if masked else True
        state = [np.where(seen, n, s) for n, s in zip(new, state, strict=True)]
        for o, s in zip(out, state, strict=True):
            o[:, t] = s
    return out


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_equals_numpy(cell, masked, table):
    for dtype in ("float32", "float64"):
        for size in SIZES:
            for reverse in (False, True):
                arrays = arrays_of(cell, size, dtype, masked)
                xs, ys = nodes(cell, arrays, reverse)
                results = _core.Function(xs, [("main", ys, [])])(*arrays)
                for y, wanted in zip(results, unrolled(cell, arrays, masked, reverse), strict=True):
                    assert y.dtype == dtype
                    # A few steps of sums of a few hundred terms of size 1.
                    np.testing.assert_allclose(y, wanted, 0, 200 * EPS[dtype], err_msg=str(size))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_gradients(cell, masked, reverse, table):
    for size in [(3, 4, 5), (1, 2, 1), (2, 0, 2)]:
        arrays = arrays_of(cell, size, "float64", masked)
        xs, ys = nodes(cell, arrays, reverse)
        cost = weighted(ys, np.random.default_rng(0))
        wanted = range(len(xs) - masked)
        gradients = _core.gradients(cost, [xs[i] for i in wanted])
        check(xs, cost, gradients, arrays, wanted, f"{cell.name} {size}")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_gradients_equal_the_reference(cell, masked, table):
    for dtype in ("float32", "float64"):
        for size in SIZES:
            for reverse in (False, True):
                arrays = arrays_of(cell, size, dtype, masked)
                results = program(cell, arrays, reverse)(*arrays)
                _core.set_active_table("reference")
                expected = program(cell, arrays, reverse)(*arrays)
                _core.set_active_table(table)
                for y, wanted in zip(results, expected, strict=True):
                    scale = np.max(np.abs(wanted), initial=1.0)
                    np.testing.assert_allclose(y, wanted, 0, 300 * EPS[dtype] * scale)


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_the_same_bits_on_any_number_of_threads(cell, table, many_threads):
    if table == "reference":
        pytest.skip("runs on one thread")
    arrays = arrays_of(cell, (21, 7, 61), "float32", True)
    many_threads(1)
    one = program(cell, arrays)(*arrays)
    for n in (2, 3, 8):
        many_threads(n)
        for a, b in zip(program(cell, arrays)(*arrays), one, strict=True):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_a_row_does_not_depend_on_its_batch(cell, table):
    batch, time, units = 40, 5, 37
    arrays = arrays_of(cell, (batch, time, units), "float32", True)
    ones = (1, 2) if cell.bias else (1,)  # kernel and bias

    def run(rows):
        part = [a if i in ones else a[rows] for i, a in enumerate(arrays)]
        xs, ys = nodes(cell, part, False)
        seeds = [_core.constant(np.ones((len(part[0]), time, units), "f")) for _ in ys]
        cost = None
        for y, s in zip(ys, seeds, strict=True):
            axes = {"axes": [0, 1, 2], "keepdims": False}
            term = _core.make("sum", [_core.make("multiply", [y, s])], axes)
            cost = term if cost is None else _core.make("add", [cost, term])
        wrt = [x for i, x in enumerate(xs[:-1]) if i not in ones]
        return _core.Function(xs, [("main", [*ys, *_core.gradients(cost, wrt)], [])])(*part)

    everything = run(slice(None))
    for rows in (slice(0, 1), slice(3, 6), slice(1, 20), slice(20, 40)):
        for part, whole in zip(run(rows), everything, strict=True):
            assert part.tobytes() == np.ascontiguousarray(whole[rows]).tobytes()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_on_the_device(cell, masked, cuda):
    for dtype in ("float32", "float64"):
        for size in [*SIZES, (131, 2, 5)]:
            for reverse in (False, True):
                arrays = arrays_of(cell, size, dtype, masked)
                results = program(cell, arrays, reverse, device=cuda)(*arrays)
                expected = program(cell, arrays, reverse)(*arrays)
                for y, wanted in zip(results, expected, strict=True):
                    scale = np.max(np.abs(wanted), initial=1.0)
                    np.testing.assert_allclose(y, wanted, 0, 300 * EPS[dtype] * scale)


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_a_row_on_the_device_does_not_depend_on_its_batch(cell, cuda):
    arrays = arrays_of(cell, (131, 3, 5), "float32", True)

    def run(count):
        part = [a[:count] if len(a) == 131 else a for a in arrays]
        xs, ys = nodes(cell, part, False)
        cost = None
        for y in ys:
            term = _core.make("sum", [y], {"axes": [0, 1, 2], "keepdims": False})
            cost = term if cost is None else _core.make("add", [cost, term])
        slope = _core.gradients(cost, xs[:1])
        return _core.Function(xs, [("main", [*ys, *slope], [])], device=cuda)(*part)

    for part, whole in zip(run(3), run(131), strict=True):
        assert part.tobytes() == whole[:3].tobytes()


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_views_and_unused_memory(cell, table):
    """Inputs that are views of others; no write beside a buffer, no read of what nobody wrote."""
    for size in [(3, 4, 5), (19, 3, 33)]:
        arrays = arrays_of(cell, size, "float32", True)
        plain = program(cell, arrays)(*arrays)
        guarded = program(cell, arrays, reuse_memory=False, poison=True)(*arrays)
        for a, b in zip(plain, guarded, strict=True):
            assert a.tobytes() == b.tobytes()
        turned = [np.array(a.T, order="C") for a in arrays]
        xs = [_core.placeholder(a.dtype, a.shape) for a in turned]
        back = [_core.make("transpose", [x], {"axes": list(range(x.ndim))[::-1]}) for x in xs]
        ys = _core.make_all(cell.name, back, {"reverse": False})[: cell.states]
        for a, b in zip(_core.Function(xs, [("main", ys, [])])(*turned), plain, strict=False):
            assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_one_program_for_every_batch_and_time(cell, table):
    size = (4, 5, 3)
    shapes = [a.shape for a in arrays_of(cell, size, "float32", True)]
    names = {4: "batch", 5: "steps"}
    xs = [_core.placeholder("float32", [names.get(n, n) for n in s]) for s in shapes[:-1]]
    xs.append(_core.placeholder("bool", ["batch", "steps"]))
    ys = _core.make_all(cell.name, xs, {"reverse": True})[: cell.states]
    cost = _core.make("sum", [ys[-1]], {"axes": [0, 1, 2], "keepdims": False})
    f = _core.Function(xs, [("main", [*ys, *_core.gradients(cost, xs[:-1])], [])])
    for batch, time in [(4, 5), (1, 9), (23, 2), (2, 0), (0, 3)]:
        arrays = arrays_of(cell, (batch, time, 3), "float32", True)
        wanted = unrolled(cell, arrays, True, True)
        for y, w in zip(f(*arrays), wanted, strict=False):
            np.testing.assert_allclose(y, w, 0, 1e-5)
    if cell.states == 2:
        arrays[-1] = arrays[-1][:, :1]
        with pytest.raises(ValueError, match="expected steps = 3 along axis 1"):
            f(*arrays)


def test_refuses():
    def node(name, *shapes, dtype="float32", mask=None):
        xs = [_core.placeholder(dtype, s) for s in shapes]
        if mask is not None:
            xs.append(_core.placeholder(*mask))
        return _core.make(name, xs, {"reverse": False})

    x, kernel, state = (2, 3, 8), (2, 8), (2, 2)
    for match, shapes in [
        (r"expected a sequence \(batch, time, features\), got float32\(2, 8\)", [(2, 8), kernel]),
        (r"expected a recurrent kernel \(units, 4 units\), got float32\(2, 6\)", [x, (2, 6)]),
        (r"expected a sequence of float32\(2, 3, 8\), got float32\(2, 3, 7\)", [(2, 3, 7), kernel]),
    ]:
        with pytest.raises(ValueError, match=r"^\[lstm\] " + match):
            node("lstm", *shapes, state, state)
    with pytest.raises(ValueError, match=r"^\[lstm\] expected a state of float32\(2, 2\), got"):
        node("lstm", x, kernel, state, (3, 2))
    with pytest.raises(ValueError, match=r"^\[lstm\] expected dtype float32 or float64, got int64"):
        node("lstm", x, kernel, state, state, dtype="int64")
    for mask in (("bool", (2, 4)), ("float32", (2, 3))):
        with pytest.raises(ValueError, match=r"^\[lstm\] expected a mask of bool\(2, 3\), got"):
            node("lstm", x, kernel, state, state, mask=mask)
    with pytest.raises(ValueError, match=r"^\[gru\] expected a bias of float32\(6,\), got"):
        node("gru", (2, 3, 6), (2, 6), (5,), state)
    with pytest.raises(ValueError, match=r"^\[lstm_grad\] expected saved gates of"):
        node("lstm_grad", (2, 3, 2), (2, 3, 2), (2, 3, 2), (2, 3, 2), kernel, state)
    with pytest.raises(ValueError, match=r"^\[lstm\] expected inputs of one dtype"):
        ops.lstm(np.zeros(x, "f"), np.zeros(kernel), np.zeros(state, "f"), np.zeros(state, "f"))


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_a_second_derivative_is_refused(cell):
    arrays = arrays_of(cell, (2, 3, 2), "float64", False)
    xs, ys = nodes(cell, arrays, False)
    cost = weighted(ys, np.random.default_rng(0))
    first = weighted(_core.gradients(cost, xs[:1]), np.random.default_rng(0))
    with pytest.raises(ValueError, match=rf"\[{cell.name}_grad\] has no gradient: .* scan"):
        _core.gradients(first, xs[:1])


def test_arrays_are_computed_at_once():
    arrays = arrays_of(CELLS[0], (2, 3, 4), "float64", True)
    h, c = ops.lstm(*arrays)
    for y, wanted in zip((h, c), unrolled(CELLS[0], arrays, True, False), strict=True):
        np.testing.assert_allclose(y, wanted, 1e-12)


@pytest.mark.parametrize("cell", CELLS, ids=IDS)
def test_sizes_that_meet_only_when_it_runs(cell):
    wide = cell.blocks * 2
    shapes = [("batch", "steps", wide), (2, wide), *([(wide,)] if cell.bias else [])]
    xs = [_core.placeholder("float32", s) for s in [*shapes, *[(4, 2)] * cell.states]]
    y = _core.make(cell.name, xs, {"reverse": False})
    cost = _core.make("sum", [y], {"axes": [0, 1, 2], "keepdims": False})
    f = _core.Function(xs, [("main", [y, *_core.gradients(cost, xs)], [])])
    f(*arrays_of(cell, (4, 3, 2), "float32", False))
    given = arrays_of(cell, (3, 3, 2), "float32", False)
    given[-cell.states :] = [np.zeros((4, 2), "f")] * cell.states
    with pytest.raises(ValueError, match=rf"\[{cell.name}\] expected 4 to equal batch \(here 3\)"):
        f(*given)
