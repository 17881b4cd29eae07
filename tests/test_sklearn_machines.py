"""fastnn.sklearn's Boltzmann machines, and the classifier that begins as a stack of them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.neural_network import BernoulliRBM as SklearnRBM
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import fastnn
from fastnn.sklearn import BernoulliRBM, DBNClassifier, GaussianRBM, MLPClassifier

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

DIGITS = load_digits()
X = DIGITS.data / 16.0
BITS = (X > 0.5).astype(float)
Y = DIGITS.target

DRAWN = "score_samples draws a value of each row, as scikit-learn's own machine does"
UNWEIGHTED = "machines are trained without sample weights"


def excepted(estimator):
    if isinstance(estimator, BernoulliRBM):
        return dict.fromkeys(
            ("check_methods_sample_order_invariance", "check_methods_subset_invariance"), DRAWN
        )
    if isinstance(estimator, DBNClassifier):
        return {"check_sample_weight_equivalence_on_dense_data": UNWEIGHTED}
    return {}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(
    [
        GaussianRBM(),
        BernoulliRBM(out_of_range="clip"),
        DBNClassifier(out_of_range="clip"),
        DBNClassifier(visible="gaussian", rbm_learning_rate=0.001),
    ],
    expected_failed_checks=excepted,
)
def test_estimator_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("persistent", [True, False])
def test_it_learns_as_scikit_learns_does(persistent):
    ours = BernoulliRBM(64, n_iter=15, random_state=0, persistent=persistent).fit(BITS)
    theirs = SklearnRBM(64, n_iter=15, random_state=0).fit(BITS)
    found, expected = ours.score_samples(BITS).mean(), theirs.score_samples(BITS).mean()
    untrained = BernoulliRBM(64, n_iter=0, random_state=0).fit(BITS).score_samples(BITS).mean()
    assert found > expected - 1.0
    assert found > untrained + 2.0
    restored = ours.inverse_transform(ours.transform(BITS))
    assert np.square(restored - BITS).mean() < 0.6 * BITS.var(axis=0).mean()


def test_what_it_shows_is_what_it_computes_with():
    machine = BernoulliRBM(16, n_iter=3, random_state=0).fit(BITS)
    assert machine.components_.shape == (16, 64)
    assert machine.h_samples_.shape == (10, 16)
    field = BITS @ machine.components_.T + machine.intercept_hidden_
    np.testing.assert_allclose(machine.transform(BITS), 1 / (1 + np.exp(-field)), rtol=1e-9)
    hidden = machine.transform(BITS)
    field = hidden @ machine.components_ + machine.intercept_visible_
    np.testing.assert_allclose(machine.inverse_transform(hidden), 1 / (1 + np.exp(-field)))
    with pytest.raises(ValueError, match=r"h of shape \(rows, 16\)"):
        machine.inverse_transform(BITS)


@pytest.mark.parametrize("kind", [BernoulliRBM, GaussianRBM])
def test_the_same_seed_repeats_exactly(kind):
    def run(seed):
        fastnn.utils.set_random_seed(np.random.default_rng().integers(1000))
        machine = kind(8, n_iter=2, random_state=seed).fit(BITS[:200])
        fastnn.utils.set_random_seed(3)
        machine.partial_fit(BITS[200:400])
        return machine.components_, machine.gibbs(BITS[:5])

    for one, other in zip(run(1), run(1), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (run(1)[0] != run(2)[0]).any()
    state = np.random.RandomState(1)
    np.testing.assert_array_equal(run(copy.deepcopy(state))[0], run(1)[0])


@pytest.mark.parametrize("kind", [BernoulliRBM, GaussianRBM])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_goes_on_the_same(kind, copied):
    machine = kind(8, persistent=True, momentum=0.5, n_iter=2, random_state=0).fit(BITS[:300])
    other = copied(machine)
    np.testing.assert_array_equal(other.transform(BITS), machine.transform(BITS))
    for one in (machine, other):
        one.partial_fit(BITS[300:600]).partial_fit(BITS[:300])
    np.testing.assert_array_equal(other.components_, machine.components_)
    np.testing.assert_array_equal(other.h_samples_, machine.h_samples_)
    np.testing.assert_array_equal(other.gibbs(BITS[:5]), machine.gibbs(BITS[:5]))


def test_gibbs_draws_from_the_machine():
    machine = BernoulliRBM(32, n_iter=10, random_state=0).fit(BITS)
    states = BITS[:200]
    for _ in range(20):
        states = machine.gibbs(states)
    assert states.dtype == bool
    assert states.shape == (200, 64)
    assert np.corrcoef(states.mean(axis=0), BITS.mean(axis=0))[0, 1] > 0.8
    real = GaussianRBM(4, random_state=0).fit(X).gibbs(X[:500])
    assert abs(float((real - real.mean(axis=0)).std()) - 1.0) < 0.2


def test_gaussian_units_tell_what_is_usual():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 6))
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    machine = GaussianRBM(16, n_iter=40, random_state=0).fit(rows)
    shuffled = np.stack([rng.permutation(column) for column in rows.T], axis=1)
    assert machine.score_samples(rows).mean() > machine.score_samples(shuffled).mean() + 0.2


def test_data_out_of_range():
    beyond = X * 1.5 - 0.1
    with pytest.raises(ValueError, match=r"\[BernoulliRBM\] expected data between 0 and 1, got"):
        BernoulliRBM(4).fit(beyond)
    with pytest.raises(ValueError, match=r"\[DBNClassifier\] expected data between 0 and 1, got"):
        DBNClassifier().fit(beyond, Y)
    clipped = BernoulliRBM(4, n_iter=2, random_state=0, out_of_range="clip").fit(beyond)
    same = BernoulliRBM(4, n_iter=2, random_state=0).fit(np.clip(beyond, 0, 1))
    np.testing.assert_array_equal(clipped.components_, same.components_)
    np.testing.assert_array_equal(clipped.transform(beyond), same.transform(np.clip(beyond, 0, 1)))
    with pytest.raises(ValueError, match="between 0 and 1"):
        same.transform(beyond)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_components": 0}, "n_components"),
        ({"k": 0}, "k"),
        ({"momentum": 1.0}, "momentum"),
        ({"sparsity_target": 0.1}, "go together"),
        ({"out_of_range": "wrap"}, "out_of_range"),
    ],
)
def test_wrong_parameters_are_refused(settings, message):
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        BernoulliRBM(4, random_state=0).set_params(**settings).fit(X[:50])


def test_a_training_that_leaves_the_numbers_is_an_error():
    with pytest.raises(ValueError, match="left the numbers"), np.errstate(all="ignore"):
        GaussianRBM(4, learning_rate=100.0, n_iter=50, random_state=0).fit(X)
    with pytest.raises(ValueError, match=r"layer 1 has left the numbers.*rbm_learning_rate"):
        DBNClassifier((4,), visible="gaussian", rbm_learning_rate=100.0, rbm_n_iter=90).fit(X, Y)


def test_unfitted_machines_and_printing(capsys):
    with pytest.raises(NotFittedError):
        BernoulliRBM().gibbs(BITS)
    BernoulliRBM(4, n_iter=2, verbose=1, random_state=0).fit(BITS[:50])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"[BernoulliRBM] Iteration {i}" for i in (1, 2)
    ]
    assert "pseudo log likelihood = -" in lines[0]


def test_in_a_pipeline():
    machine = BernoulliRBM(64, learning_rate=0.06, n_iter=10, random_state=0)
    pipeline = make_pipeline(machine, RidgeClassifier(1e-3))
    assert pipeline.fit(X[:1000], Y[:1000]).score(X[1000:], Y[1000:]) > 0.8
    assert list(machine.fit(X).get_feature_names_out()[:2]) == ["bernoullirbm0", "bernoullirbm1"]


# --- the classifier


def test_layers_begin_as_machines():
    model = DBNClassifier((32, 16), random_state=0, max_iter=1, learning_rate_init=1e-12)
    model.fit(X, Y)
    plain = MLPClassifier((32, 16), "logistic", random_state=0, max_iter=1).fit(X, Y)
    below = model._network.predict(X, 0, 1)
    # Trained machines tell rows apart: their units are not all the same, nor in the middle.
    assert below.std(axis=0).mean() > 2 * plain._network.predict(X, 0, 1).std(axis=0).mean()
    assert [c.shape for c in model.coefs_] == [(64, 32), (32, 16), (16, 10)]
    again = clone(model).fit(X, Y)
    for one, other in zip(model.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    untrained = clone(model).set_params(rbm_n_iter=0).fit(X, Y)
    assert np.abs(untrained.coefs_[0]).max() < 0.1 < np.abs(model.coefs_[0]).max()


def test_it_classifies_and_goes_on():
    model = DBNClassifier((64, 32), random_state=0, learning_rate_init=0.01, max_iter=40)
    model.fit(X[:1200], Y[:1200])
    assert model.score(X[1200:], Y[1200:]) > 0.88
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    before = model.loss_
    model.set_params(warm_start=True, max_iter=5).fit(X[:1200], Y[:1200])
    assert model.loss_ < before * 1.2
    step = DBNClassifier((32,), random_state=0).partial_fit(X[:200], Y[:200], classes=np.arange(10))
    first = step.loss_
    for _ in range(20):
        step.partial_fit(X[:200], Y[:200])
    assert step.loss_ < first
