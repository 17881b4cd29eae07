"""Sections: within one all reads come before writes; a later one sees what an earlier one wrote."""

from __future__ import annotations

import numpy as np
import pytest

from fastnn import _core, ops, placeholder, shared

OPTIONS = [{}, {"reuse_memory": False}, {"poison": True}]


def compiled(inputs, *sections, **options):
    specs = [
        (
            f"section {i}",
            [t._value for t in outputs],
            [(v._storage, t._value) for v, t in updates],
        )
        for i, (outputs, updates) in enumerate(sections)
    ]
    return _core.Function([x._value for x in inputs], specs, 0, **options)


@pytest.mark.parametrize("options", OPTIONS)
class TestSections:
    def test_a_later_section_sees_the_writes(self, options):
        a = shared([1.0, 2.0])
        double = a * 2
        f = compiled([], ([double], [(a, a + 1)]), ([double], [(a, a * 10)]), ([a], []), **options)
        assert [r.tolist() for r in f()] == [[2, 4], [4, 6], [20, 30]]
        assert [r.tolist() for r in f()] == [[40, 60], [42, 62], [210, 310]]

    def test_what_no_write_touches_is_computed_once(self, options):
        x, a = placeholder((None,)), shared(1.0)
        y = ops.exp(x)
        f = compiled([x], ([y + a], [(a, a + 1)]), ([y + a], []), **options)
        first, second = f([0.0, 1.0])
        np.testing.assert_allclose(second, first + 1)
        assert sum("exp" in k for k in f.kernels()) == 1

    def test_a_value_outlives_the_variable_it_went_to(self, options):
        x, v = placeholder((2, 3)), shared(np.zeros(6, "f"))
        y = ops.tanh(x)
        f = compiled(
            [x],
            ([], [(v, ops.reshape(y, (-1,)))]),
            ([], [(v, v * 0.0)]),
            ([ops.reshape(y, (3, 2)), y * 2.0], []),
            **options,
        )
        a = np.random.default_rng(0).normal(size=(2, 3)).astype("f")
        rows, twice = f(a)
        np.testing.assert_allclose(rows, np.tanh(a).reshape(3, 2), rtol=1e-6)
        np.testing.assert_allclose(twice, 2 * np.tanh(a), rtol=1e-6)
        assert v.get_value().tolist() == [0.0] * 6

    def test_an_output_that_a_later_section_reads_under_another_shape(self, options):
        x, v = placeholder((2, 3)), shared(np.zeros(3, "f"))
        y = ops.exp(x)
        f = compiled(
            [x], ([ops.reshape(y, (3, 2))], []), ([], [(v, ops.sum(y, 0))]), ([y], []), **options
        )
        a = np.random.default_rng(0).normal(size=(2, 3)).astype("f")
        rows, again = f(a)
        np.testing.assert_array_equal(rows.reshape(2, 3), again)
        np.testing.assert_allclose(v.get_value(), np.exp(a).sum(0), rtol=1e-5)

    def test_swap_in_one_section_and_back_in_the_next(self, options):
        a, b = shared([1.0, 2.0]), shared([3.0, 4.0])
        swap = [(a, b), (b, a)]
        f = compiled([], ([], swap), ([a, b], swap), ([a, b], []), **options)
        assert [r.tolist() for r in f()] == [[3, 4], [1, 2], [1, 2], [3, 4]]

    def test_random_numbers_are_the_same_in_all_sections(self, options):
        a, noise = shared(np.zeros(5, "f")), ops.random_normal((5,))
        f = compiled([], ([noise], [(a, a + noise)]), ([a, noise + 0.0], []), **options)
        first, total, second = f()
        np.testing.assert_array_equal(first, second)
        np.testing.assert_array_equal(first, total)
