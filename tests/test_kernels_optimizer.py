"""The optimizers of every instruction set against the reference, bit for bit in float32."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from kernels import TABLES, Optimizer, Segment, call, same_bits, threads

RULES = {
    "sgd": [(0, 0), (0.9, 0), (0.9, 1)],
    "rmsprop": [(0.9, 0, 1e-7, 0), (0.9, 0.5, 1e-7, 0), (0.9, 0, 1e-2, 1), (0.9, 0.5, 1e-2, 1)],
    "adam": [(0.9, 0.999, 1e-7, 0), (0.9, 0.999, 1e-7, 1), (0.5, 0.9, 1e-3, 0)],
    "adamax": [(0.9, 0.999, 1e-7)],
    "nadam": [(0.9, 0.999, 1e-7)],
    "adagrad": [(1e-7,)],
    "adadelta": [(0.95, 1e-7)],
    "lion": [(0.9, 0.99)],
}
LENGTHS = [0, 1, 7, 16, 33, 107, 70_000]


def train(table, name, dtype, hyper, n_threads=1, lengths=LENGTHS):
    """Five updates at very different steps; everything that they have written."""
    rng = np.random.default_rng(0)
    draw = lambda n: (0.1 * rng.standard_normal(n)).astype(dtype)  # noqa: E731
    params, grads = ([draw(n) for n in lengths] for _ in range(2))
    slots = [[draw(n) ** 2 for n in lengths] for _ in range(4)]
    rate, step, state = np.array(0.01, dtype), np.array(0), np.array(1.0)
    segments = (Segment * len(lengths))()
    for k, n in enumerate(lengths):
        pointers = tuple(s[k].ctypes.data for s in slots)
        rate_scale, decay = (0.5, 0.0) if k % 2 else (1.0, 0.01 * (k % 3))
        segments[k] = Segment(
            params[k].ctypes.data, grads[k].ctypes.data, pointers, n, rate_scale, decay
        )
    args = Optimizer(
        ctypes.addressof(segments),
        len(lengths),
        rate.ctypes.data,
        step.ctypes.data,
        state.ctypes.data,
        hyper,
    )
    with threads(n_threads):
        for t in (0, 1, 2, 1000, 10**6):
            step[...] = t
            call(table, name, dtype, args)
    return [*params, *(array for slot in slots for array in slot), state]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "hyper"), [(n, h) for n, all_h in RULES.items() for h in all_h])
def test_against_the_reference(table, dtype, name, hyper):
    expected = train("reference", name, dtype, hyper)
    result = train(table, name, dtype, hyper)
    for ours, reference in zip(result, expected, strict=True):
        # The corrections for the step are powers, here by squaring: 1 - 0.999^t shows their error.
        rtol, atol = (2e-7, 1e-9) if dtype == "float32" else (1e-11, 1e-15)
        np.testing.assert_allclose(ours, reference, rtol=rtol, atol=atol)
    for n in (2, 3, 8):
        for ours, one in zip(train(table, name, dtype, hyper, n), result, strict=True):
            assert same_bits(ours, one)


@pytest.mark.parametrize("name", RULES)
def test_the_same_bits_on_every_instruction_set(name):
    for hyper in RULES[name]:
        first, *others = (train(table, name, "float32", hyper) for table in TABLES)
        for other in others:
            assert all(same_bits(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_adam_by_hand(table):
    """Two updates of one number, written out."""
    p, m, v, g = (np.array([x]) for x in (1.0, 0.0, 0.0, 0.5))
    rate, step, state = np.array(0.1), np.array(0), np.array(1.0)
    segment = Segment(p.ctypes.data, g.ctypes.data, (m.ctypes.data, v.ctypes.data), 1, 1.0, 0.0)
    args = Optimizer(
        ctypes.addressof(segment), 1, rate.ctypes.data, step.ctypes.data, state.ctypes.data,
        (0.9, 0.999, 1e-7, 0),
    )  # fmt: skip
    em = ev = 0.0
    ep = 1.0
    for t in (1, 2):
        step[...] = t - 1
        call(table, "adam", "float64", args)
        em += (0.5 - em) * (1 - 0.9)
        ev += (0.25 - ev) * (1 - 0.999)
        alpha = 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        ep -= em * alpha / (np.sqrt(ev) + 1e-7)
        np.testing.assert_allclose([p[0], m[0], v[0]], [ep, em, ev], rtol=1e-14)
