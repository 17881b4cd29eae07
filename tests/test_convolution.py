"""Convolution and pooling: every kernel against the reference, bits, what is fused, the layers."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import _core, function, grad, layers, ops, placeholder
from kernels import TABLES, same_bits, threads

EPS = {"float32": 1e-6, "float64": 1e-15}


@pytest.fixture(params=TABLES)
def table(request):
    before = _core.active_table()
    _core.set_active_table(request.param)
    yield request.param
    _core.set_active_table(before)


def run(name, arrays, attrs):
    xs = [_core.placeholder(str(a.dtype), a.shape) for a in arrays]
    return _core.Function(xs, [("main", [_core.make(name, xs, attrs)], [])])(*arrays)[0]


def reference(name, arrays, attrs):
    before = _core.active_table()
    _core.set_active_table("reference")
    try:
        return run(name, arrays, attrs)
    finally:
        _core.set_active_table(before)


def random_convolution(rng):
    """Inputs and attributes of the three ops over one shape; None where no window fits."""
    batch, groups = int(rng.integers(1, 6)), int(rng.choice([1, 1, 2, 3, 21]))
    size, kernel, strides = rng.integers(1, 15, 2), rng.integers(1, 5, 2), rng.integers(1, 4, 2)
    dilation, padding = rng.integers(1, 3, 2), rng.integers(0, 4, 4)
    depth = int(rng.integers(1, 7) if rng.random() < 0.7 else rng.integers(7, 40))
    filters = groups * int(rng.integers(1, 40))
    if groups == 21:  # depthwise
        depth, filters = 1, groups * int(rng.choice([1, 1, 2, 3, 5]))
    room = size + padding[::2] + padding[1::2] - dilation * (kernel - 1) - 1
    if min(room) < 0:
        return None
    shape = (batch, *map(int, size), groups * depth)
    x = rng.normal(size=shape)
    k = rng.normal(size=(*kernel, depth, filters))
    y = rng.normal(size=(batch, *(room // strides + 1), filters))
    attrs = {
        "strides": strides.tolist(),
        "padding": padding.tolist(),
        "dilation": dilation.tolist(),
        "groups": groups,
    }
    return [
        ("conv", (x, k), attrs),
        ("conv_input_grad", (y, k), {**attrs, "shape": list(shape)}),
        ("conv_kernel_grad", (x, y), {**attrs, "kernel": kernel.tolist()}),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_shapes_equal_the_reference(table, dtype):
    rng = np.random.default_rng(3)
    for _ in range(50):
        for name, arrays, attrs in random_convolution(rng) or ():
            given = [a.astype(dtype) for a in arrays]
            expected = reference(name, given, attrs)
            result = run(name, given, attrs)
            bound = 40 * EPS[dtype] * max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(
                result, expected, rtol=0, atol=bound, err_msg=f"{name} {attrs}"
            )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_random_pooling_equals_the_reference(table, dtype):
    rng = np.random.default_rng(4)
    for i in range(80):
        size, window, strides = rng.integers(1, 12, 2), rng.integers(1, 5, 2), rng.integers(1, 4, 2)
        padding = np.array([rng.integers(0, w) for w in window for _ in range(2)])
        channels = int(rng.integers(1, 40))
        if i % 4 == 0:  # windows that lie side by side
            strides, padding = window, np.zeros(4, int)
        if i % 8 == 0:  # have loops of their own where they are 2 x 2
            window[:], strides, channels = 2, window, channels * 16 % 64 + 16
        if min(size + padding[::2] + padding[1::2] - window) < 0:
            continue
        x = rng.integers(-3, 4, (3, *size, channels)).astype(dtype)  # with equals
        attrs = {
            "size": window.tolist(),
            "strides": strides.tolist(),
            "padding": padding.tolist(),
        }
        p = _core.placeholder(dtype, x.shape)
        y, places = _core.make_all("max_pool", [p], attrs)
        average = _core.make("average_pool", [p], attrs)
        g = _core.make("multiply", [y, y])
        back = _core.make("max_pool_grad", [g, places], {**attrs, "shape": list(x.shape)})
        spread = _core.make("average_pool_grad", [average], {**attrs, "shape": list(x.shape)})
        take = _core.make("max_pool_take", [back, places], attrs)
        outputs = [y, places, average, back, spread, take]
        result = _core.Function([p], [("main", outputs, [])])(x)
        active = _core.active_table()
        _core.set_active_table("reference")
        expected = _core.Function([p], [("main", outputs, [])])(x)
        _core.set_active_table(active)
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_array_equal(a, b, f"{x.shape} {attrs}")


def test_max_pool_of_nan_and_infinity(table):
    x = np.array([np.nan, 1, 2, np.nan, -np.inf, -np.inf, np.inf, 3], "f").reshape(1, 8, 1)
    np.testing.assert_array_equal(ops.max_pool(x, 2).ravel(), [np.nan, np.nan, -np.inf, np.inf])


def cnn(dtype="float32", channels=3):
    """Gradients and activations of a small network whose parts are all fused somewhere."""
    rng = np.random.default_rng(0)
    weights = [
        fastnn.shared(rng.normal(scale=0.2, size=s).astype(dtype))
        for s in [(3, 3, channels, 20), (20,), (3, 3, 20, 33), (33,), (3, 5, 33, 8), (8,)]
    ]
    x = placeholder((None, 19, 18, channels), dtype)
    h = ops.relu(ops.conv(x, weights[0]) + weights[1])
    h = ops.max_pool(h, 2)
    h = ops.max_pool(ops.tanh(ops.conv(h, weights[2], padding="same") + weights[3]), 2)
    y = ops.relu(ops.conv(h, weights[4], 2, "same") + weights[5])
    cost = ops.mean(ops.square(y))
    return function([x], [y, cost, *grad(cost, weights)])


@pytest.mark.parametrize("channels", [1, 3])
def test_threads_give_the_same_bits(table, channels):
    x = np.random.default_rng(1).normal(size=(37, 19, 18, channels)).astype("f")
    f = cnn(channels=channels)
    with threads(1):
        expected = f(x)
    for n in (2, 3, 8):
        with threads(n):
            for a, b in zip(f(x), expected, strict=True):
                assert same_bits(a, b)


@pytest.mark.parametrize("filters", [24, 48])
def test_threads_give_the_same_bits_of_depthwise_convolutions(table, filters):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(37, 19, 18, 24)).astype("f")
    p, k = placeholder((None, 19, 18, 24)), fastnn.shared(rng.normal(size=(3, 3, 1, filters)), "k")
    y = ops.conv(p, ops.cast(k, "float32"), padding="same")
    f = function([p], [y, *grad(ops.mean(ops.square(y)), [p, k])])
    with threads(1):
        expected = f(x)
        assert same_bits(f(x[5:9])[0], expected[0][5:9])
    for n in (2, 8):
        with threads(n):
            for a, b in zip(f(x), expected, strict=True):
                assert same_bits(a, b)


def test_a_row_does_not_depend_on_its_batch(table):
    x = np.random.default_rng(1).normal(size=(29, 19, 18, 3)).astype("f")
    f = cnn()
    whole = f(x)[0]
    for rows in (1, 2, 5, 16):
        assert same_bits(f(x[3 : 3 + rows])[0], whole[3 : 3 + rows])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_fused_gives_what_the_single_ops_give(table, dtype):
    x = np.random.default_rng(1).normal(size=(5, 19, 18, 3)).astype(dtype)
    f = cnn(dtype)
    names = f.kernels()
    assert any("conv+bias+relu+max_pool" in n for n in names)
    assert any("conv_kernel_grad+max_pool_grad+sum rows" in n for n in names)
    assert any("conv_input_grad+relu_grad" in n for n in names)
    _core.set_active_table("reference")
    expected = cnn(dtype)(x)
    for a, b in zip(f(x), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3 if dtype == "float32" else 1e-10, atol=1e-6)


def parts_of_networks(x, w):
    """Values of many kinds of convolution and pooling, and their gradients."""
    h = ops.relu(ops.conv(x, w[0], padding="same") + w[1])
    pooled = ops.max_pool(h, 2)
    overlapping = ops.max_pool(h, 3, 1, "same")
    depthwise = ops.tanh(ops.depthwise_conv(pooled, w[2], padding="same"))
    larger = ops.relu(ops.conv_transpose(depthwise, w[0], 2, "same") + w[3])
    mean = ops.average_pool(larger * x, (2, 3), 2, "same")
    cost = ops.sum(ops.square(mean)) + ops.sum(overlapping * ops.sigmoid(overlapping))
    first = grad(cost, [x, *w])
    return [pooled, larger, mean, cost, *first, *grad(ops.sum(ops.square(first[0])), w[:1])]


def test_plans_of_memory_change_no_bit():
    rng = np.random.default_rng(6)
    shapes = [(3, 3, 2, 5), (5,), (2, 2, 5, 1), (2,)]
    w = [fastnn.shared(rng.normal(scale=0.5, size=s).astype("f")) for s in shapes]
    x = placeholder((None, 8, 6, 2))
    outputs = [("main", [v._value for v in parts_of_networks(x, w)], [])]
    options = [{}, {"reuse_memory": False}, {"poison": True}]
    functions = [_core.Function([x._value], outputs, 0, **o) for o in options]
    for batch in (4, 1, 9, 0, 17):
        a = rng.normal(size=(batch, 8, 6, 2)).astype("f")
        expected, *others = (f(a) for f in functions)
        for results in others:
            for result, want in zip(results, expected, strict=True):
                assert same_bits(result, want)


def test_fused_pooling_gives_the_bits_of_separate_calls(table):
    rng = np.random.default_rng(2)
    x = placeholder((None, 11, 10, 3))
    k, b = rng.normal(size=(3, 3, 3, 18)).astype("f"), rng.normal(size=18).astype("f")
    h = ops.relu(ops.conv(x, k) + b)
    y = ops.max_pool(h, 2)
    fused, apart = function([x], y), function([x], [y, h])
    assert len(fused.kernels()) == 1
    a = rng.normal(size=(4, 11, 10, 3)).astype("f")
    assert same_bits(fused(a), apart(a)[0])


@pytest.mark.parametrize("strides", [1, 2, 3])
def test_gradients_through_relu_and_pooling_go_where_the_largest_is(strides):
    """relu's slope is taken after the pooling, on fewer elements; windows may overlap."""
    rng = np.random.default_rng(5)
    x = placeholder((None, 9, 8, 5), "float64")
    a = rng.normal(size=(4, 9, 8, 5)) - 0.5
    gradients = []
    for relu in (ops.relu, lambda v: ops.where(ops.greater(v, 0.0), v, 0.0)):
        y = ops.max_pool(relu(x * 1.0), 3, strides, "same")
        cost = ops.sum(y * ops.square(y))
        gradients.append(function([x], grad(cost, [x]))(a)[0])
    assert np.count_nonzero(gradients[0])
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-12)


