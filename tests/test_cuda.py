"""Models on the device "cuda": what they do on the CPU, to rounding. A GPU, or the emulated one."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, _core, layers, ops, optimizers
from fastnn.layers import Dense

OPTIMIZERS = {
    "sgd": lambda: optimizers.SGD(0.05),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nesterov": lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
    "centered": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: optimizers.Adam(0.01),
    "amsgrad": lambda: optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: optimizers.AdamW(0.01),
    "adamax": lambda: optimizers.Adamax(0.01),
    "nadam": lambda: optimizers.Nadam(0.01),
    "adagrad": lambda: optimizers.Adagrad(0.05),
    "adadelta": lambda: optimizers.Adadelta(0.5),
    "lion": lambda: optimizers.Lion(0.001),
    "averaged": lambda: optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=2),
}


@pytest.fixture
def rows():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((70, 11)).astype("float32")
    return x, (x[:, :1] + 0.3 * x[:, 1:2] > 0).astype("float32")


def churn(optimizer="adam", device=None, loss="binary_crossentropy", **options):
    """The 11-6-6-1 network, with the same weights each time."""
    model = Sequential(
        [
            Dense(6, activation="relu", input_dim=11),
            Dense(6, activation="tanh"),
            Dense(1, activation="sigmoid"),
        ]
    )
    rng = np.random.default_rng(0)
    model.set_weights([0.5 * rng.standard_normal(w.shape) for w in model.get_weights()])
    model.compile(optimizer, loss, metrics=["accuracy"], device=device, **options)
    return model


def fitted(device, rows, optimizer="adam", epochs=1, batch_size=10, **options):
    model = churn(optimizer, device)
    model.fit(*rows, batch_size=batch_size, epochs=epochs, shuffle=False, verbose=0, **options)
    return model


def assert_same(a, b, atol=1e-5):
    for x, y in zip(a, b, strict=True):
        np.testing.assert_allclose(x, y, rtol=0, atol=atol)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_fifty_steps_of_an_optimizer_are_those_of_the_cpu(name, cuda, rows):
    one, other = (fitted(d, rows, OPTIMIZERS[name](), epochs=8) for d in ("cpu", cuda))
    assert_same(one.get_weights(), other.get_weights())
    assert_same([v.get_value() for v in one.optimizer.variables],
                [v.get_value() for v in other.optimizer.variables])  # fmt: skip
    np.testing.assert_allclose(
        one.history.history["loss"], other.history.history["loss"], atol=1e-5
    )
    assert one.history.history["accuracy"] == other.history.history["accuracy"]


def test_float64(cuda, rows):
    def trained(device):
        x = fastnn.placeholder((None, 11), "float64")
        w = fastnn.shared(np.linspace(-1, 1, 11)[:, None])
        cost = ops.mean(ops.square(ops.tanh(x @ w) - 0.2))
        (slope,) = fastnn.grad(cost, [w])
        sections = [("main", [cost._value], [(w._storage, (w - 0.1 * slope)._value)])]
        step = _core.Function([x._value], sections, device=device)
        costs = [float(step(rows[0])[0]) for _ in range(50)]
        return [costs, w.get_value()]

    assert_same(trained("cpu"), trained(cuda), atol=1e-13)


def test_predictions_and_figures(cuda, rows):
    one, other = fitted("cpu", rows), fitted(cuda, rows)
    few = rows[0][:3]
    a, b = (
        [m.predict(rows[0], verbose=0), m.evaluate(*rows, verbose=0), m.predict_on_batch(few)]
        for m in (one, other)
    )
    assert_same(a, b)
    with pytest.raises(ValueError, match="NaN"):
        other.predict(np.full((5, 11), np.nan, "float32"), verbose=0)


def test_the_order_of_rows_is_the_same_on_both(cuda, rows):
    def shuffled(device):
        fastnn.utils.set_random_seed(7)
        model = churn(device=device)
        model.fit(*rows, batch_size=16, epochs=3, verbose=0)
        return model.get_weights()

    assert_same(shuffled("cpu"), shuffled(cuda))


def test_the_same_bits_run_after_run(cuda, rows):
    one, other = (fitted(cuda, rows, epochs=3).get_weights() for _ in range(2))
    assert all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("dtype", ["float64", "float16", "uint8", "int16", ">f4", "bool"])
@pytest.mark.parametrize("layout", ["plain", "reversed", "every other", "misaligned"])
def test_data_of_any_layout(dtype, layout, cuda, rows):
    x = (8 * np.abs(rows[0])).astype(dtype)
    if layout == "reversed":
        x = np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    elif layout == "every other":
        x = np.repeat(np.repeat(x, 2, 0), 2, 1)[::2, ::2]
    elif layout == "misaligned":
        raw = np.frombuffer(b"\0" + x.tobytes(), np.uint8)
        x = raw[1:].view(x.dtype).reshape(x.shape)
    assert_same(*(fitted(d, (x, rows[1])).get_weights() for d in ("cpu", cuda)))


def test_data_are_brought_once_a_fit(cuda, rows):
    traffic = importlib.import_module("fastnn._cuda").traffic

    def brought(epochs):
        model = churn(device=cuda)
        before = traffic()[0]
        model.fit(*rows, batch_size=10, epochs=epochs, verbose=0, validation_data=rows)
        return traffic()[0] - before

    size = sum(array.nbytes for array in rows)
    one, many = brought(1), brought(9)
    assert one > 2 * size
    # More passes bring the order of the rows, the steps' numbers and figures that are reset.
    assert many - one < 8 * (8 * len(rows[0]) + 20 * 8 + 64) < 8 * size


def test_data_are_not_kept_beyond_a_fit(cuda, rows):
    def trained(device):
        x, y = rows[0].copy(), rows[1].copy()
        model = churn(device=device)
        for _ in range(3):
            model.fit(x, y, batch_size=10, epochs=2, shuffle=False, verbose=0)
            x *= -1.5  # where it lies
        return [*model.get_weights(), model.evaluate(x, y, verbose=0)]

    assert_same(trained("cpu"), trained(cuda))


def test_callbacks_may_evaluate_other_data_while_a_fit_keeps_its_own(cuda, rows):
    others = (rows[0][::-1].copy(), rows[1][::-1].copy())

    def trained(device):
        model, figures = churn(device=device), []
        measure = fastnn.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: figures.append(
                model.evaluate(others[0][epoch:], others[1][epoch:], verbose=0)[0]
            )
        )
        options = {"validation_data": rows, "shuffle": False, "verbose": 0}
        model.fit(*rows, epochs=3, callbacks=[measure], **options)
        return [model.history.history["val_loss"], figures]

    assert_same(trained("cpu"), trained(cuda))


def test_data_that_does_not_fit_comes_in_batches(cuda, rows, tmp_path):
    """Rows that lie far apart in a file: what they reach over is more than the device has."""
    path = tmp_path / "rows"
    apart = 1 << 31
    with open(path, "wb") as file:
        for number, row in enumerate(rows[0]):
            file.seek(number * apart)
            file.write(row.tobytes())
        file.truncate(len(rows[0]) * apart)
    flat = np.memmap(path, "float32", "r")
    far = np.ndarray(rows[0].shape, "float32", flat, strides=(apart, 4))
    one, other = fitted("cpu", rows), fitted(cuda, (far, rows[1]))
    assert_same(one.get_weights(), other.get_weights())


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("classes", [3, 70])
def test_classes(loss, classes, cuda, rows):
    labels = (np.arange(70) * 7) % classes
    y = labels if loss.startswith("sparse") else np.eye(classes, dtype="float32")[labels]

    def trained(device):
        model = Sequential([Dense(classes, activation="softmax", input_dim=11)])
        model.set_weights([np.full((11, classes), 0.1), np.linspace(-1, 1, classes)])
        model.compile("sgd", loss, device=device)
        model.fit(rows[0], y, epochs=2, shuffle=False, verbose=0)
        return [*model.get_weights(), model.predict(rows[0], verbose=0)]

    assert_same(trained("cpu"), trained(cuda))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("x", "k", "strides", "padding", "dilation", "groups"),
    [
        ((3, 20, 19, 32), (3, 3, 16, 80), (2, 1), (1, 0, 2, 1), (1, 2), 2),
        ((2, 23, 24, 70), (2, 3, 70, 20), (1, 2), (0, 1, 1, 1), (2, 1), 1),
        ((2, 15, 14, 24), (3, 3, 1, 48), (1, 1), (1, 1, 1, 1), (1, 1), 24),
    ],
)
def test_convolutions_of_whole_numbers_are_exact(
    x, k, strides, padding, dilation, groups, dtype, cuda
):
    """Larger than the samples of operations: several tiles each way, chunks of the batch."""
    rng = np.random.default_rng(1)
    attrs = {"strides": list(strides), "padding": list(padding), "dilation": list(dilation),
             "groups": groups}  # fmt: skip

    def results(device, given):
        px, pk = (_core.placeholder(dtype, shape) for shape in (x, k))
        y = _core.make("conv", [px, pk], attrs)
        pg = _core.placeholder(dtype, y.dims)
        if len(given) == 2:
            given.append(rng.integers(-3, 4, y.dims).astype(dtype))
        made = [
            y,
            _core.make("conv_input_grad", [pg, pk], {**attrs, "shape": list(x)}),
            _core.make("conv_kernel_grad", [px, pg], {**attrs, "kernel": list(k[:2])}),
        ]
        return _core.Function([px, pk, pg], [("main", made, [])], device=device)(*given)

    given = [rng.integers(-3, 4, shape).astype(dtype) for shape in (x, k)]
    for a, b in zip(results("cpu", given), results(cuda, given), strict=True):
        np.testing.assert_array_equal(a, b)


def images_network(device):
    """Convolutions and poolings of every kind, with the same weights each time."""
    model = Sequential(
        [
            layers.Conv2D(32, 3, padding="same", activation="relu", input_shape=(12, 11, 3)),
            layers.MaxPooling2D(2),
            layers.Conv2D(48, 3, groups=2, activation="elu"),
            layers.AveragePooling2D(2, strides=1, padding="same"),
            layers.DepthwiseConv2D(2, padding="same"),
            layers.Conv2DTranspose(24, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 2, strides=2, padding="same"),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.Flatten(),
            Dense(4, activation="softmax"),
        ]
    )
    rng = np.random.default_rng(0)
    scale = [0.0 if w.ndim == 1 else 1.5 / np.sqrt(np.prod(w.shape[:-1]))
             for w in model.get_weights()]  # fmt: skip
    model.set_weights(
        [s * rng.standard_normal(w.shape) for s, w in zip(scale, model.get_weights(), strict=True)]
    )
    model.compile(optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy",
                  metrics=["accuracy"], device=device)  # fmt: skip
    return model


def test_a_convolutional_network_learns_what_it_does_on_the_cpu(cuda):
    rng = np.random.default_rng(5)
    x = rng.standard_normal((42, 12, 11, 3)).astype("float32")
    y = np.arange(42) % 4

    def trained(device):
        model = images_network(device)
        before = model.get_weights()
        log = model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history
        weights = model.get_weights()
        assert all(np.abs(a - b).max() > 1e-3 for a, b in zip(before, weights, strict=True))
        return [*weights, model.predict(x, verbose=0), log["loss"], log["accuracy"]]

    one, other, again = (trained(device) for device in ("cpu", cuda, cuda))
    assert_same(one, other)
    assert all(np.array_equal(a, b) for a, b in zip(other, again, strict=True))


def test_a_bad_label_is_an_error_and_changes_nothing(cuda):
    logits, labels = fastnn.placeholder((None, 3)), fastnn.placeholder((None,), "int64")
    w = fastnn.shared(np.ones((3, 3), "float32"))
    cost = ops.mean(ops.sparse_softmax_cross_entropy(logits @ w, labels))
    (slope,) = fastnn.grad(cost, [w])
    update = (w._storage, (w - slope)._value)
    step = _core.Function(
        [logits._value, labels._value], [("main", [cost._value], [update])], device=cuda
    )
    x = np.eye(2, 3, dtype="float32")
    with pytest.raises(IndexError, match="index 5 is out of bounds for an axis of length 3"):
        step(x, np.array([0, 5]))
    np.testing.assert_array_equal(w.get_value(), np.ones((3, 3)))
    step(x, np.array([0, 1]))  # it goes on
    assert not np.array_equal(w.get_value(), np.ones((3, 3)))


def test_variables_move_to_who_uses_them(cuda, rows, tmp_path):
    model = fitted(cuda, rows)
    kernel = model.layers[0].kernel
    assert kernel._storage.device == "cuda"
    value = kernel.get_value()
    kernel.set_value(value + 1)
    np.testing.assert_array_equal(kernel.get_value(), value + 1)
    kernel.set_value(value)
    before = model.predict(rows[0], verbose=0)
    model.save(tmp_path / "model.fastnn")
    loaded = fastnn.load_model(tmp_path / "model.fastnn")
    np.testing.assert_allclose(loaded.predict(rows[0], verbose=0), before, atol=1e-6)
    assert loaded.layers[0].kernel._storage.device == "cpu"
    model.compile("adam", "binary_crossentropy", device="cpu")
    np.testing.assert_allclose(model.predict(rows[0], verbose=0), before, atol=1e-6)
    assert kernel._storage.device == "cpu"


def test_set_device(cuda, rows):
    fastnn.set_device(cuda)
    try:
        assert fastnn.get_device() == "cuda"
        model = fitted(None, rows)
        x = fastnn.placeholder((None, 11))
        assert "[cuda]" in fastnn.function([x], ops.exp(x)).plan()
        assert isinstance(ops.exp(rows[0]), np.ndarray)  # on the CPU
    finally:
        fastnn.set_device("cpu")
    assert model.layers[0].kernel._storage.device == "cuda"
    with pytest.raises(ValueError, match="expected 'cpu' or 'cuda', got 'tpu'"):
        fastnn.set_device("tpu")


def test_loops(cuda):
    x = fastnn.placeholder((2, 4, 3))
    start = fastnn.shared(np.ones((2, 3), "float32"))

    def step(slice_of_x, h):
        h = ops.tanh(h * 0.5 + slice_of_x)
        return h, h

    last, all_of_them = fastnn.scan(step, ops.transpose(x, (1, 0, 2)), start)
    (slope,) = fastnn.grad(ops.sum(last * last), [start])
    values = [t._value for t in (last, all_of_them, slope)]
    array = np.random.default_rng(0).standard_normal((2, 4, 3)).astype("float32")
    results = [
        _core.Function([x._value], [("main", values, [])], device=d)(array) for d in ("cpu", cuda)
    ]
    assert_same(*results, atol=1e-6)


def test_debugging_gives_the_same_bits(cuda, rows):
    x = fastnn.placeholder((None, 11))
    w = fastnn.shared(np.full((11, 5), 0.1, "float32"))
    y = [ops.mean(ops.softmax(ops.relu(x @ w) * 2 + 1))._value]
    plain, debugging = (
        _core.Function([x._value], [("main", y, [])], device=cuda, **options)
        for options in ({}, {"reuse_memory": False, "poison": True})
    )
    assert plain(rows[0])[0].tobytes() == debugging(rows[0])[0].tobytes()


def test_plan_and_profile(cuda, rows):
    model = churn(device=cuda)
    assert "adam (121 parameters)  [cuda]" in str(model.plan(*rows, batch_size=10))
    weights = model.get_weights()
    profile = model.profile(*rows, batch_size=10)
    assert {k.table for k in profile.kernels} == {"cuda"}
    assert_same(weights, model.get_weights(), atol=0)


def test_out_of_memory_says_how_much(cuda):
    n = 1 << 21  # n x n of float32 is 16 TB
    x = fastnn.placeholder((None, 1))
    f = _core.Function([x._value], [("main", [ops.sum(x @ ops.transpose(x))._value], [])],
                       device=cuda)  # fmt: skip
    with pytest.raises(
        fastnn.DeviceError, match=r"asked for 1759\d+ bytes: out of memory, \d+ are"
    ):
        f(np.ones((n, 1), "float32"))


def test_without_the_module(tmp_path):
    """In a process of its own, where nothing has loaded one."""
    code = (
        "import fastnn, importlib.util\n"
        "assert importlib.util.find_spec('fastnn._cuda') is None, 'built in'\n"
        "from fastnn import Sequential\n"
        "from fastnn.layers import Dense\n"
        "for use in (lambda: fastnn.set_device('cuda'),\n"
        "            lambda: Sequential([Dense(1)]).compile('sgd', 'mse', device='cuda')):\n"
        "    try: use()\n"
        "    except fastnn.DeviceError as error: print(error)\n"
        "print(fastnn.get_device())"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if "built in" in result.stderr:
        pytest.skip("this package was built with its module for GPUs")
    *said, device = result.stdout.splitlines()
    assert len(said) == 2
    assert all("built without its module for NVIDIA GPUs" in line for line in said)
    assert device == "cpu"


def test_the_gpu_build_says_what_is_missing():
    """FASTNN_CUDA_NVCC: the folder of a module that nvcc has built, on a machine without a GPU."""
    folder = os.environ.get("FASTNN_CUDA_NVCC")
    if not folder:
        pytest.skip("no module that nvcc has built: FASTNN_CUDA_NVCC names its folder")
    if os.path.exists("/dev/nvidiactl"):
        pytest.skip("this machine has a GPU")
    code = (
        f"import fastnn; fastnn.__path__.append({folder!r})\n"
        "try: fastnn.set_device('cuda')\n"
        "except fastnn.DeviceError as error: print(error)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert re.match("no NVIDIA driver was found|the NVIDIA driver finds no GPU", result.stdout)
