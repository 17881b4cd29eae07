"""fastnn.sklearn's estimators: scikit-learn's checks, its numbers, its tools."""

from __future__ import annotations

import copy
import pickle
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn import __version__ as sklearn_version
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as SklearnClassifier
from sklearn.neural_network import MLPRegressor as SklearnRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import _get_feature_names

import fastnn
from fastnn.sklearn import AutoencoderTransformer, MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
LABELS = (X[:, :3] > 0).astype(int)
TARGETS = {
    "binary": np.where(X[:, 0] * X[:, 1] > 0, "yes", "no"),
    "multiclass": np.digitize(X[:, 0], [-0.5, 0.5]) + 7,
    "multilabel": LABELS,
}
NUMBERS = {"one": np.abs(X[:, 0]), "several": np.abs(X[:, :3]) ** 1.5}
WEIGHTS = RNG.uniform(0.1, 3.0, 300)


# scikit-learn's own checks; none is excepted. (Skipped by themselves: array_api_input, without
# SCIPY_ARRAY_API; multilabel_output_format_decision_function, as there is no decision_function.)
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([MLPClassifier(), MLPRegressor(), AutoencoderTransformer()])
def test_estimator_checks(estimator, check):
    check(estimator)


# --- the same numbers as scikit-learn's

needs_1_7 = pytest.mark.skipif(
    tuple(map(int, sklearn_version.split(".")[:2])) < (1, 7),
    reason="scikit-learn's networks have sample weights, the Poisson loss and these steps of "
    "lbfgs from 1.7 on",
)

SETTINGS = [
    {},
    {"activation": "tanh", "alpha": 0.1},
    {"activation": "logistic", "batch_size": 32, "shuffle": False},
    {"activation": "identity", "hidden_layer_sizes": 4},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1, "tol": 0.01},
    {"solver": "sgd", "learning_rate": "invscaling", "nesterovs_momentum": False},
    {"solver": "sgd", "momentum": 0.0, "batch_size": 7},
    {"early_stopping": True, "batch_size": 20, "n_iter_no_change": 3},
    {"beta_1": 0.8, "beta_2": 0.99, "epsilon": 1e-4, "tol": 0.5, "n_iter_no_change": 2},
    {"solver": "lbfgs", "activation": "tanh", "max_iter": 5},
]