def test_a_gradient_penalty_is_differentiable():
    """The norm of a critic's gradient to its images, in the cost (Gulrajani et al. 2017)."""
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 2, 6), (6,), (2, 2, 6, 4), (4,)]
    given = [rng.normal(scale=0.5, size=s) for s in shapes]
    weights = [placeholder(s, "float64") for s in shapes]
    x = placeholder((None, 8, 7, 2), "float64")
    h = ops.max_pool(ops.tanh(ops.conv(x, weights[0], padding="same") + weights[1]), 2)
    h = ops.average_pool(ops.softplus(ops.conv(h, weights[2]) + weights[3]), 2, padding="same")
    slope = grad(ops.sum(h), [x])[0]
    norm = ops.sqrt(ops.sum(ops.square(slope), (1, 2, 3)))
    penalty = ops.mean(ops.square(norm - 1.0))
    f = function([x, *weights], [penalty, *grad(penalty, weights)])
    a = rng.normal(size=(3, 8, 7, 2))
    _, *analytic = f(a, *given)
    for i, g in enumerate(analytic):
        d = rng.normal(size=g.shape)
        high, low = list(given), list(given)
        high[i], low[i] = given[i] + 1e-6 * d, given[i] - 1e-6 * d
        numeric = (f(a, *high)[0] - f(a, *low)[0]) / 2e-6
        np.testing.assert_allclose(np.sum(g * d), numeric, rtol=1e-5, atol=1e-8)


