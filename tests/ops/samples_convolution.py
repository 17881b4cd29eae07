"""Samples of convolution and pooling, against plain sums over windows in NumPy."""

from __future__ import annotations

import itertools

import numpy as np

from samples import Input, anything, case, distinct, refuse, sample


def windows(shape, size, strides, padding, dilation):
    """For each axis and each of its windows: the elements inside, as (place, index)."""
    axes = []
    for d, n in enumerate(shape):
        before, after = padding[2 * d], padding[2 * d + 1]
        reach = dilation[d] * (size[d] - 1) + 1
        count = (n + before + after - reach) // strides[d] + 1
        starts = [i * strides[d] - before for i in range(count)]
        axes.append(
            [
                [(k, s + k * dilation[d]) for k in range(size[d]) if 0 <= s + k * dilation[d] < n]
                for s in starts
            ]
        )
    return axes


def each_product(x_shape, kernel, strides, padding, dilation):
    """(place of the window, place in the kernel, place in x), for every tap inside x."""
    axes = windows(x_shape[1:-1], kernel, strides, padding, dilation)
    for at in itertools.product(*(range(len(a)) for a in axes)):
        for taps in itertools.product(*(a[i] for a, i in zip(axes, at, strict=True))):
            yield at, tuple(t[0] for t in taps), tuple(t[1] for t in taps)


def counts_of(x_shape, kernel, strides, padding, dilation):
    return [len(a) for a in windows(x_shape[1:-1], kernel, strides, padding, dilation)]


def grouped(a, groups):
    return np.split(a, groups, axis=-1)


def conv(x, k, strides, padding, dilation, groups):
    out = np.zeros((len(x), *counts_of(x.shape, k.shape[:-2], strides, padding, dilation), 0))
    parts = []
    for xg, kg in zip(grouped(x, groups), grouped(k, groups), strict=True):
        y = np.zeros((*out.shape[:-1], kg.shape[-1]))
        for at, tap, place in each_product(x.shape, k.shape[:-2], strides, padding, dilation):
            y[(slice(None), *at)] += xg[(slice(None), *place)] @ kg[tap]
        parts.append(y)
    return np.concatenate(parts, -1)


def conv_input_grad(g, k, strides, padding, dilation, groups, shape):
    parts = []
    for gg, kg in zip(grouped(g, groups), grouped(k, groups), strict=True):
        dx = np.zeros((*shape[:-1], kg.shape[-2]))
        for at, tap, place in each_product(shape, k.shape[:-2], strides, padding, dilation):
            dx[(slice(None), *place)] += gg[(slice(None), *at)] @ kg[tap].T
        parts.append(dx)
    return np.concatenate(parts, -1)


def conv_kernel_grad(x, g, strides, padding, dilation, groups, kernel):
    parts = []
    for xg, gg in zip(grouped(x, groups), grouped(g, groups), strict=True):
        dk = np.zeros((*kernel, xg.shape[-1], gg.shape[-1]))
        for at, tap, place in each_product(x.shape, kernel, strides, padding, dilation):
            dk[tap] += xg[(slice(None), *place)].T @ gg[(slice(None), *at)]
        parts.append(dk)
    return np.concatenate(parts, -1)


