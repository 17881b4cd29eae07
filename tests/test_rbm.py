"""Restricted Boltzmann machines against sums over all their states."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn.models import RBM

RNG = np.random.default_rng(0)


def all_states(n: int) -> np.ndarray:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(float)


def random_machine(n: int = 5, units: int = 4, **settings) -> RBM:
    rbm = RBM(units, dtype="float64", **settings)
    rng = np.random.default_rng(3)
    rbm.set_weights([rng.normal(size=s) for s in ((n, units), n, units)])
    return rbm


def energies(rbm: RBM) -> np.ndarray:
    """E(v, h) of all pairs of states."""
    kernel, b, c = rbm.get_weights()
    v, h = all_states(len(b)), all_states(len(c))
    return -(v @ b)[:, None] - (h @ c)[None] - v @ kernel @ h.T


def exact_gradient(rbm: RBM, x: np.ndarray) -> list[np.ndarray]:
    """Of the mean log-likelihood, by kernel and biases."""
    states = all_states(x.shape[1])
    p = np.exp(-rbm.free_energy(states))
    p /= p.sum()
    data, model = rbm.transform(x), rbm.transform(states)
    return [
        x.T @ data / len(x) - (states * p[:, None]).T @ model,
        x.mean(0) - p @ states,
        data.mean(0) - p @ model,
    ]


def test_free_energy_sums_the_hidden_units_out():
    rbm = random_machine()
    expected = -np.log(np.exp(-energies(rbm)).sum(1))
    np.testing.assert_allclose(rbm.free_energy(all_states(5)), expected, rtol=1e-12)


def test_free_energy_of_gaussian_units():
    rbm = random_machine(visible="gaussian")
    kernel, b, c = rbm.get_weights()
    x = RNG.normal(size=(7, 5))
    expected = 0.5 * ((x - b) ** 2).sum(1) - np.logaddexp(0, x @ kernel + c).sum(1)
    np.testing.assert_allclose(rbm.free_energy(x), expected, rtol=1e-12)


@pytest.mark.parametrize(("visible", "hidden"), [(5, 4), (3, 6), (14, 13)])
def test_exact_partition_function(visible, hidden):
    rbm = random_machine(visible, hidden)
    found = rbm.log_partition("exact")
    expected = np.log(np.exp(-rbm.free_energy(all_states(visible))).sum())
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.low == found.high == found.value
    assert np.exp(rbm.log_likelihood(all_states(visible))).sum() == pytest.approx(1)


def test_exact_partition_function_of_gaussian_units():
    rbm = random_machine(2, 3, visible="gaussian")
    kernel, b, c = rbm.get_weights()
    h = all_states(3)
    field = h @ kernel.T
    log_terms = h @ c + field @ b + 0.5 * (field**2).sum(1) + np.log(2 * np.pi)
    expected = np.log(np.exp(log_terms).sum())
    assert rbm.log_partition("exact").value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("visible", ["bernoulli", "gaussian"])
@pytest.mark.parametrize("units", [(6, 5), (12, 8)])
def test_annealed_importance_sampling_agrees_with_the_exact_sum(visible, units):
    rbm = random_machine(*units, visible=visible)
    rbm.set_weights([0.5 * w for w in rbm.get_weights()])
    exact = rbm.log_partition("exact").value
    found = rbm.log_partition("ais", chains=200, betas=np.linspace(0, 1, 2001))
    assert found.value == pytest.approx(exact, abs=0.1)
    assert found.low <= exact <= found.high


def step_of(rbm: RBM, x: np.ndarray) -> list[np.ndarray]:
    """The change of one training step, divided by the learning rate."""
    before = rbm.get_weights()
    rbm.fit(x, epochs=1, batch_size=len(x), verbose=0)
    return [(b - a) / rbm.learning_rate for a, b in zip(before, rbm.get_weights(), strict=True)]


@pytest.mark.parametrize("persistent", [False, True])
def test_many_gibbs_steps_give_the_gradient_of_the_likelihood(persistent):
    rbm = random_machine(k=60, persistent=persistent, learning_rate=1e-9)
    x = np.repeat(all_states(5)[[3, 9, 30]], 10000, axis=0)
    expected = exact_gradient(rbm, x)
    for g, e in zip(step_of(rbm, x), expected, strict=True):
        np.testing.assert_allclose(g, e, atol=0.02)


def test_one_gibbs_step_differs_from_it():
    rbm = random_machine(learning_rate=1e-9)
    x = np.repeat(all_states(5)[[3, 9, 30]], 10000, axis=0)
    assert np.abs(step_of(rbm, x)[0] - exact_gradient(rbm, x)[0]).max() > 0.1


def test_training_raises_the_likelihood():
    x = np.repeat(all_states(5)[[1, 7, 22]], 40, axis=0)
    rbm = RBM(4, k=5, persistent=True, chains=200, seed=0)
    rbm.fit(x, epochs=1, batch_size=20, verbose=0)
    first = rbm.log_likelihood(x).mean()
    history = rbm.fit(x, epochs=300, batch_size=20, verbose=0)
    assert rbm.log_likelihood(x).mean() > -1.3 > first  # log(1/3) = -1.1 is the best
    assert list(history.history) == ["pseudo_log_likelihood"]


def test_pseudo_likelihood_is_right_in_the_mean():
    rbm = random_machine()
    v = all_states(5)[[11]]
    f = rbm.free_energy(v)[0]
    flips = np.abs(v - np.eye(5))
    exact = -np.logaddexp(0, f - rbm.free_energy(flips)).sum()
    estimates = rbm.pseudo_log_likelihood(np.repeat(v, 20000, axis=0))
    assert estimates.mean() == pytest.approx(exact, abs=4 * estimates.std() / np.sqrt(20000))
    with pytest.raises(ValueError, match="bernoulli"):
        random_machine(visible="gaussian").pseudo_log_likelihood(v)


def test_momentum_and_decay():
    x = all_states(3)
    plain, decayed = (RBM(2, dtype="float64", seed=0, weight_decay=d) for d in (0.0, 0.5))
    for rbm in (plain, decayed):
        rbm.set_weights([np.full((3, 2), 0.3), np.zeros(3), np.zeros(2)])
        fastnn.utils.set_random_seed(1)
    changes = []
    for rbm in (plain, decayed):
        fastnn.utils.set_random_seed(1)
        changes.append(step_of(rbm, x))
    np.testing.assert_allclose(changes[0][0] - changes[1][0], 0.15, rtol=1e-9)
    np.testing.assert_allclose(changes[0][1], changes[1][1])

    heavy = RBM(2, dtype="float64", momentum=0.9, learning_rate=1e-9, seed=0)
    heavy.set_weights([np.full((3, 2), 0.3), np.zeros(3), np.zeros(2)])
    steps = [np.abs(step_of(heavy, np.repeat(x[-1:], 500, 0))[0]).sum() for _ in range(4)]
    assert steps[3] > 2.5 * steps[0], "changes add up while the gradient stays"


def test_sparsity_pulls_activity_to_its_target():
    x = (RNG.random((200, 12)) < 0.5).astype("float32")
    active = {}
    for cost in (0.0, 3.0):
        target = 0.1 if cost else None
        rbm = RBM(6, sparsity_target=target, sparsity_cost=cost, seed=0)
        rbm.fit(x, epochs=40, batch_size=20, verbose=0)
        active[cost] = rbm.transform(x).mean()
    assert abs(active[3.0] - 0.1) < 0.05 < abs(active[0.0] - 0.1)


def test_samples_follow_the_distribution():
    rbm = random_machine(3, 2)
    states = all_states(3)
    p = np.exp(-rbm.free_energy(states))
    p /= p.sum()
    means = rbm.sample(20000, steps=40)
    np.testing.assert_allclose(means.mean(0), p @ states, atol=0.02)
    again = rbm.sample(initial=np.repeat(states[:1], 20000, axis=0), steps=40)
    np.testing.assert_allclose(again.mean(0), p @ states, atol=0.02)


def test_transform_reconstruct_and_back():
    rbm = random_machine()
    kernel, b, c = rbm.get_weights()
    v = all_states(5)[:9]
    h = 1 / (1 + np.exp(-(v @ kernel + c)))
    np.testing.assert_allclose(rbm.transform(v), h)
    back = 1 / (1 + np.exp(-(h @ kernel.T + b)))
    np.testing.assert_allclose(rbm.inverse_transform(h), back)
    np.testing.assert_allclose(rbm.reconstruct(v), back)


@pytest.mark.parametrize("settings", [{}, {"persistent": True, "k": 2}, {"visible": "gaussian"}])
def test_same_seed_same_bits_for_any_number_of_threads(settings):
    x = RNG.random((230, 300)).astype("float32")
    results, before = [], fastnn.get_num_threads()
    for threads in (1, 2, 3):
        fastnn.set_num_threads(threads)
        fastnn.utils.set_random_seed(4)
        rbm = RBM(96, learning_rate=0.01, **settings)
        rbm.fit(x, epochs=2, batch_size=100, verbose=0)
        results.append(rbm.get_weights())
    fastnn.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_first_biases_come_from_the_data():
    x = np.zeros((100, 2))
    x[:25, 0] = 1
    rbm = RBM(1, learning_rate=1e-12)
    rbm.fit(x, epochs=1, verbose=0)
    np.testing.assert_allclose(rbm.get_weights()[1], [np.log(1 / 3), np.log(0.001 / 0.999)], 1e-5)


def test_config_makes_the_same_machine_again():
    rbm = RBM(3, k=2, persistent=True, chains=7, momentum=0.5, learning_rate=0.01, seed=4)
    assert RBM.from_config(rbm.get_config()).get_config() == rbm.get_config()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 0}, "units"),
        ({"k": 0}, "k"),
        ({"visible": "binary"}, "'bernoulli' or 'gaussian', got 'binary'"),
        ({"chains": 5}, "persistent=True"),
        ({"momentum": 1.0}, r"momentum in \[0, 1\), got 1.0"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"sparsity_cost": 1.0}, "sparsity_target"),
        ({"sparsity_target": 2.0, "sparsity_cost": 1.0}, "between 0 and 1"),
        ({"dtype": "float16"}, "float32 or float64"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        RBM(**{"units": 3, **settings})


def test_data_that_do_not_fit():
    rbm = RBM(3)
    with pytest.raises(RuntimeError, match="no weights yet"):
        rbm.transform(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        rbm.fit(np.full((3, 4), 2.0), verbose=0)
    with pytest.raises(ValueError, match="at least one row"):
        rbm.fit(np.zeros((0, 4)), verbose=0)
    bad = np.zeros((3, 4))
    bad[1, 2] = np.nan
    with pytest.raises(ValueError, match=r"\[1, 2\]"):
        rbm.fit(bad, verbose=0)
    rbm.fit(np.zeros((3, 4)), epochs=1, verbose=0)
    with pytest.raises(ValueError, match="expected"):
        rbm.transform(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="betas"):
        rbm.log_partition("ais", betas=[0.0, 0.5])
    with pytest.raises(ValueError, match="'auto', 'exact' or 'ais'"):
        rbm.log_partition("guess")
    with pytest.raises(ValueError, match="at most 25 units"):
        random_machine(30, 30).log_partition("exact")
