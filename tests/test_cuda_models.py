"""Every kind of model on the device "cuda": trained for some steps, with the figures of the CPU."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import fastnn
import test_rntn
from fastnn import Sequential, layers, models, optimizers
from fastnn.layers import Dense, Input

RNG = np.random.default_rng(0)
X = RNG.random((40, 6)).astype("float32")
BITS = (X > 0.5).astype("float32")
Y = (X[:, :1] > X[:, 1:2]).astype("float32")


def coder(width):
    """An encoder of `width` codes, and a decoder of two."""
    encoder = Sequential([Input((6,)), Dense(5, "tanh"), Dense(width)])
    return encoder, Sequential([Input((2,)), Dense(5, "tanh"), Dense(6)])


def compiled_and_fitted(model, x, y, epochs=10, optimizer=None, loss="mse"):
    model.compile(optimizer or optimizers.Adam(0.01), loss)
    history = model.fit(x, y, epochs=epochs, batch_size=8, verbose=0).history
    return [*model.get_weights(), *history.values(), model.predict(x, verbose=0)]


def rntn(cell, optimizer):
    model = models.RNTN(units=5, cell=cell, l2=1e-3, dropout=0.1, vector_dropout=0.2, seed=0)
    model.compile(optimizer)
    trees = test_rntn.TREES
    history = model.fit(trees, trees, epochs=25, batch_size=2, verbose=0).history
    loss = list(model.evaluate(trees).values())
    return [*model.get_weights(), *history.values(), *model.predict(trees), loss]


def rbm(visible, **settings):
    model = models.RBM(5, visible=visible, seed=1, **settings)
    x = BITS if visible == "bernoulli" else X
    history = model.fit(x, epochs=10, batch_size=8, verbose=0).history
    more = [model.transform(x), model.reconstruct(x), model.free_energy(x), model.sample(3, 5)]
    return [*model.get_weights(), *history.values(), *more]


def dbn():
    model = models.DBN([5, 4], seed=1)
    model.fit(BITS, epochs=5, batch_size=8, verbose=0)
    one, other = model.classifier(2), model.autoencoder()
    labels = Y[:, 0].astype(int)
    return [
        model.transform(BITS),
        model.sample(3, 5),
        *compiled_and_fitted(one, BITS, labels, 3, loss="sparse_categorical_crossentropy"),
        *compiled_and_fitted(other, BITS, BITS, 3),
    ]


def dbm():
    model = models.DBM([5, 4], k=2, chains=8, mean_field_steps=3, seed=1)
    model.pretrain(BITS, epochs=2, batch_size=8, verbose=0)
    history = model.fit(BITS, epochs=10, batch_size=8, verbose=0).history
    return [*model.get_weights(), *history.values(), model.transform(BITS), model.sample(3, 5)]


def gan(loss, **options):
    generator = Sequential([Input((3,)), Dense(5, "tanh"), Dense(6)])
    discriminator = Sequential([Input((6,)), Dense(5, "tanh"), Dense(1)])
    model = models.GAN(generator, discriminator, loss, **options)
    model.compile(optimizers.Adam(1e-3), optimizers.Adam(1e-3))
    history = model.fit(X, epochs=10, batch_size=8, verbose=0).history
    made = model.generate(noise=np.ones((2, 3), "float32"))
    return [*generator.get_weights(), *discriminator.get_weights(), *history.values(), made]


def autoencoder():
    model = models.Autoencoder.dense([6, 4, 2], corruption=0.2)
    model.pretrain(X, epochs=2, verbose=0)
    return [*compiled_and_fitted(model, X, None), model.encode(X), model.reconstruct(X)]


def variational():
    model = models.VariationalAutoencoder(*coder(4), weight=0.1)
    return [*compiled_and_fitted(model, X, None), model.encode(X), model.reconstruct(X)]


def neurons():
    stack = Sequential([Input((6,)), Dense(5, "tanh"), Dense(3, "relu"), Dense(1)])
    return compiled_and_fitted(models.NeuronGraph.from_dense(stack), X, Y)


def functional():
    inputs = Input((6,))
    shared = Dense(6, "tanh")
    h = layers.BatchNormalization()(shared(shared(inputs)))
    model = fastnn.Model(inputs, Dense(1)(layers.Concatenate()([h, inputs])))
    return compiled_and_fitted(model, X, Y, optimizer="nadam")


def sequential():
    stack = [Input((6,)), Dense(5, "gelu"), layers.LayerNormalization(), Dense(1, "sigmoid")]
    model = Sequential(stack)
    return compiled_and_fitted(model, X, Y, optimizer="lion", loss="binary_crossentropy")


# The class, what is varied, what trains one.
KINDS = [
    ("Sequential", "", sequential),
    ("Model", "", functional),
    *(("RNTN", cell, lambda c=cell: rntn(c, optimizers.Adam(0.01))) for cell in ("tensor", "lstm")),
    ("RNTN", "sgd", lambda: rntn("plain", optimizers.SGD(0.1))),
    ("RNTN", "adagrad", lambda: rntn("plain", optimizers.Adagrad(0.1))),
    ("RBM", "persistent", lambda: rbm("bernoulli", persistent=True, chains=8, momentum=0.5)),
    ("RBM", "gaussian", lambda: rbm("gaussian", k=2, learning_rate=0.01, sparsity_cost=0.1,
                                    sparsity_target=0.2)),
    ("DBN", "", dbn),
    ("DBM", "", dbm),
    ("GAN", "non_saturating", lambda: gan("non_saturating")),
    ("GAN", "wasserstein", lambda: gan("wasserstein", critics=2)),
    ("Autoencoder", "", autoencoder),
    ("VariationalAutoencoder", "", variational),
    ("NeuronGraph", "", neurons),
]  # fmt: skip


def on(device, train):
    """What training gives there, from the same seed."""
    traffic = importlib.import_module("fastnn._cuda").traffic
    before = traffic()
    fastnn.utils.set_random_seed(5)
    fastnn.set_device(device)
    try:
        return train()
    finally:
        fastnn.set_device("cpu")
        assert (traffic() == before) is (device == "cpu")


IDS = ["-".join(filter(None, kind)) for *kind, _ in KINDS]


@pytest.mark.parametrize("train", [train for *_, train in KINDS], ids=IDS)
def test_trains_and_predicts_as_on_the_cpu(train, cuda):
    expected, got = on("cpu", train), on(cuda, train)
    for one, other in zip(expected, got, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)


def test_no_kind_of_model_is_left_out():
    classes = {name for name in models.__all__ if isinstance(getattr(models, name), type)}
    assert classes == {name for name, *_ in KINDS}


@pytest.mark.filterwarnings("ignore:.*(onverge|iterations)")
def test_estimators(cuda):
    pytest.importorskip("sklearn")
    estimators = importlib.import_module("fastnn.sklearn")

    def train():
        results = []
        for name in estimators.__all__:
            estimator = getattr(estimators, name)(random_state=0)
            few = {"max_iter", "n_iter", "epochs"} & set(estimator.get_params())
            estimator.set_params(**dict.fromkeys(few, 3))
            estimator.fit(X, Y[:, 0] if name.endswith("Regressor") else Y[:, 0].astype(int))
            result = getattr(estimator, "predict_proba", None) or getattr(
                estimator, "predict", getattr(estimator, "transform", None)
            )
            results.append(result(X))
        return results

    for one, other in zip(on("cpu", train), on(cuda, train), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