def assert_same(ours, theirs):
    assert ours.n_iter_ == theirs.n_iter_
    for name in ("coefs_", "intercepts_"):
        for one, other in zip(getattr(ours, name), getattr(theirs, name), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)
    for name in ("loss_", "loss_curve_", "validation_scores_", "best_loss_", "t_"):
        expected = getattr(theirs, name, None)
        if expected is not None:
            np.testing.assert_allclose(getattr(ours, name), expected, rtol=1e-9)
    for name in ("n_outputs_", "n_layers_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)


@needs_1_7
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("kind", TARGETS)
def test_classifier_takes_scikit_learns_steps(kind, settings):
    settings = {"hidden_layer_sizes": (6, 4), "max_iter": 12, "random_state": 3, **settings}
    # Before 1.9 scikit-learn's early stopping fails on words.
    y = TARGETS[kind] == "yes" if kind == "binary" else TARGETS[kind]
    ours = MLPClassifier(**settings).fit(X, y)
    theirs = SklearnClassifier(**settings).fit(X, y)
    assert_same(ours, theirs)
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(ours.predict_log_proba(X), theirs.predict_log_proba(X), atol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.predict(X).dtype == theirs.predict(X).dtype
    assert ours.score(X, y) == theirs.score(X, y)


@needs_1_7
@pytest.mark.parametrize("settings", [*SETTINGS, {"loss": "poisson"}], ids=str)
@pytest.mark.parametrize("kind", NUMBERS)
def test_regressor_takes_scikit_learns_steps(kind, settings):
    settings = {"hidden_layer_sizes": (6, 4), "max_iter": 12, "random_state": 3, **settings}
    ours = MLPRegressor(**settings).fit(X, NUMBERS[kind])
    theirs = SklearnRegressor(**settings).fit(X, NUMBERS[kind])
    assert_same(ours, theirs)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-9)
    assert ours.predict(X).shape == theirs.predict(X).shape


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit_and_warm_start_take_scikit_learns_steps(solver):
    y = TARGETS["multiclass"]
    settings = {"hidden_layer_sizes": (6,), "solver": solver, "random_state": 1, "max_iter": 4}
    ours, theirs = MLPClassifier(**settings), SklearnClassifier(**settings)
    for start in (0, 100, 200, 0):
        part = slice(start, start + 100)
        ours.partial_fit(X[part], y[part], classes=[7, 8, 9])
        theirs.partial_fit(X[part], y[part], classes=[7, 8, 9])
        assert_same(ours, theirs)
    ours = MLPRegressor(warm_start=True, **settings)
    theirs = SklearnRegressor(warm_start=True, **settings)
    for _ in range(3):
        assert_same(ours.fit(X, X[:, 0]), theirs.fit(X, X[:, 0]))


@needs_1_7
def test_sample_weights_of_a_full_batch_are_scikit_learns():
    settings = {"batch_size": 300, "max_iter": 10, "random_state": 3, "alpha": 0.3}
    for ours, theirs, targets in (
        (MLPClassifier(**settings), SklearnClassifier(**settings), TARGETS),
        (MLPRegressor(**settings), SklearnRegressor(**settings), NUMBERS),
    ):
        for y in targets.values():
            assert_same(ours.fit(X, y, WEIGHTS), theirs.fit(X, y, WEIGHTS))


# --- weights


def test_batches_add_up_to_the_weighted_cost():
    # One weight for all rows changes nothing, in small batches too.
    y = TARGETS["binary"]
    model = MLPClassifier((4,), batch_size=32, max_iter=5, random_state=0, alpha=0.0)
    plain = clone(model).fit(X, y)
    weighted = clone(model).fit(X, y, np.full(300, 0.25))
    np.testing.assert_allclose(weighted.coefs_[0], plain.coefs_[0], rtol=1e-12)
    # With a step of 0, an epoch's loss is the weighted mean, however the batches are cut.
    still = clone(model).set_params(learning_rate_init=1e-300, max_iter=1)
    losses = {
        size: clone(still).set_params(batch_size=size).fit(X, y, WEIGHTS).loss_
        for size in (1, 7, 300)
    }
    assert losses[1] == pytest.approx(losses[300], rel=1e-12)
    assert losses[7] == pytest.approx(losses[300], rel=1e-12)


def test_a_weight_of_two_is_a_row_twice():
    y, weights = TARGETS["multiclass"], np.ones(300)
    weights[:50] = 2.0
    model = MLPClassifier((4,), batch_size=400, max_iter=20, random_state=0, shuffle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        weighted = clone(model).fit(X, y, weights)
        twice = clone(model).fit(np.vstack([X, X[:50]]), np.concatenate([y, y[:50]]))
    np.testing.assert_allclose(weighted.coefs_[0], twice.coefs_[0], rtol=1e-9)


def test_class_weights():
    y = (X[:, 0] + 3 * X[:, 4] * np.cos(99 * X[:, 1]) > 3.0).astype(int)
    model = MLPClassifier((2,), learning_rate_init=0.02, max_iter=60, random_state=0)
    share = {
        name: clone(model).set_params(class_weight=given).fit(X, y).predict_proba(X)[:, 1].mean()
        for name, given in {"none": None, "dict": {0: 1, 1: 9}, "balanced": "balanced"}.items()
    }
    assert share["none"] < 0.12 < 0.25 < min(share["dict"], share["balanced"])
    counts = np.bincount(y)
    by_hand = clone(model).fit(X, y, (300 / (2 * counts))[y])
    balanced = clone(model).set_params(class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(by_hand.coefs_[0], balanced.coefs_[0])
    by_label = [{1: 2}, {1: 3}, {0: 4}]
    labels = clone(model).set_params(hidden_layer_sizes=(16,), class_weight=by_label)
    labels.fit(X, LABELS)
    assert labels.score(X, LABELS) > 0.5
    with pytest.raises(ValueError, match="needs all rows"):
        clone(model).set_params(class_weight="balanced").partial_fit(X, y, classes=[0, 1])


# --- what is kept


@pytest.mark.parametrize("seed", [5, np.random.RandomState(5)], ids=["number", "RandomState"])
def test_the_same_seed_repeats_exactly_and_another_does_not(seed):
    settings = {"max_iter": 5, "early_stopping": True, "batch_size": 16}

    def weights(state):
        return MLPClassifier(random_state=copy.deepcopy(state), **settings).fit(X, LABELS).coefs_[0]

    np.testing.assert_array_equal(weights(seed), weights(seed))
    assert (weights(seed) != weights(6)).any()
    fastnn.utils.set_random_seed(99)
    np.testing.assert_array_equal(weights(seed), weights(5))


def test_a_second_fit_forgets_the_first_and_compiles_nothing():
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, TARGETS["binary"])
    first, network = model.coefs_, model._network
    model.fit(X[:100], TARGETS["binary"][:100])
    model.fit(X, TARGETS["binary"])
    assert model._network is network
    for one, other in zip(first, model.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)
    model.set_params(hidden_layer_sizes=(5,)).fit(X, TARGETS["multiclass"])
    assert model.coefs_[0].shape == (5, 5)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_copy_predicts_the_same_and_goes_on_the_same(copied, solver):
    y = TARGETS["multiclass"]
    model = MLPClassifier((4,), solver=solver, random_state=0)
    model.partial_fit(X, y, classes=[7, 8, 9])
    other = copied(model)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    for _ in range(2):
        other.partial_fit(X, y)
        model.partial_fit(X, y)
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert other.loss_curve_ == model.loss_curve_


def test_a_pickle_is_the_same_in_a_new_process(tmp_path):
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(X, LABELS)
    (tmp_path / "model.pickle").write_bytes(pickle.dumps(model))
    np.save(tmp_path / "x.npy", X)
    code = (
        "import pickle, sys, numpy as np; d = sys.argv[1];"
        "m = pickle.load(open(d + '/model.pickle', 'rb'));"
        "np.save(d + '/p.npy', m.predict_proba(np.load(d + '/x.npy')))"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code, str(tmp_path)], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "p.npy"), model.predict_proba(X))


