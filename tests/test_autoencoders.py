"""Autoencoders: plain, tied, denoising, sparse, convolutional, stacked and variational."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, ops
from fastnn.layers import (
    Activation,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    GaussianNoise,
    Input,
    Reshape,
)
from fastnn.models import Autoencoder, VariationalAutoencoder
from fastnn.models.autoencoders import MaskingNoise, Sampling, TiedDense

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def plane() -> np.ndarray:
    """Rows of eight values that lie on a plane."""
    return (RNG.normal(size=(400, 2)) @ RNG.normal(size=(2, 8))).astype("float32")


def trained(auto: Autoencoder, x: np.ndarray, epochs: int = 60, **settings) -> float:
    auto.compile(fastnn.optimizers.Adam(0.01), "mse")
    history = auto.fit(x, epochs=epochs, batch_size=50, verbose=0, **settings)
    return history.history["loss"][-1]


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_code_of_two_holds_a_plane(plane, tied):
    fastnn.utils.set_random_seed(0)
    auto = Autoencoder.dense([8, 2], tied=tied)
    assert trained(auto, plane) < 0.01 * plane.var()
    np.testing.assert_allclose(auto.decode(auto.encode(plane)), auto.reconstruct(plane), rtol=1e-4)
    error = ((plane - auto.reconstruct(plane)) ** 2).mean(1)
    np.testing.assert_allclose(auto.reconstruction_error(plane), error, rtol=1e-4)
    assert auto.reconstruction_error(plane + 5 * np.eye(8)[0]).mean() > 20 * error.mean()


def test_tied_weights_are_the_encoders_transposed():
    auto = Autoencoder.dense([5, 4, 2], activation="tanh", tied=True)
    assert auto.count_params() == (5 * 4 + 4) + (4 * 2 + 2) + 4 + 5
    x = RNG.normal(size=(3, 5)).astype("float32")
    first, second = (layer.kernel.get_value() for layer in auto.encoder.layers)
    code = np.tanh(x @ first) @ second
    np.testing.assert_allclose(auto.encode(x), code, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        auto.reconstruct(x), np.tanh(code @ second.T) @ first.T, rtol=1e-5, atol=1e-6
    )
    auto.compile(fastnn.optimizers.SGD(0.1), "mse")
    auto.train_on_batch(x)
    kernel = fastnn.shared(first.astype("float64"))
    rows = fastnn.placeholder((3, 5), "float64")
    hidden = ops.tanh(ops.matmul(ops.tanh(rows @ kernel) @ second @ second.T, np.eye(4)))
    cost = ops.mean(ops.square(rows - ops.matmul(hidden, kernel, transpose_b=True)))
    gradient = fastnn.function([rows], fastnn.grad(cost, kernel))(x)
    moved = (first - auto.encoder.layers[0].kernel.get_value()) / 0.1
    np.testing.assert_allclose(moved, gradient, rtol=1e-3, atol=1e-5)
    with pytest.raises(NotImplementedError, match="save_weights"):
        auto.decoder.layers[0].get_config()
    with pytest.raises(TypeError, match="a Dense layer, got Activation"):
        TiedDense(Activation("relu"))


def test_denoising_gives_the_undisturbed_row_back(plane):
    results = {}
    for corruption in (0.0, 0.3):
        fastnn.utils.set_random_seed(0)
        auto = Autoencoder.dense([8, 16, 8], activation="tanh", corruption=corruption)
        trained(auto, plane, epochs=80)
        holes = plane * (np.random.default_rng(1).random(plane.shape) > 0.3)
        results[corruption] = ((auto.reconstruct(holes) - plane) ** 2).mean()
    assert results[0.3] < 0.6 * results[0.0]
    layer = Autoencoder.dense([8, 2], corruption=GaussianNoise(0.5)).corruption
    assert isinstance(layer, GaussianNoise)


def test_masking_noise_sets_inputs_to_zero_and_scales_nothing():
    x = fastnn.placeholder((1000, 20))
    with fastnn.layers._scope.tracing(True):
        y = MaskingNoise(0.25)(x)
    out = fastnn.function([x], y)(np.full((1000, 20), 3.0))
    assert set(np.unique(out)) == {0.0, 3.0}
    assert (out == 0).mean() == pytest.approx(0.25, abs=0.02)
    with pytest.raises(ValueError, match=r"rate in \[0, 1\), got 1"):
        MaskingNoise(1)


def test_sparse_codes(plane):
    active = {}
    for cost in (0.0, 0.05):
        fastnn.utils.set_random_seed(0)
        code = Dense(12, "relu", activity_regularizer=fastnn.regularizers.L1(cost))
        auto = Autoencoder(Sequential([Input((8,)), code]), Sequential([Input((12,)), Dense(8)]))
        trained(auto, plane)
        active[cost] = (auto.encode(plane) > 1e-3).mean()
    assert active[0.05] < 0.7 * active[0.0]


def test_convolutional():
    x = np.zeros((60, 6, 6, 1), "float32")
    for i in range(60):
        x[i, i % 6] = 1
    encoder = Sequential([Input((6, 6, 1)), Conv2D(8, 3, activation="relu"), Flatten(), Dense(6)])
    decoder = Sequential(
        [Input((6,)), Dense(128, "relu"), Reshape((4, 4, 8)), Conv2DTranspose(1, 3)]
    )
    fastnn.utils.set_random_seed(0)
    auto = Autoencoder(encoder, decoder)
    assert trained(auto, x, epochs=80) < 0.2 * x.var()
    assert auto.reconstruct(x).shape == x.shape


def test_pretraining_layer_by_layer(plane):
    x = 1 / (1 + np.exp(-plane))
    fastnn.utils.set_random_seed(0)
    auto = Autoencoder.dense([8, 6, 4, 2], activation="tanh", corruption=0.1)
    auto.compile("adam", "mse")
    before = auto.evaluate(x, verbose=0)
    histories = auto.pretrain(x, epochs=60, batch_size=10, verbose=0)
    assert len(histories) == 3
    assert all(h.history["loss"][-1] < h.history["loss"][0] for h in histories)
    assert auto.evaluate(x, verbose=0) < 0.5 * before
    tied = Autoencoder.dense([8, 4, 2], tied=True)
    tied.pretrain(x, epochs=2, verbose=0)
    mixed = Autoencoder(
        Sequential([Input((8,)), Dense(2)]), Sequential([Input((2,)), Dense(4), Dense(8)])
    )
    with pytest.raises(ValueError, match="as many Dense layers"):
        mixed.pretrain(x, verbose=0)


def coder(width: int = 8) -> tuple[Sequential, Sequential]:
    return (
        Sequential([Input((width,)), Dense(16, "tanh"), Dense(4)]),
        Sequential([Input((2,)), Dense(16, "tanh"), Dense(width)]),
    )


def test_the_divergence_of_drawn_codes():
    vae = VariationalAutoencoder(*coder(), weight=0.5)
    vae.compile("sgd", "mse")
    x = RNG.normal(size=(20, 8)).astype("float32")
    mean, log_variance = np.split(vae.encoder.predict(x, verbose=0), 2, axis=1)
    divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(1).mean()
    error = ((vae.reconstruct(x) - x) ** 2).mean()
    assert vae.evaluate(x, verbose=0) == pytest.approx(error + 0.5 * divergence, rel=1e-5)
    np.testing.assert_allclose(vae.encode(x), mean, rtol=1e-5)


def test_codes_come_to_lie_as_normal_numbers(plane):
    fastnn.utils.set_random_seed(0)
    x = plane / plane.std()
    vae = VariationalAutoencoder(*coder(), weight=1 / 8)
    loss = trained(vae, x, epochs=150)
    assert loss < 0.8 * x.var()
    draws = np.concatenate([vae.encoder.predict(x, verbose=0)])
    mean, log_variance = np.split(draws, 2, axis=1)
    np.testing.assert_allclose((mean**2 + np.exp(log_variance)).mean(0), 1, atol=0.35)
    made = vae.sample(2000)
    np.testing.assert_allclose(np.cov(made.T), np.cov(x.T), rtol=0.25, atol=0.3)
    with pytest.raises(ValueError, match="even last axis"):
        Sequential([Input((3,)), Sampling()])
    with pytest.raises(ValueError, match="weight of at least 0"):
        Sampling(-1)


@pytest.mark.parametrize("kind", ["plain", "denoising", "variational"])
def test_saved_and_read_again(tmp_path, plane, kind):
    if kind == "variational":
        auto = VariationalAutoencoder(*coder(), weight=0.25)
    else:
        auto = Autoencoder.dense([8, 4, 2], corruption=0.2 if kind == "denoising" else None)
    trained(auto, plane, epochs=2)
    auto.save(tmp_path / "auto.fastnn")
    again = fastnn.load_model(tmp_path / "auto.fastnn")
    assert type(again) is type(auto)
    np.testing.assert_array_equal(again.encode(plane), auto.encode(plane))
    np.testing.assert_array_equal(again.reconstruct(plane), auto.reconstruct(plane))
    assert again.get_config() == auto.get_config()
    again.fit(plane, verbose=0)


def test_validation_data_may_be_rows_alone(plane):
    auto = Autoencoder.dense([8, 2])
    auto.compile("adam", "mse")
    history = auto.fit(plane[:300], validation_data=plane[300:], verbose=0).history
    assert history["val_loss"][0] == pytest.approx(auto.evaluate(plane[300:], verbose=0))


def test_parts_that_do_not_fit():
    with pytest.raises(ValueError, match="a built encoder"):
        Autoencoder(Sequential([Dense(2)]), Sequential([Input((2,)), Dense(8)]))
    with pytest.raises(ValueError, match=r"rows of shape \(None, 8\) back, got \(None, 7\)"):
        Autoencoder(Sequential([Input((8,)), Dense(2)]), Sequential([Input((2,)), Dense(7)]))
    with pytest.raises(ValueError, match="at least two sizes"):
        Autoencoder.dense([3])