# x, kernel, strides, padding, dilation, groups
SHAPES = [
    ((2, 5, 6, 3), (3, 2, 3, 4), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((1, 5, 6, 3), (3, 3, 3, 5), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((3, 6, 7, 1), (3, 3, 1, 17), (2, 2), (0, 1, 1, 1), (1, 1), 1),
    ((2, 7, 5, 2), (2, 3, 2, 3), (1, 2), (2, 0, 1, 3), (2, 1), 1),
    ((1, 5, 5, 4), (2, 2, 2, 6), (2, 1), (1, 0, 0, 1), (1, 2), 2),
    ((2, 4, 5, 3), (3, 3, 1, 6), (1, 1), (1, 1, 1, 1), (1, 1), 3),
    ((2, 4, 4, 35), (1, 1, 35, 33), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((1, 3, 2, 2), (3, 2, 2, 2), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((2, 9, 3), (4, 3, 5), (3,), (2, 1), (1,), 1),
    ((1, 8, 2), (2, 1, 4), (1,), (2, 0), (2,), 2),
    ((2, 3, 1), (2, 1, 1), (5,), (0, 0), (1,), 1),
    ((0, 5, 6, 3), (3, 2, 3, 4), (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ((17, 4, 4, 2), (3, 3, 2, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((2, 30, 29, 20), (5, 4, 20, 33), (1, 1), (2, 2, 0, 3), (1, 1), 1),
]


def attributes(strides, padding, dilation, groups):
    return {
        "strides": list(strides),
        "padding": list(padding),
        "dilation": list(dilation),
        "groups": groups,
    }


def samples_of(kind):
    """Of 'conv', of its gradient to the input or to the kernel."""
    made = []
    for x, k, *rest in SHAPES:
        attrs = attributes(*rest)
        y = (x[0], *counts_of(x, k[:-2], *rest[:3]), k[-1])
        if kind == "conv":
            made.append(sample(anything(*x), anything(*k), **attrs))
        elif kind == "input":
            made.append(sample(anything(*y), anything(*k), **attrs, shape=list(x)))
        else:
            made.append(sample(anything(*x), anything(*y), **attrs, kernel=list(k[:-2])))
    return made


def magnitude(f):
    """The bound of a sum's error: as many terms as the sum of all ones has, of their size."""

    def bound(a, b, **attrs):
        terms = f(np.ones_like(a), np.ones_like(b), **attrs)
        return terms * f(np.abs(a), np.abs(b), **attrs)

    return bound


F2 = [("float32", (2, 5, 6, 3)), ("float32", (3, 2, 3, 4))]
PLAIN = attributes((1, 1), (0, 0, 0, 0), (1, 1), 1)
case(
    "conv",
    conv,
    samples_of("conv"),
    absolute=magnitude(conv),
    refusals=[
        refuse("expected input of 3 channels", ("float32", (2, 5, 6, 4)), F2[1], **PLAIN),
        refuse("expected inputs of one dtype", F2[0], ("float64", (3, 2, 3, 4)), **PLAIN),
        refuse("expected a kernel", F2[0], ("float32", (3, 3, 4)), **PLAIN),
        refuse("expected a kernel", F2[0], ("float32", (None, 2, 3, 4)), **PLAIN),
        refuse("expected shape", ("float32", (2, 5)), F2[1], **PLAIN),
        refuse("expected a known number of channels", ("float32", (2, 5, 6, None)), F2[1], **PLAIN),
        refuse("at least 3 elements along axis 1", ("float32", (2, 2, 6, 3)), F2[1], **PLAIN),
        refuse("divides 4 filters, got 3", *F2, **{**PLAIN, "groups": 3}),
        refuse("divides 4 filters, got 0", *F2, **{**PLAIN, "groups": 0}),
        refuse("expected strides of 2", *F2, **{**PLAIN, "strides": [1]}),
        refuse("expected strides of 2", *F2, **{**PLAIN, "strides": [0, 1]}),
        refuse("expected dilation of 2", *F2, **{**PLAIN, "dilation": [1, -1]}),
        refuse("expected padding of 4", *F2, **{**PLAIN, "padding": [0, 0]}),
        refuse("expected padding in front", *F2, **{**PLAIN, "padding": [-1, 0, 0, 0]}),
    ],
)
case(
    "conv_input_grad",
    conv_input_grad,
    samples_of("input"),
    absolute=magnitude(conv_input_grad),
    refusals=[
        refuse(r"gradient of shape \(2, 3, 5, 4\)", F2[0], F2[1], **PLAIN, shape=[2, 5, 6, 3]),
        refuse(
            "expected input of 3 channels",
            ("float32", (2, 3, 5, 4)),
            F2[1],
            **PLAIN,
            shape=[2, 5, 6, 2],
        ),
    ],
)
case(
    "conv_kernel_grad",
    conv_kernel_grad,
    samples_of("kernel"),
    absolute=magnitude(conv_kernel_grad),
    refusals=[
        refuse(r"gradient of shape \(2, 3, 5, 4\)", F2[0], ("float32", (2, 3, 4, 4)), **PLAIN,
               kernel=[3, 2]),
        refuse("inputs of one rank", F2[0], ("float32", (2, 3, 4)), **PLAIN, kernel=[3, 2]),
        refuse("windows over 2 axes", F2[0], ("float32", (2, 3, 5, 4)), **{**PLAIN,
               "strides": [1], "dilation": [1], "padding": [0, 0]}, kernel=[3]),
    ],
)  # fmt: skip


def pooled(x, size, strides, padding, function, identity):
    """function(stacked elements) of each window, and the elements' places."""
    ones = (1,) * len(size)
    y = np.zeros((len(x), *counts_of(x.shape, size, strides, padding, ones), x.shape[-1]))
    axes = windows(x.shape[1:-1], size, strides, padding, ones)
    for at in itertools.product(*(range(len(a)) for a in axes)):
        inside = list(itertools.product(*(a[i] for a, i in zip(axes, at, strict=True))))
        elements = np.stack([x[(slice(None), *(t[1] for t in taps))] for taps in inside])
        y[(slice(None), *at)] = function(elements) if x.size else identity
    return y


def max_pool(x, size, strides, padding):
    return pooled(x, size, strides, padding, lambda e: e.max(0), 0)


def average_pool(x, size, strides, padding):
    return pooled(x, size, strides, padding, lambda e: e.mean(0), 0)


def each_place(shape, size, strides, padding):
    ones = (1,) * len(size)
    for at, tap, place in each_product(shape, size, strides, padding, ones):
        yield (slice(None), *at), int(np.ravel_multi_index(tap, size)), (slice(None), *place)


def max_pool_grad(g, places, size, strides, padding, shape):
    x = np.zeros(shape)
    for at, tap, place in each_place(shape, size, strides, padding):
        x[place] += np.where(places[at] == tap, g[at], 0)
    return x


def max_pool_take(x, places, size, strides, padding):
    y = np.zeros(places.shape)
    for at, tap, place in each_place(x.shape, size, strides, padding):
        y[at] = np.where(places[at] == tap, x[place], y[at])
    return y


def average_pool_grad(g, size, strides, padding, shape):
    x = np.zeros(shape)
    counts = np.zeros(g.shape)
    for at, _, _ in each_place(shape, size, strides, padding):
        counts[at] += 1
    for at, _, place in each_place(shape, size, strides, padding):
        x[place] += g[at] / counts[at]
    return x


# x, size, strides, padding
POOLS = [
    ((2, 4, 6, 3), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((2, 5, 7, 3), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((1, 5, 7, 17), (3, 2), (1, 2), (1, 1, 1, 0)),
    ((2, 5, 5, 2), (2, 3), (2, 2), (0, 1, 1, 1)),
    ((1, 7, 4, 33), (2, 2), (3, 1), (0, 0, 0, 0)),
    ((2, 9, 3), (4,), (3,), (2, 1)),
    ((3, 6, 1), (2,), (2,), (0, 0)),
    ((0, 4, 6, 3), (2, 2), (2, 2), (0, 0, 0, 0)),
    ((1, 18, 17, 2), (17, 16), (1, 1), (0, 0, 0, 0)),
]


def pool_samples(kind):
    """Of 'pool', or of the gradient ops; places are given where every one is inside x."""
    made = []
    for x, size, strides, padding in POOLS:
        attrs = {"size": list(size), "strides": list(strides), "padding": list(padding)}
        y = (x[0], *counts_of(x, size, strides, padding, (1,) * len(size)), x[-1])
        count = int(np.prod(size))
        places = Input(y, "index", "int32" if count > 256 else "uint8", 0, count)
        if kind == "pool":
            made.append(sample(distinct(*x), **attrs))
        elif kind == "average_grad":
            made.append(sample(anything(*y), **attrs, shape=list(x)))
        elif any(padding):
            continue
        elif kind == "grad":
            made.append(sample(anything(*y), places, **attrs, shape=list(x)))
        else:
            made.append(sample(anything(*x), places, **attrs))
    return made


X = ("float32", (2, 4, 6, 3))
POOL = {"size": [2, 2], "strides": [2, 2], "padding": [0, 0, 0, 0]}
POOL_REFUSALS = [
    refuse("expected shape", ("float32", (2, 4)), **POOL),
    refuse("expected window sizes of 2", X, **{**POOL, "size": [0, 2]}),
    refuse("windows over 2 axes", X, size=[2], strides=[2], padding=[0, 0]),
    refuse("less padding than a window's size", X, **{**POOL, "padding": [2, 0, 0, 0]}),
    refuse("at least 2 elements along axis 1", ("float32", (2, 1, 6, 3)), **POOL),
]
case("max_pool", max_pool, pool_samples("pool"), relative=0, refusals=POOL_REFUSALS)
case("average_pool", average_pool, pool_samples("pool"), absolute=600, refusals=POOL_REFUSALS)
case(
    "max_pool_grad",
    max_pool_grad,
    pool_samples("grad"),
    absolute=600,
    refusals=[
        refuse("places of shape", ("float32", (2, 2, 3, 3)), ("uint8", (2, 2, 3, 1)), **POOL,
               shape=[2, 4, 6, 3]),
        refuse("places of uint8", ("float32", (2, 2, 3, 3)), ("int32", (2, 2, 3, 3)), **POOL,
               shape=[2, 4, 6, 3]),
    ],
)  # fmt: skip
case("max_pool_take", max_pool_take, pool_samples("take"), relative=0)
case("average_pool_grad", average_pool_grad, pool_samples("average_grad"), absolute=600)