def test_weights_are_shown_read_only():
    model = MLPClassifier((4,), max_iter=2).fit(X, LABELS)
    assert [c.shape for c in model.coefs_] == [(5, 4), (4, 3)]
    assert [b.shape for b in model.intercepts_] == [(4,), (3,)]
    with pytest.raises(ValueError, match="read-only"):
        model.coefs_[0][0] = 0.0


def test_dtypes():
    y = TARGETS["binary"]
    for given, wanted, used in (
        ("float64", None, "float64"),
        ("float32", None, "float32"),
        ("float64", "float32", "float32"),
        ("int64", None, "float64"),
    ):
        model = MLPClassifier((4,), max_iter=3, random_state=0, dtype=wanted)
        model.fit(X.astype(given), y)
        assert model.coefs_[0].dtype == used
        assert model.predict_proba(X).dtype == used
    single = MLPClassifier((4,), random_state=0, max_iter=3).fit(X.astype("float32"), y)
    double = MLPClassifier((4,), random_state=0, max_iter=3).fit(X, y)
    np.testing.assert_allclose(single.predict_proba(X), double.predict_proba(X), atol=1e-5)


# --- labels, one epoch at a time


def test_partial_fit_of_labels():
    model = MLPClassifier((16,), random_state=0, learning_rate_init=0.01)
    for _ in range(60):
        model.partial_fit(X, LABELS)
    assert model.score(X, LABELS) > 0.8
    assert model.predict(X).shape == model.predict_proba(X).shape == (300, 3)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    with pytest.raises(ValueError, match=r"y of shape \(rows, 3\), got \(300, 2\)"):
        model.partial_fit(X, LABELS[:, :2])


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_further_activations(solver):
    for activation in ("elu", "gelu", "leaky_relu", "selu", "silu", "softplus"):
        model = MLPClassifier((8,), activation, solver=solver, learning_rate_init=0.02)
        assert model.set_params(random_state=0).fit(X, X[:, 0] > 0).score(X, X[:, 0] > 0) > 0.9


# --- errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alpha": -1}, "alpha"),
        ({"solver": "newton"}, "solver"),
        ({"activation": "rleu"}, "activation"),
        ({"hidden_layer_sizes": (4, 0)}, r"hidden_layer_sizes of whole numbers > 0, got \(4, 0\)"),
        ({"hidden_layer_sizes": (4, 2.5)}, "hidden_layer_sizes of whole numbers"),
        ({"dtype": "float16"}, "dtype"),
        ({"learning_rate_init": 1e300, "activation": "identity"}, "non-finite"),
    ],
)
def test_wrong_parameters_are_refused(settings, message):
    with pytest.raises(ValueError, match=message), np.errstate(all="ignore"):
        MLPClassifier(max_iter=3, random_state=0).set_params(**settings).fit(X, TARGETS["binary"])