def test_open_sizes():
    rng = np.random.default_rng(0)
    k = rng.normal(size=(3, 2, 4))
    x = placeholder((None, None, 2), "float64")
    y = ops.conv(x, k, 2)
    f = function(
        [x], [y, ops.max_pool(ops.conv(x, k, padding="causal"), 2), *grad(ops.sum(y), [x])]
    )
    for steps in (3, 8, 11):
        a = rng.normal(size=(2, steps, 2))
        result = f(a)
        np.testing.assert_allclose(result[0], ops.conv(a, k, 2))
        np.testing.assert_allclose(result[1], ops.max_pool(ops.conv(a, k, padding="causal"), 2))
        assert result[2].shape == a.shape
    with pytest.raises(ValueError, match="conv"):
        f(rng.normal(size=(2, 2, 2)))
    with pytest.raises(ValueError, match="open along axis 1"):
        ops.conv(x, k, 2, "same")


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda x, k: ops.conv(x[0, 0], k), r"\[conv\] expected shape \(batch, steps"),
        (lambda x, k: ops.conv(x, k[0]), r"\[conv\] expected a kernel"),
        (lambda x, k: ops.conv(x, k, padding="full"), "expected padding 'valid' or 'same'"),
        (lambda x, k: ops.conv(x, k, strides=(1, 2, 3)), "expected strides of 2 numbers"),
        (lambda x, k: ops.conv(x, k, strides=0), "strides of at least 1, got 0"),
        (lambda x, k: ops.conv(x[:, :2], k), "at least 3 elements along axis 1"),
        (lambda x, k: ops.conv(x, k[:, :, :2]), "expected input of 2 channels"),
        (lambda x, k: ops.depthwise_conv(x, k[:, :, :2]), "expected input of 2 channels"),
        (lambda x, k: ops.conv_transpose(x, k, output_padding=-1), "at least 0, got -1"),
        (lambda x, k: ops.max_pool(x, 9), "at least 9 elements along axis 1"),
        (lambda x, k: ops.max_pool(x, (2, 2, 2)), "pool_size of 2 numbers"),
        (lambda x, k: ops.average_pool(x, 2, padding="causal"), "padding 'valid' or 'same'"),
    ],
)
def test_bad_input(call, match):
    x, k = np.zeros((2, 5, 6, 3)), np.zeros((3, 3, 3, 4))
    with pytest.raises(ValueError, match=match):
        call(x, k)
    with pytest.raises(TypeError, match="whole number"):
        ops.conv(x, k, strides=1.5)


