"""scan: recurrences of one's own, forward and differentiated."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import function, grad, ops, placeholder, scan, shared

RNG = np.random.default_rng(0)


def cell(x, h, w, u, b):
    return ops.tanh(x @ w + h @ u + b)


def unrolled(xs, h, step, reverse=False):
    """The same recurrence as a chain of nodes."""
    outputs = [None] * len(xs)
    for t in range(len(xs))[::-1] if reverse else range(len(xs)):
        h, outputs[t] = step(xs[t], h)
    return h, ops.stack(outputs)


class TestAgainstUnrolled:
    @pytest.mark.parametrize("reverse", [False, True])
    @pytest.mark.parametrize("steps", [1, 2, 7])
    def test_forward_gradient_and_second_gradient(self, steps, reverse):
        shapes = [(steps, 2, 3), (2, 4), (3, 4), (4, 4), (4,)]
        arrays = [0.5 * RNG.normal(size=s) for s in shapes]
        xs, h0, w, u, b = inputs = [placeholder(s, "float64") for s in shapes]

        def step(x, h):
            new = cell(x, h, w, u, b)
            return new, new * new

        results = []
        for last, outputs in (
            scan(step, xs, h0, reverse=reverse),
            unrolled([xs[t] for t in range(steps)], h0, step, reverse),
        ):
            cost = ops.sum(last**2) + ops.sum(outputs * ops.sin(outputs))
            first = grad(cost, inputs)
            penalty = sum(ops.sum(g * g) for g in first)
            second = grad(penalty, inputs)
            results.append(function(inputs, [last, outputs, *first, *second])(*arrays))
        for looped, plain in zip(*results, strict=True):
            np.testing.assert_allclose(looped, plain, rtol=1e-9, atol=1e-11)

    def test_several_states_and_outputs(self):
        xs, ys = placeholder((5, 2), "float64"), placeholder((5, 2), "float64")
        a0, b0 = placeholder((2,), "float64"), placeholder((2,), "float64")
        inputs = [xs, ys, a0, b0]

        def step(x, y, a, b):
            return [b + x, a * y], [a, a - b]

        (a, b), (first, second) = scan(step, [xs, ys], [a0, b0])
        cost = ops.sum(a * b) + ops.sum(first * second)
        results = function(inputs, [a, b, first, second, *grad(cost, inputs)])
        arrays = [RNG.normal(size=x.shape) for x in inputs]
        p, q, firsts, seconds = a0, b0, [], []
        for t in range(5):
            firsts.append(p)
            seconds.append(p - q)
            p, q = q + xs[t], p * ys[t]
        firsts, seconds = ops.stack(firsts), ops.stack(seconds)
        cost = ops.sum(p * q) + ops.sum(firsts * seconds)
        plain = function(inputs, [p, q, firsts, seconds, *grad(cost, inputs)])
        for x, y in zip(results(*arrays), plain(*arrays), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)

    def test_nested(self):
        xs, h0 = placeholder((4, 3, 2), "float64"), placeholder((2,), "float64")
        w = placeholder((2,), "float64")

        def inner(x, h):
            new = ops.tanh(h * w + x)
            return new, new

        def outer(rows, h):
            last, states = scan(inner, rows, h)
            return last, ops.sum(states, 0)

        arrays = [RNG.normal(size=s) for s in [(4, 3, 2), (2,), (2,)]]
        results = []
        for looped in (True, False):
            if looped:
                last, sums = scan(outer, xs, h0)
            else:
                h, parts = h0, []
                for i in range(4):
                    h, states = unrolled([xs[i, j] for j in range(3)], h, inner)
                    parts.append(ops.sum(states, 0))
                last, sums = h, ops.stack(parts)
            cost = ops.sum(last) + ops.sum(sums**2)
            first = grad(cost, [xs, h0, w])
            second = grad(sum(ops.sum(g * g) for g in first), [xs, h0, w])
            results.append(function([xs, h0, w], [last, sums, *first, *second])(*arrays))
        for x, y in zip(*results, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-11)


class TestOpenTime:
    def test_one_program_for_many_lengths(self):
        xs = placeholder((None, "batch", 3))
        w, u = shared(RNG.normal(size=(3, 4)).astype("f")), shared(np.eye(4, dtype="f"))
        h0 = ops.full(("batch", 4), 0.0)
        last, states = scan(lambda x, h: (cell(x, h, w, u, 0.1),) * 2, xs, h0)
        f = function([xs], [last, states, grad(ops.sum(last), w)])
        for time, batch in [(3, 2), (1, 5), (40, 1), (3, 2)]:
            a = RNG.normal(size=(time, batch, 3)).astype("f")
            result, all_states, slope = f(a)
            h = np.zeros((batch, 4))
            for x in a:
                h = np.tanh(x @ w.get_value() + h @ u.get_value() + 0.1)
            np.testing.assert_allclose(result, h, rtol=1e-4, atol=1e-5)
            np.testing.assert_array_equal(all_states[-1], result)
            assert slope.shape == (3, 4)

    def test_empty_sequence(self):
        xs, h0 = placeholder((None, 2)), placeholder((2,))
        last, outputs = scan(lambda x, h: (h * x, h), xs, h0)
        cost = ops.sum(last) + ops.sum(outputs)
        f = function([xs, h0], [last, outputs, *grad(cost, [xs, h0])])
        last, outputs, dx, dh = f(np.zeros((0, 2), "f"), [3, 4])
        assert last.tolist() == [3, 4]
        assert outputs.shape == dx.shape == (0, 2)
        assert dh.tolist() == [1, 1]

    def test_length_without_sequences(self):
        last, powers = scan(lambda s: (s * 2, s), initial_state=1.0, length=5)
        value, outputs = function([], [last, powers])()
        assert float(value) == 32
        assert outputs.tolist() == [1, 2, 4, 8, 16]

    def test_same_sequence_twice_and_integers(self):
        xs = placeholder((None,), "int64")
        total, running = scan(lambda a, b, s: (s + a * b, s), [xs, xs], np.int64(0))
        value, outputs = function([xs], [total, running])([1, 2, 3])
        assert int(value) == 14
        assert outputs.tolist() == [0, 1, 5]


class TestRandom:
    def test_drawn_in_the_step_is_new_at_each_iteration(self):
        _, draws = scan(lambda s: (s, ops.random_uniform((50,))), initial_state=0.0, length=4)
        a = function([], draws)()
        assert len({row.tobytes() for row in a}) == 4

    def test_drawn_outside_is_the_same_at_each_iteration(self):
        mask = ops.random_bernoulli((50,), 0.5)
        xs = placeholder((None, 50))
        _, kept = scan(lambda x, s: (s, x * mask), xs, 0.0)
        rows, one = function([xs], [kept, mask])(np.ones((3, 50), "f"))
        for row in rows:
            np.testing.assert_array_equal(row, one)

    def test_drawn_in_an_inner_loop_is_new_at_each_outer_iteration(self):
        def outer(s):
            _, draws = scan(lambda q: (q, ops.random_uniform((20,))), initial_state=0.0, length=2)
            return s, draws

        _, draws = scan(outer, initial_state=0.0, length=3)
        a = function([], draws)().reshape(6, 20)
        assert len({row.tobytes() for row in a}) == 6

    def test_backward_sees_the_masks_of_forward(self):
        xs = placeholder((None, 30))

        def step(x, h):
            y = x * ops.random_bernoulli((30,), 0.5)
            return h + y, y

        _, kept = scan(step, xs, np.zeros(30, "f"))
        y, slope = function([xs], [kept, grad(ops.sum(kept), xs)])(np.ones((5, 30), "f"))
        np.testing.assert_array_equal(y, slope)


def test_bptt_trains_a_cell_of_ones_own():
    """Remember the sign of the first input over six steps."""
    fastnn.utils.set_random_seed(0)
    rng = np.random.default_rng(3)
    w, u = (shared(0.5 * rng.normal(size=s).astype("f")) for s in [(1, 8), (8, 8)])
    v, b = shared(0.5 * rng.normal(size=(8, 1)).astype("f")), shared(np.ones(8, "f"))
    xs, t = placeholder((None, "batch", 1)), placeholder(("batch", 1))

    def step(x, h):
        gate = ops.sigmoid(x @ w + h @ u + b)
        return gate * h + (1 - gate) * ops.tanh(x @ w * 2.0), None

    last, _ = scan(step, xs, ops.full(("batch", 8), 0.0))
    cost = ops.mean(ops.sigmoid_cross_entropy(last @ v, t))
    parameters = [w, u, v, b]
    slopes = grad(cost, parameters)
    norm = ops.sqrt(sum(ops.sum(g * g) for g in slopes)) + 1e-6
    train = function(
        [xs, t],
        cost,
        [
            (p, p - 0.5 * g / ops.maximum(norm, 1.0))
            for p, g in zip(parameters, slopes, strict=True)
        ],
    )
    losses = []
    for _ in range(400):
        data = rng.normal(size=(6, 32, 1)).astype("f")
        data[1:] *= 0.1
        losses.append(float(train(data, data[0] > 0)))
    assert np.mean(losses[:5]) > 0.6
    assert np.mean(losses[-20:]) < 0.3


class TestRefusals:
    def test_nothing_to_run_over(self):
        with pytest.raises(ValueError, match=r"\[scan\] expected sequences or a length"):
            scan(lambda s: (s, None), initial_state=0.0)

    def test_scalar_sequence(self):
        with pytest.raises(ValueError, match=r"\[scan\] expected sequences of shape \(time"):
            scan(lambda x, s: (s, None), placeholder(()), 0.0)

    def test_state_changes_its_shape(self):
        with pytest.raises(ValueError, match="carried value 0 must keep its type"):
            scan(lambda x, s: (s + x, None), placeholder((None, 3)), 0.0)

    def test_number_of_states(self):
        with pytest.raises(ValueError, match="expected 2 state tensors from step, got 1"):
            scan(lambda x, a, b: ([a], None), placeholder((None,)), [0.0, 0.0])

    def test_lengths_differ(self):
        with pytest.raises(ValueError, match=r"\[loop\] input 2: expected"):
            scan(lambda x, y, s: (s, None), [placeholder((3,)), placeholder((4,))], 0.0)


def test_a_model_trains_through_a_scan_as_through_its_steps_written_out():
    x = RNG.normal(size=(12, 3)).astype("float32")

    def looped(h):
        return scan(lambda s: (ops.tanh(s), None), initial_state=h, length=3)[0]

    def written_out(h):
        return ops.tanh(ops.tanh(ops.tanh(h)))

    weights = []
    for body in (looped, written_out):
        model = fastnn.Sequential(
            [
                fastnn.layers.Dense(4, kernel_initializer="ones", input_dim=3),
                fastnn.layers.Lambda(body),
                fastnn.layers.Dense(1, kernel_initializer="ones"),
            ]
        )
        model.compile("adam", "mse", metrics=["mae"])
        model.fit(x, x[:, :1], batch_size=5, epochs=3, shuffle=False, verbose=0)
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