def test_wrong_data_are_refused():
    model = MLPClassifier((4,), max_iter=2, random_state=0)
    y = TARGETS["binary"]
    with pytest.raises(ValueError, match="at least 2 classes, got 1 class"):
        model.fit(X, np.zeros(300))
    with pytest.raises(ValueError, match="classes must be passed"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="several numbers a row"):
        model.fit(X, np.stack([TARGETS["multiclass"]] * 2, axis=1))
    with pytest.raises(ValueError, match="sum above 0"):
        model.fit(X, y, -WEIGHTS)
    with pytest.raises(ValueError, match="validation set of at least 2 rows, got 1 of 300"):
        MLPRegressor(early_stopping=True, validation_fraction=0.001).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="early_stopping"):
        clone(model).set_params(early_stopping=True).partial_fit(X, y, classes=["no", "yes"])
    model.fit(X, y)
    with pytest.raises(ValueError, match=r"classes not in .*maybe"):
        model.partial_fit(X, np.where(X[:, 0] > 0, "yes", "maybe"))
    with pytest.raises(ValueError, match="classes as in the first call"):
        model.partial_fit(X, y, classes=["a", "b"])
    warm = clone(model).set_params(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"same classes.*'no'"):
        warm.fit(X, np.full(300, "yes"))
    with pytest.raises(ValueError, match=r"layers as before, of \(4, 1\) units, got \(5, 1\)"):
        warm.set_params(hidden_layer_sizes=(5,)).fit(X, y)
    with pytest.raises(ValueError, match="at least 0 for the loss 'poisson'"):
        MLPRegressor("poisson").fit(X, X[:, 0])
    assert not hasattr(MLPClassifier(solver="lbfgs"), "partial_fit")
    with pytest.warns(UserWarning, match=r"batch_size=500 is more than the 300 rows"):
        clone(model).set_params(batch_size=500).fit(X, y)


def test_it_says_when_it_has_not_converged(capsys):
    with pytest.warns(ConvergenceWarning, match=r"2 epochs \(max_iter\)"):
        MLPClassifier(max_iter=2, verbose=True, random_state=0).fit(X, TARGETS["binary"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2"]
    with pytest.warns(ConvergenceWarning, match="lbfgs has not converged after 1"):
        MLPClassifier(solver="lbfgs", max_iter=1, random_state=0).fit(X, TARGETS["binary"])


def test_ctrl_c_ends_the_training_and_leaves_a_model():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    model = MLPClassifier((8,), max_iter=10**7, tol=0.0, n_iter_no_change=np.inf)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.warns(UserWarning, match="interrupted by user"):
            model.fit(X, TARGETS["binary"])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert 0 < model.n_iter_ < 10**7
    assert model.predict_proba(X).shape == (300, 2)
    model.set_params(max_iter=2).fit(X, TARGETS["binary"])


# --- scikit-learn's tools


@pytest.mark.parametrize("jobs", [1, 2])
def test_grid_search_finds_the_same_with_any_number_of_jobs(jobs):
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(max_iter=20, random_state=0))
    grid = {"mlpclassifier__hidden_layer_sizes": [(4,), (8, 4)], "mlpclassifier__alpha": [1e-4, 1]}
    search = GridSearchCV(pipeline, grid, cv=3, n_jobs=jobs).fit(X, TARGETS["binary"])
    expected = [
        cross_val_score(clone(pipeline).set_params(**p), X, TARGETS["binary"], cv=3).mean()
        for p in search.cv_results_["params"]
    ]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], expected)


def _threads():
    import fastnn as library

    return library.get_num_threads()


