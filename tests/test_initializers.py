"""Initializers: shapes, seeds and moments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastnn import _random, initializers

RANDOM = {
    "random_uniform": 0.1 / 12**0.5,
    "random_normal": 0.05,
    "truncated_normal": 0.05 * 0.87962566103423978,
    "glorot_uniform": (2 / 500) ** 0.5,
    "glorot_normal": (2 / 500) ** 0.5,
    "he_uniform": (2 / 300) ** 0.5,
    "he_normal": (2 / 300) ** 0.5,
    "lecun_uniform": (1 / 300) ** 0.5,
    "lecun_normal": (1 / 300) ** 0.5,
    "variance_scaling": (1 / 300) ** 0.5,
}


def make(name: str, **config: Any) -> Any:
    return getattr(initializers, name)(**config)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "stddev"), RANDOM.items())
def test_moments(name: str, stddev: float, dtype: str) -> None:
    values = make(name, seed=3)((300, 200), dtype=dtype)
    assert values.dtype == dtype
    assert values.shape == (300, 200)
    # 60 000 draws: the mean is off by stddev / 245, the deviation by about 0.3 %.
    assert abs(values.mean()) < 5 * stddev / 245
    assert values.std() == pytest.approx(stddev, rel=0.02)


@pytest.mark.parametrize("name", [*RANDOM, "orthogonal"])
def test_seeds(name: str) -> None:
    seeded = make(name, seed=5)
    np.testing.assert_array_equal(seeded((4, 3)), seeded((4, 3)))
    assert (make(name, seed=6)((4, 3)) != seeded((4, 3))).any()
    _random.set_random_seed(11)
    free = make(name)
    first, second = free((4, 3)), free((4, 3))
    assert (first != second).any()
    _random.set_random_seed(11)
    np.testing.assert_array_equal(make(name)((4, 3)), first)


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (2, 3, 4), (4, 4)])
def test_orthogonal(shape: tuple[int, ...]) -> None:
    q = make("orthogonal", gain=2.0, seed=1)(shape, dtype="float64").reshape(-1, shape[-1])
    small = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(small, 4.0 * np.eye(len(small)), atol=1e-12)


@pytest.mark.parametrize(
    ("shape", "fans"),
    [((), (1, 1)), ((7,), (7, 7)), ((11, 6), (11, 6)), ((3, 3, 8, 16), (72, 144))],
)
def test_fans(shape: tuple[int, ...], fans: tuple[int, int]) -> None:
    assert initializers.compute_fans(shape) == fans


def test_constants() -> None:
    np.testing.assert_array_equal(make("constant", value=[1, 2])((3, 2)), [[1, 2]] * 3)
    np.testing.assert_array_equal(make("identity", gain=3)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    assert make("zeros")((2,), dtype="int32").dtype == np.int32


@pytest.mark.parametrize(
    "name", sorted(set(initializers._registry.table) - {"FromArray", "from_array"})
)
def test_names_and_configurations(name: str) -> None:
    first = initializers.get(name)
    again = initializers.get(initializers.serialize(first))
    assert repr(again) == repr(first)


def test_given_values() -> None:
    values = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(initializers.get(values)((2, 3)), values)
    with pytest.raises(ValueError, match=r"shape \(3, 2\) as initial values"):
        initializers.get(values)((3, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.get("glorot"), "unknown initializer 'glorot'"),
        (lambda: initializers.get("glorot_unifrom"), "did you mean 'glorot_uniform'"),
        (lambda: make("zeros")((2, -1)), "whole numbers >= 0"),
        (lambda: make("glorot_uniform")((2**40, 2**40)), "more than memory can hold"),
        (lambda: make("glorot_uniform")((2, 2), dtype="int32"), "'float32' or 'float64'"),
        (lambda: make("identity")((2,)), "shape of two axes"),
        (lambda: make("orthogonal")((2,)), "at least two axes"),
        (lambda: make("constant", value=[1, 2])((3,)), "broadcasts to"),
        (lambda: make("variance_scaling", scale=0.0), "scale > 0"),
        (lambda: make("variance_scaling", mode="fan"), "expected mode"),
        (lambda: make("variance_scaling", distribution="x"), "expected distribution"),
        (lambda: make("random_normal", seed=-1), "expected a seed"),
    ],
)
def test_bad_arguments(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
    with pytest.raises(TypeError, match="whole number as the seed"):
        _random.set_random_seed(1.5)  # type: ignore[arg-type]
