"""Matrix products on the device "cuda": fastnn's own kernels, and cublasLt for large ones."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, _core, _devices, layers, ops, optimizers

LARGE = (520, 513, 515)


@pytest.fixture
def high(cuda):
    fastnn.set_matmul_precision("high")
    yield
    fastnn.set_matmul_precision("highest")


def random(*shape, dtype="float32"):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(dtype)


def run(build, *arrays, device="cuda"):
    """The arrays' expression, on the device."""
    inputs = [fastnn.placeholder(a.shape, a.dtype.name) for a in arrays]
    f = _core.Function(
        [x._value for x in inputs], [("main", [build(*inputs)._value], [])], device=device
    )
    return f(*arrays)[0]


def assert_near(got, a, b, more=lambda c: c, factor=4.0):
    """The product of a and b, in float64, then more; within what K summands may lose."""
    want = more(a.astype("float64") @ b.astype("float64"))
    eps = np.finfo(a.dtype).eps
    bound = factor * eps * np.sqrt(a.shape[-1]) * (np.abs(a).max() * np.abs(b).max())
    np.testing.assert_allclose(got, want, rtol=8 * eps, atol=bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", ["NN", "NT", "TN", "TT"])
@pytest.mark.parametrize("ending", ["plain", "bias", "relu", "bias relu"])
def test_large_products(dtype, transposed, ending, cuda):
    m, n, k = LARGE
    a, b = random(m, k, dtype=dtype), random(k, n, dtype=dtype)
    bias = random(n, dtype=dtype)

    def build(x, w, c):
        x = ops.transpose(x) if transposed[0] == "T" else x
        w = ops.transpose(w) if transposed[1] == "T" else w
        product = x @ w
        product = product + c if "bias" in ending else product
        return ops.relu(product) if ending.endswith("relu") else product

    def more(c):
        c = c + bias if "bias" in ending else c
        return np.maximum(c, 0) if ending.endswith("relu") else c

    stored = [np.ascontiguousarray(x.T) if t == "T" else x
              for x, t in zip((a, b), transposed, strict=True)]  # fmt: skip
    assert_near(run(build, *stored, bias), a, b, more)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_slope_of_relu_behind_a_large_product(dtype, cuda):
    m, n, k = LARGE
    z, w, g = random(m, n, dtype=dtype), random(n, k, dtype=dtype), random(m, k, dtype=dtype)

    def build(z, w, g):
        return fastnn.grad(ops.sum((ops.relu(z) @ w) * g), [z])[0]

    assert_near(run(build, z, w, g), g, np.ascontiguousarray(w.T), lambda c: c * (z > 0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", ["NN", "NT", "TN", "TT"])
@pytest.mark.parametrize("k", [1, 37, 200])
@pytest.mark.parametrize("n", [3, 64, 250])
def test_a_rows_bits_depend_on_no_other_row(dtype, transposed, k, n, cuda):
    """Up to all tiles: one product has aligned lines or not, and whole tiles or not."""
    a, b = random(260, k, dtype=dtype), random(k, n, dtype=dtype)
    bias = random(n, dtype=dtype)

    def product(a):
        stored = [np.ascontiguousarray(x.T) if t == "T" else x
                  for x, t in zip((a, b), transposed, strict=True)]  # fmt: skip

        def build(x, w, c):
            x = ops.transpose(x) if transposed[0] == "T" else x
            w = ops.transpose(w) if transposed[1] == "T" else w
            return ops.relu(x @ w + c)

        return run(build, *stored, bias)

    c = product(a)
    assert_near(c, a, b, lambda c: np.maximum(c + bias, 0))
    for rows in (1, 17, 128):
        assert product(a[:rows]).tobytes() == c[:rows].tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64"])
def test_products_of_all_sizes(dtype, cuda):
    rng = np.random.default_rng(5)
    for m, n, k in rng.integers(1, 150, (12, 3)):
        a, b = (rng.integers(-9, 9, s).astype(dtype) for s in ((m, k), (k, n)))
        np.testing.assert_array_equal(run(lambda x, w: x @ w, a, b), a @ b)


def test_batches_of_small_products(cuda):
    a, b = random(5, 3, 33, 20), random(3, 20, 50)
    assert_near(run(lambda x, w: x @ w, a, b), a, b)
    b = random(1, 3, 20, 52)
    assert_near(run(lambda x, w: x @ w, a, b), a, b)


def test_a_batch_of_large_products(cuda):
    a, b = random(2, 3, 256, 160), random(2, 3, 160, 640)
    assert_near(run(lambda x, w: x @ w, a, b), a, b)
    assert_near(run(lambda x, w: x @ w, a, b[0, 0]), a, b[0, 0])
    # Distances that are not equal: another order of the batch.
    swapped = run(
        lambda x, w: ops.transpose(x, (1, 0, 2, 3)) @ w, a.transpose(1, 0, 2, 3).copy(), b
    )
    assert_near(swapped, a, b)


def test_relu_keeps_nan_in_large_products(cuda):
    a, b, bias = random(512, 512), random(512, 512), random(512)
    a[3, 5] = np.nan
    c = run(lambda x, w, c: ops.relu(x @ w + c), a, b, bias)
    assert np.isnan(c[3]).all()
    assert np.isfinite(np.delete(c, 3, 0)).all()


def test_the_gradients_of_a_large_layer(cuda):
    x, w, bias = random(512, 512), random(512, 520), random(520)

    def both(device):
        v = [fastnn.shared(w.copy()), fastnn.shared(bias.copy())]
        data = fastnn.placeholder((None, 512))
        cost = ops.mean(ops.square(ops.relu(data @ v[0] + v[1])))
        slopes = fastnn.grad(cost, v)
        f = _core.Function([data._value], [("main", [s._value for s in slopes], [])], device=device)
        return f(x)

    for got, want in zip(both(cuda), both("cpu"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-7)


def test_training_with_large_products(cuda):
    x, y = random(1024, 512), random(1024, 512)

    def trained(device):
        model = Sequential([layers.Dense(512, activation="relu", input_dim=512)])
        model.set_weights([0.05 * random(512, 512), random(512)])
        model.compile(optimizers.SGD(0.1), "mse", device=device)
        model.fit(x, y, batch_size=512, epochs=2, shuffle=False, verbose=0)
        return model.get_weights()

    for got, want in zip(trained(cuda), trained("cpu"), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5)


def test_high_precision_rounds_factors_of_large_products(high):
    a, b = random(512, 512), random(512, 512)
    exact = a.astype("float64") @ b
    fast = np.abs(run(lambda x, w: x @ w, a, b) - exact).max()
    assert fast < 2**-10 * 4 * np.sqrt(512)
    _devices._module.set_tf32(False)
    full = np.abs(run(lambda x, w: x @ w, a, b) - exact).max()
    _devices._module.set_tf32(True)
    assert 20 * full < fast
    # Small ones and float64 stay as they are.
    assert_near(run(lambda x, w: x @ w, a[:64], b), a[:64], b)
    a, b = a.astype("float64"), b.astype("float64")
    assert_near(run(lambda x, w: x @ w, a, b), a, b)


def test_the_precision_may_change_between_two_runs(cuda):
    a, b = random(512, 512), random(512, 512)
    x, w = fastnn.placeholder((512, 512)), fastnn.placeholder((512, 512))
    f = _core.Function([x._value, w._value], [("main", [(x @ w)._value], [])], device=cuda)
    first = f(a, b)[0].copy()
    fastnn.set_matmul_precision("high")
    try:
        assert (f(a, b)[0] != first).any()
    finally:
        fastnn.set_matmul_precision("highest")
    np.testing.assert_array_equal(f(a, b)[0], first)


def test_precisions_have_names():
    assert fastnn.get_matmul_precision() == "highest"
    for bad in ("medium", "HIGH", None, 1):
        with pytest.raises(ValueError, match="expected 'highest' or 'high', got"):
            fastnn.set_matmul_precision(bad)
    assert fastnn.get_matmul_precision() == "highest"


def test_without_cublas(cuda):
    """Own kernels at the highest precision, said in show_config; no other precision."""
    build = os.environ.get("FASTNN_CUDA_BUILD") or "build/cuda-emulated"
    code = (
        "import sys, fastnn\n"
        f"fastnn.__path__.append({build!r})\n"
        "fastnn.set_device('cuda')\n"
        "fastnn.show_config()\n"
        "import tests.test_cuda_matmul as t\n"
        "a, b = t.random(512, 257), t.random(257, 1030)\n"
        "t.assert_near(t.run(lambda x, w: x @ w, a, b), a, b)\n"
        "try: fastnn.set_matmul_precision('high')\n"
        "except fastnn.DeviceError as error: print(error)\n"
        "print(fastnn.get_matmul_precision())\n"
    )
    environment = {**os.environ, "FASTNN_CUBLAS": "off"}
    out = subprocess.run(
        [sys.executable, "-c", code], env=environment, text=True, capture_output=True, check=True
    ).stdout
    assert "fastnn's own kernels; cublasLt is off" in out
    assert "'high' needs NVIDIA's cublasLt on the GPU; it is off" in out
    assert out.splitlines()[-1] == "highest"


def test_a_precision_chosen_before_the_device(cuda):
    build = os.environ.get("FASTNN_CUDA_BUILD") or "build/cuda-emulated"
    code = (
        "import fastnn\n"
        f"fastnn.__path__.append({build!r})\n"
        "fastnn.set_matmul_precision('high')\n"
        "try: fastnn.set_device('cuda')\n"
        "except fastnn.DeviceError as error: print(error)\n"
        "print(fastnn.get_device(), fastnn.get_matmul_precision())\n"
    )
    for choice, device in (("", "cuda"), ("off", "cpu")):
        environment = {**os.environ, "FASTNN_CUBLAS": choice}
        out = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        assert out.splitlines()[-1] == f"{device} high"
        assert ("needs NVIDIA's cublasLt" in out) == (choice == "off")