def test_workers_share_the_processors():
    from joblib import Parallel, cpu_count, delayed

    found = Parallel(n_jobs=2)(delayed(_threads)() for _ in range(2))
    assert max(found) <= max(1, cpu_count() // 2)


def test_one_estimator_predicts_in_many_threads():
    model = MLPClassifier((8,), max_iter=5, random_state=0).fit(X, LABELS)
    expected, found = model.predict_proba(X), []
    threads = [
        threading.Thread(target=lambda: found.append(model.predict_proba(X))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((p == expected).all() for p in found)


def test_estimators_are_trained_in_many_threads():
    models = [MLPClassifier((8,), max_iter=20, random_state=i) for i in range(4)]
    expected = [clone(model).fit(X, LABELS).predict_proba(X) for model in models]
    threads = [threading.Thread(target=model.fit, args=(X, LABELS)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for model, probabilities in zip(models, expected, strict=True):
        np.testing.assert_array_equal(model.predict_proba(X), probabilities)


def test_training_leaves_the_random_numbers_of_the_process_alone():
    def kernel():
        return fastnn.Sequential([fastnn.layers.Dense(3, input_dim=2)]).get_weights()[0]

    fastnn.utils.set_random_seed(4)
    expected = kernel()
    fastnn.utils.set_random_seed(4)
    MLPClassifier((4,), max_iter=2, random_state=0).fit(X, LABELS)
    np.testing.assert_array_equal(kernel(), expected)


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_calibration(kind):
    model = MLPClassifier((8,), learning_rate_init=0.02, max_iter=60, random_state=0)
    calibrated = CalibratedClassifierCV(model, cv=3).fit(X, TARGETS[kind])
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1.0)
    assert calibrated.score(X, TARGETS[kind]) > 0.6


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_their_names(library):
    frames = pytest.importorskip(library)
    names = list("abcde")
    frame = frames.DataFrame(dict(zip(names, X.T, strict=True)))
    if _get_feature_names(frame) is None:
        pytest.skip(f"this scikit-learn does not see the names of this {library}")
    model = MLPClassifier((4,), max_iter=3, random_state=0).fit(frame, TARGETS["binary"])
    np.testing.assert_array_equal(model.feature_names_in_, names)
    plain = clone(model).fit(X, TARGETS["binary"])
    np.testing.assert_array_equal(model.predict_proba(frame), plain.predict_proba(X))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[names[::-1]])
    coder = AutoencoderTransformer(2, max_iter=2).fit(frame)
    assert list(coder.get_feature_names_out()) == [f"autoencodertransformer{i}" for i in (0, 1)]
    if library == "pandas":
        codes = coder.set_output(transform="pandas").transform(frame)
        assert list(codes.columns) == list(coder.get_feature_names_out())


# --- the autoencoder


def test_a_linear_autoencoder_finds_the_principal_components():
    from sklearn.decomposition import PCA

    rows = RNG.normal(size=(200, 2)) @ RNG.normal(size=(2, 6)) + 0.05 * RNG.normal(size=(200, 6))
    coder = AutoencoderTransformer(2, solver="lbfgs", max_iter=500, alpha=0.0, random_state=0)
    coder.fit(rows)
    pca = PCA(2).fit(rows)
    best = rows - pca.inverse_transform(pca.transform(rows))
    left = rows - coder.inverse_transform(coder.transform(rows))
    assert np.square(left).sum() == pytest.approx(np.square(best).sum(), rel=1e-3)
    assert coder.score(rows) > 0.99


def test_a_deep_autoencoder_is_its_two_halves():
    coder = AutoencoderTransformer(3, (8, 6), "tanh", code_activation="logistic", max_iter=5)
    coder.set_params(random_state=0).fit(X)
    assert [c.shape for c in coder.coefs_] == [(5, 8), (8, 6), (6, 3), (3, 6), (6, 8), (8, 5)]
    codes = coder.transform(X)
    assert codes.shape == (300, 3)
    assert ((codes > 0) & (codes < 1)).all()
    hidden = np.tanh(codes @ coder.coefs_[3] + coder.intercepts_[3])
    hidden = np.tanh(hidden @ coder.coefs_[4] + coder.intercepts_[4])
    restored = hidden @ coder.coefs_[5] + coder.intercepts_[5]
    np.testing.assert_allclose(coder.inverse_transform(codes), restored, atol=1e-12)
    with pytest.raises(ValueError, match=r"codes of shape \(rows, 3\), got \(300, 5\)"):
        coder.inverse_transform(X)
    before = coder.loss_curve_[-1]
    for _ in range(30):
        coder.partial_fit(X)
    assert coder.loss_curve_[-1] < before
    assert coder.transform(X).shape == codes.shape
    assert (coder.transform(X) != codes).any()


# --- without scikit-learn


def test_without_scikit_learn_it_says_how_to_get_it():
    code = "import sys; sys.modules['sklearn'] = None\nimport fastnn\nfastnn.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "pip install 'fastnn[sklearn]'" in done.stderr