def test_integers_are_taken_as_float32():
    assert ops.max_pool(np.arange(4).reshape(1, 4, 1), 2).dtype == np.float32
    assert ops.conv(np.ones((1, 3, 1), np.uint8), np.ones((2, 1, 1), "f")).dtype == np.float32


def test_a_network_learns_where_a_square_is():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 512)
    x = rng.normal(scale=0.3, size=(512, 8, 8, 1)).astype("f")
    for image, label in zip(x, labels, strict=True):
        image[:, :, 0] += np.kron([[label == 0, label == 1], [label == 2, label == 3]], np.eye(4))
    fastnn.utils.set_random_seed(1)
    model = fastnn.Sequential(
        [
            fastnn.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:384], labels[:384], epochs=20, batch_size=16, verbose=0)
    assert model.evaluate(x[384:], labels[384:], verbose=0)[1] > 0.97
    model.summary(print_fn=lambda line: None)


def test_config_goes_there_and_back():
    made = [
        layers.Conv2D(4, (3, 2), strides=2, padding="same", groups=2, activation="relu"),
        layers.Conv1D(3, 2, padding="causal", dilation_rate=2, kernel_regularizer="l2"),
        layers.Conv2DTranspose(3, 3, strides=2, output_padding=1, use_bias=False),
        layers.Conv1DTranspose(3, 3, strides=2, padding="same"),
        layers.MaxPooling2D((2, 3), strides=1, padding="same"),
        layers.AveragePooling1D(3),
        layers.GlobalAveragePooling2D(keepdims=True),
    ]
    for layer in made:
        rank = 3 if "1D" in type(layer).__name__ else 4
        x = np.random.default_rng(0).normal(size=(2, 9, 8, 4)[4 - rank :]).astype("f")
        twin = type(layer).from_config(layer.get_config())
        assert twin.get_config() == layer.get_config()
        y = layer(x)
        twin(x)
        twin.set_weights(layer.get_weights())
        np.testing.assert_array_equal(twin(x), y)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: layers.Conv2D(0, 3), ValueError, "filters of at least 1"),
        (lambda: layers.Conv2D(4, 3, data_format="channels_first"), ValueError, "channels_last"),
        (lambda: layers.Conv2D(4, 3, padding="causal"), ValueError, "'valid' or 'same'"),
        (lambda: layers.Conv2D(4, 3, groups=3), ValueError, "divide the 4 filters"),
        (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), ValueError, "of 1, got strides"),
        (lambda: layers.Conv2D(4, (3, 3, 3)), ValueError, "kernel_size of 2 numbers"),
        (lambda: layers.Conv2D(4, 2.5), TypeError, "kernel_size to be a whole number"),
        (lambda: layers.Conv2D(4, "3"), TypeError, "kernel_size to be a whole number"),
        (lambda: layers.Conv2D(4, 3)(np.zeros((2, 5, 5), "f")), ValueError, "expected input"),
        (lambda: layers.Conv2D(4, 3)(np.zeros((2, 2, 5, 1), "f")), ValueError, "at least 3 elem"),
        (
            lambda: layers.MaxPooling1D(3)(np.zeros((2, 2, 1), "f")),
            ValueError,
            r"\[MaxPooling1D\] ",
        ),
        (lambda: layers.Conv2D(4, 3, groups=2)(np.zeros((1, 5, 5, 3))), ValueError, "2 groups"),
        (lambda: layers.Conv2DTranspose(4, 3, output_padding=1), ValueError, "below the strides"),
        (lambda: layers.MaxPooling2D(0), ValueError, "pool_size of at least 1"),
        (lambda: layers.MaxPooling2D(2)(np.zeros((2, 5, 5), "f")), ValueError, "expected input"),
        (lambda: layers.GlobalMaxPooling1D()(np.zeros((2, 5), "f")), ValueError, "expected input"),
    ],
)
def test_bad_settings(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_a_layer_refuses_other_channels_once_built():
    layer = layers.Conv2D(4, 3)
    layer(np.zeros((1, 5, 5, 2), "f"))
    with pytest.raises(ValueError, match=r"\[Conv2D\] expected input of shape .*2\), got"):
        layer(np.zeros((1, 5, 5, 3), "f"))


def test_old_names():
    with pytest.warns(DeprecationWarning, match="nb_filter"):
        layer = layers.Conv1D(nb_filter=3, kernel_size=2)
    assert layer.filters == 3
