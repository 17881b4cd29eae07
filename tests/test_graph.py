"""The symbolic API: what is computed, how often, in which order, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core, function, grad, ops, placeholder, shared


def kernels(f):
    return f.kernels()


def count(f, name):
    return sum(k.split("(")[-1].rstrip(")").split().count(name) for k in kernels(f))


def test_tutorial():
    x, y, z = (placeholder((), name=n) for n in "xyz")
    p = x + y
    g = p * z
    f = function([x, y, z], [p, g, *grad(g, [p, x, y, z])])
    assert [float(v) for v in f(1, 3, -3)] == [4, -12, -3, -3, -3, 4]


class TestComputedOnce:
    def test_common_subexpressions(self):
        x, w = placeholder((None, 4)), placeholder((4, 4))
        a, b = ops.tanh(x @ w), ops.tanh(x @ w)
        f = function([x, w], a * b + ops.sum(ops.tanh(x @ w)))
        assert sum("matmul" in k for k in kernels(f)) == 1

    def test_gradients_share_the_forward_pass(self):
        x, w = placeholder((None, 4)), shared(np.ones((4, 4), "f"))
        cost = ops.sum(ops.exp(x * w[0]))
        f = function([x], [cost, grad(cost, w)])
        assert count(f, "exp") == 1

    def test_dead_nodes_never(self):
        x = placeholder((None, 4))
        y = ops.exp(x)
        f = function([x], ops.stop_gradient(x) + ops.zeros_like(y))
        assert count(f, "exp") == 0
        g = function([x], grad(ops.sum(x * 2), x))
        assert [k for k in kernels(g) if "copy" not in k] == []

    def test_different_attributes_are_different_nodes(self):
        x = placeholder((3, 3))
        f = function([x], [ops.sum(x, 0), ops.sum(x, 1), ops.elu(x, 0.5), ops.elu(x, 1.0)])
        a, b, c, d = f([[1, 2, 3], [4, 5, 6], [-1, -1, -1]])
        np.testing.assert_array_equal(a, [4, 6, 8])
        np.testing.assert_array_equal(b, [6, 15, -3])
        np.testing.assert_allclose(c[2], 0.5 * d[2])


class TestRandom:
    def test_nodes_are_not_merged(self):
        a, b = ops.random_uniform((5, 100)), ops.random_uniform((5, 100))
        x, y = function([], [a, b])()
        assert abs(np.corrcoef(x.ravel(), y.ravel())[0, 1]) < 0.2

    def test_one_node_is_one_draw(self):
        a = ops.random_normal((100,))
        x, y = function([], [a, a * 1.0])()
        np.testing.assert_array_equal(x, y)

    def test_every_call_draws_anew_and_the_seed_repeats(self):
        def draws():
            fastnn.utils.set_random_seed(5)
            f = function([], ops.random_normal((50,)))
            return f(), f()

        first, second = draws()
        assert (first != second).all()
        again = draws()
        np.testing.assert_array_equal(first, again[0])
        np.testing.assert_array_equal(second, again[1])

    def test_backward_sees_the_mask_of_forward(self):
        x = placeholder((None,))
        mask = ops.random_bernoulli(x.dims, 0.5)
        y, dx = function([x], [x * mask, grad(ops.sum(x * mask), x)])(np.ones(200, "f"))
        np.testing.assert_array_equal(y, dx)

    def test_a_batch_is_a_prefix_of_a_larger_one(self):
        x = placeholder((None,))
        f = _core.Function([x._value], [("main", [ops.random_normal(x.dims)._value], [])], 3)
        (short,) = f(np.zeros(10, "f"))
        f.set_step(0)
        np.testing.assert_array_equal(f(np.zeros(1000, "f"))[0][:10], short)


class TestStableLosses:
    def test_log_of_softmax(self):
        x = placeholder((None, 3), "float64")
        y = ops.log(ops.softmax(x))
        f = function([x], [y, grad(ops.sum(y[:, 0]), x)])
        value, slope = f([[-1000.0, 0.0, 1000.0]])
        np.testing.assert_array_equal(value, [[-2000.0, -1000.0, 0.0]])
        np.testing.assert_allclose(slope, [[1.0, 0.0, -1.0]], atol=1e-12)

    def test_log_of_sigmoid(self):
        x = placeholder((None,), "float64")
        y = ops.log(ops.sigmoid(x))
        value, slope = function([x], [y, grad(ops.sum(y), x)])([-800.0, 0.0, 800.0])
        np.testing.assert_allclose(value, [-800.0, -np.log(2.0), 0.0])
        np.testing.assert_allclose(slope, [1.0, 0.5, 0.0], atol=1e-12)

    def test_cross_entropies_of_large_logits(self):
        x = placeholder((None, 2))
        t = ops.one_hot([0, 1], 2)
        loss = ops.softmax_cross_entropy(x, t)
        value, slope = function([x], [loss, grad(ops.sum(loss), x)])([[-1e4, 1e4], [0, 90]])
        np.testing.assert_allclose(value, [2e4, 0.0], atol=1e-6)
        np.testing.assert_allclose(slope, [[-1, 1], [0, 0]], atol=1e-6)


class TestSecondDerivatives:
    def test_of_a_polynomial(self):
        x = placeholder((), "float64")
        f1 = grad(x**4, x)
        f2 = grad(f1, x)
        f3 = grad(f2, x)
        values = function([x], [f1, f2, f3])(2.0)
        np.testing.assert_allclose([float(v) for v in values], [32.0, 48.0, 48.0])

    def test_hessian_vector_product_of_a_network(self):
        rng = np.random.default_rng(0)
        x = rng.normal(size=(6, 3))
        w, v = placeholder((3, 2), "float64"), rng.normal(size=(3, 2))
        cost = ops.mean(ops.softmax_cross_entropy(ops.tanh(x @ w), ops.one_hot([0, 1] * 3, 2)))
        first = grad(cost, w)
        f = function([w], [first, grad(ops.sum(first * v), w)])
        w0 = rng.normal(size=(3, 2))
        h = 1e-5
        numeric = (f(w0 + h * v)[0] - f(w0 - h * v)[0]) / (2 * h)
        np.testing.assert_allclose(f(w0)[1], numeric, rtol=1e-6, atol=1e-9)

    def test_gradient_penalty(self):
        """A cost made of a gradient, as in WGAN-GP."""
        rng = np.random.default_rng(1)
        x = placeholder((None, 3), "float64")
        w = shared(rng.normal(size=(3, 4)), dtype="float64")
        u = shared(rng.normal(size=(4, 1)), dtype="float64")
        slope = grad(ops.sum(ops.tanh(x @ w) @ u), x)
        penalty = ops.mean((ops.norm(slope, axis=1) - 1) ** 2)
        f = function([x], [penalty, grad(penalty, w)])
        data = rng.normal(size=(5, 3))
        _, analytic = f(data)
        w0, h = w.get_value(), 1e-6
        for i, j in [(0, 0), (2, 3)]:
            change = np.zeros((3, 4))
            change[i, j] = h
            w.set_value(w0 + change)
            high = f(data)[0]
            w.set_value(w0 - change)
            np.testing.assert_allclose(analytic[i, j], (high - f(data)[0]) / (2 * h), rtol=1e-5)


class TestGradients:
    def test_no_influence_is_zero(self):
        x, y = placeholder((2,)), placeholder((3,))
        assert function([x, y], grad(ops.sum(x), y))([1, 1], [1, 1, 1]).tolist() == [0, 0, 0]

    def test_by_an_inner_tensor_and_by_the_cost(self):
        x = placeholder(())
        p = x * x
        cost = p * 3
        assert [float(v) for v in function([x], grad(cost, [p, cost, x]))(2)] == [3, 1, 12]

    def test_used_twice(self):
        x = placeholder((), "float64")
        y = x * x + ops.sin(x) * x
        np.testing.assert_allclose(
            function([x], grad(y, x))(0.7), 1.4 + np.sin(0.7) + 0.7 * np.cos(0.7)
        )

    def test_stop_gradient(self):
        x = placeholder(())
        assert float(function([x], grad(ops.stop_gradient(x) * x, x))(5)) == 5

    def test_refusals(self):
        x = placeholder((2,))
        with pytest.raises(ValueError, match=r"expected a scalar cost, got shape \(2,\); reduce"):
            grad(x, x)
        with pytest.raises(ValueError, match="expected a floating cost, got int64"):
            grad(ops.argmax(x, 0), x)
        with pytest.raises(ValueError, match="expected floating tensors to differentiate by"):
            grad(ops.sum(x), ops.argmax(x, 0))
        with pytest.raises(ValueError, match=r"\[threshold\] has no gradient: a step function"):
            grad(ops.sum(ops.threshold(x)), x)


class TestUpdates:
    def test_swap(self):
        a, b = shared([1.0, 2.0]), shared([3.0, 4.0])
        f = function([], [a, b], updates=[(a, b), (b, a)])
        old_a, old_b = f()
        assert old_a.tolist() == [1, 2]
        assert old_b.tolist() == [3, 4]
        assert a.get_value().tolist() == [3, 4]
        assert b.get_value().tolist() == [1, 2]

    def test_rotation_through_views(self):
        a, b, c = shared([[1.0, 2.0]] * 2), shared([[3.0, 4.0]] * 2), shared([[5.0, 6.0]] * 2)
        function([], updates=[(a, b.T), (b, c.T), (c, a.T)])()
        assert a.get_value().tolist() == [[3, 3], [4, 4]]
        assert b.get_value().tolist() == [[5, 5], [6, 6]]
        assert c.get_value().tolist() == [[1, 1], [2, 2]]

    def test_all_expressions_see_old_values(self):
        a, b = shared(1.0), shared(10.0)
        f = function([], [a + b], updates=[(a, a + b), (b, a * b)])
        assert float(f()[0]) == 11
        assert (float(a.get_value()), float(b.get_value())) == (11, 10)
        assert float(f()[0]) == 21
        assert (float(a.get_value()), float(b.get_value())) == (21, 110)

    def test_in_place(self):
        w, g = shared(np.ones(1000, "f")), placeholder((1000,))
        f = function([g], updates=[(w, w - 0.5 * g)])
        f(np.arange(1000))
        np.testing.assert_array_equal(w.get_value(), 1 - 0.5 * np.arange(1000, dtype="f"))
        assert len(kernels(f)) == 1

    def test_reversed_onto_itself(self):
        a = shared(np.arange(700, dtype="f"))
        function([], updates=[(a, a[::-1] + a)])()
        np.testing.assert_array_equal(a.get_value(), np.full(700, 699, "f"))

    def test_dtype_of_the_variable(self):
        n = shared(np.int64(3), role="counter")
        function([], updates=[(n, n + 1)])()
        assert n.get_value() == 4
        assert n.get_value().dtype == np.int64

    def test_refusals(self):
        a = shared([1.0, 2.0], name="a")
        with pytest.raises(ValueError, match="'a' is updated twice"):
            function([], updates=[(a, a + 1), (a, a + 2)])
        with pytest.raises(ValueError, match=r"update of 'a': expected float32\(2,\), got"):
            function([], updates=[(a, ops.sum(a))])
        with pytest.raises(TypeError, match="expected a shared variable"):
            function([], updates=[(a + 1, a)])


class TestFunctions:
    def test_arguments(self):
        x = placeholder((None, 3), name="x")
        f = function([x], x * 2)
        with pytest.raises(TypeError, match="expected 1 arguments, got 2"):
            f([[1, 2, 3]], 1)
        with pytest.raises(ValueError, match=r"\[x\] expected shape \(n\d+, 3\), got \(1, 2\)"):
            f([[1, 2]])
        with pytest.raises(TypeError, match=r"x: expected numbers that fit float32, got dtype"):
            f([["a", "b", "c"]])
        with pytest.raises(TypeError, match="x: expected numbers that fit float32"):
            f(np.ones((1, 3), complex))
        with pytest.raises(TypeError, match="x: expected numbers that fit float32, got dtype obj"):
            f(np.array([[1, 2, 3], [4]], object))

    def test_missing_input(self):
        x, y = placeholder((2,), name="x"), placeholder((2,), name="y")
        with pytest.raises(ValueError, match="'y' is needed to compute the outputs"):
            function([x], x + y)
        with pytest.raises(TypeError, match="expected placeholders"):
            function([x + y], x)

    def test_structure_of_outputs(self):
        x = placeholder(())
        assert function([x])(1) is None
        assert float(function(x, x)(1)) == 1
        assert function([x], [])(1) == []
        assert [float(v) for v in function([x], [x, x, x + 1])(1)] == [1, 1, 2]

    def test_outputs_are_fresh_arrays(self):
        a = shared([1.0, 2.0])
        x = placeholder((2,))
        f = function([x], [a, x, a.T])
        given = np.ones(2, "f")
        for result in f(given):
            assert not np.shares_memory(result, given)
            result[...] = 9
        assert a.get_value().tolist() == [1, 2]
        assert given.tolist() == [1, 1]

    def test_symbolic_tensors_say_what_they_are(self):
        x = placeholder((None, 2))
        with pytest.raises(TypeError, match="no truth value"):
            bool(x > 0)
        with pytest.raises(TypeError, match="known only at run time"):
            len(x)
        with pytest.raises(TypeError, match=r"compile it with fastnn\.function"):
            np.asarray(x)
        with pytest.raises(IndexError, match="too many indices: 3"):
            x[0, 0, 0]
        assert (np.ones(2, "f") + x).dtype == "float32"
