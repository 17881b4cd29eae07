"""Philox against the known answers of Random123, and the layout of its streams."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from fastnn import _core
from kernels import TABLES, Permutation, Random, call, same_bits, threads

philox = _core.testing.philox

# kat_vectors of Random123, philox4x32 with 10 rounds: counter, key, result.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers(counter, key, result):
    words = [[int(w, 16) for w in text.split()] for text in (counter, key, result)]
    assert list(philox(words[0], words[1])) == words[2]


def stream_words(seed, stream, step, iteration, n):
    """The n first 32-bit words of a stream, by the layout that core/philox.h documents."""
    mask = 0xFFFFFFFF
    r = philox([stream & mask, stream >> 32, iteration, 0], [seed & mask, seed >> 32])
    s = philox([step & mask, step >> 32, r[2], r[3]], [r[0], r[1]])
    blocks = {}
    words = []
    for i in range(n):
        b = 16 * (i // 64) + i % 16
        if b not in blocks:
            blocks[b] = philox([b & mask, b >> 32, s[2], s[3]], [s[0], s[1]])
        words.append(blocks[b][i // 16 % 4])
    return np.array(words, np.uint32)


def uniform(table, n, seed=1, stream=2, step=3, iteration=4, first=0):
    out = np.empty(n, np.float32)
    low, high = np.float32(0), np.float32(1)
    a, b = np.array(low), np.array(high)
    args = Random(out.ctypes.data, n, stream, first, a.ctypes.data, b.ctypes.data)
    call(table, "random_uniform", "float32", args, seed, step, iteration)
    return out


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_layout(table):
    position = {"seed": 0x123456789A, "stream": 0x987654321F, "step": 2**33 + 5, "iteration": 7}
    words = stream_words(*position.values(), 200)
    expected = (words >> 8).astype(np.float32) * np.float32(2**-24)
    assert same_bits(uniform(table, 200, **position), expected)


@pytest.mark.parametrize("table", ["reference", *TABLES])
def test_a_part_of_a_stream(table):
    whole = uniform(table, 500)
    for first, n in [(0, 1), (1, 63), (63, 2), (64, 64), (130, 370), (499, 1), (7, 0)]:
        assert same_bits(uniform(table, n, first=first), whole[first : first + n])
    assert same_bits(uniform(table, 100, first=2**33 + 3)[1:], uniform(table, 99, first=2**33 + 4))


def test_positions_do_not_overlap():
    seen = set()
    for change in ({}, {"seed": 2}, {"stream": 3}, {"step": 4}, {"iteration": 5}, {"seed": 2**40}):
        seen |= set(uniform("reference", 1000, **change).tolist())
    assert len(seen) > 5990


def permutation(table, n, seed=1, step=0):
    out = np.full(n + 1, -7, np.int64)
    call(table, "random_permutation", "int64", Permutation(out.ctypes.data, n, 9), seed, step)
    assert out[n] == -7
    return out[:n]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 31, 32, 33, 64, 1000])
def test_permutation(table, n):
    p = permutation(table, n)
    assert same_bits(np.sort(p), np.arange(n))
    assert same_bits(p, permutation("reference", n))
    if n > 30:
        assert not same_bits(p, permutation(table, n, step=1))


def test_permutations_are_uniform():
    counts = dict.fromkeys([(a, b, c) for a in range(3) for b in range(3) for c in range(3)
                            if len({a, b, c}) == 3], 0)  # fmt: skip
    for step in range(3000):
        counts[tuple(permutation(TABLES[-1], 3, step=step).tolist())] += 1
    # Five degrees of freedom: 20.5 is passed by chance once in a thousand seeds; this one is fixed.
    assert sum((c - 500) ** 2 / 500 for c in counts.values()) < 20.5


BOUNDS = {
    "random_uniform": (-0.5, 2.5),
    "random_bernoulli": (0.3, 0.0),
    "random_integer": (-3, 1000),
    "random_normal": (1.0, 2.0),
    "random_truncated_normal": (1.0, 2.0),
}
ENTRIES = sorted(
    (name, dtype) for name, dtype, _ in _core.testing.entries("reference") if name in BOUNDS
)


def draw(table, name, dtype, n, first=0, n_threads=1):
    kind = {"bool": "float32"}.get(dtype, dtype)
    a, b = (np.array(x, kind) for x in BOUNDS[name])
    out = np.full(n + 16, 77, dtype)
    args = Random(out.ctypes.data, n, 5, first, a.ctypes.data, b.ctypes.data)
    with threads(n_threads):
        call(table, name, dtype, args, seed=11, step=22)
    assert same_bits(out[n:], np.full(16, 77, dtype))
    return out[:n]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "dtype"), ENTRIES)
def test_distributions_against_the_reference(table, name, dtype):
    for n, first in [(0, 0), (1, 0), (17, 3), (64, 0), (300, 31), (40001, 5)]:
        ours, reference = (
            draw(table, name, dtype, n, first),
            draw("reference", name, dtype, n, first),
        )
        if "normal" not in name:
            assert same_bits(ours, reference)
            continue
        # The angle's rounding in the reference, 2 pi eps, shows where sin and cos pass through 0.
        tolerance = 1e-6 if dtype == "float32" else 2e-12
        np.testing.assert_allclose(ours, reference, rtol=tolerance, atol=tolerance)
    one = draw(table, name, dtype, 100_000)
    for n_threads in (2, 3, 8):
        assert same_bits(draw(table, name, dtype, 100_000, n_threads=n_threads), one)


@pytest.mark.parametrize("table", TABLES)
def test_moments(table):
    n = 400_000
    five_sigma = 5 / np.sqrt(n)
    for dtype in ("float32", "float64"):
        z = (draw(table, "random_normal", dtype, n).astype(np.float64) - 1) / 2
        assert abs(z.mean()) < five_sigma
        assert abs((z**2).mean() - 1) < five_sigma * np.sqrt(2)
        assert abs((z**4).mean() - 3) < five_sigma * np.sqrt(96)
        assert abs((z[:-16] * z[16:]).mean()) < five_sigma, "sin and cos of one angle"
        t = (draw(table, "random_truncated_normal", dtype, n).astype(np.float64) - 1) / 2
        assert np.abs(t).max() <= 2
        assert abs(t.mean()) < five_sigma
        assert abs((t**2).mean() - 0.7737413035) < five_sigma
        u = draw(table, "random_uniform", dtype, n).astype(np.float64)
        assert u.min() >= -0.5
        assert u.max() < 2.5
        assert abs(u.mean() - 1) < five_sigma * 3
        assert abs(draw(table, "random_bernoulli", dtype, n).mean() - 0.3) < five_sigma
    k = draw(table, "random_integer", "int64", n)
    assert k.min() == -3
    assert k.max() == 999


def test_struct_sizes():
    """ctypes lays the structs out as C++ does, on every platform that is tested."""
    assert ctypes.sizeof(Random) == 48
    assert ctypes.sizeof(Permutation) == 24
