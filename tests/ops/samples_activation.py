"""Samples of activations, their gradients and the sigmoid cross-entropy."""

from __future__ import annotations

import numpy as np

from samples import SHAPES, anything, case, derivative, refuse, sample, uniform
from samples_elementwise import erf

ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805
PAIR = refuse("cannot be broadcast together", ("float32", (2, 3)), ("float32", (2, 2)))
TWO = refuse("expected 1 inputs, got 2", ("float32", (2,)), ("float32", (2,)))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


def gelu_tanh(x):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(inner))


def gelu(x):
    return 0.5 * x * (1 + erf(np.asarray(x, np.float64) / np.sqrt(2)))


def gelu_slope(x):
    return 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(x))


def celu(x, alpha):
    return np.maximum(x, 0) + np.minimum(alpha * np.expm1(x / alpha), 0)


def hard_sigmoid(x):
    return np.clip(x / 6 + 0.5, 0, 1)


# Errors grow where the formula cancels, so they are counted against 1 beside the result.
def activation(name, f, slope=None, attrs=({},), **kw):
    case(name, f, [sample(anything(*s), **a) for s in SHAPES for a in attrs], absolute=8, **kw)
    slope = slope or derivative(f)
    case(
        name + "_grad",
        lambda g, x, **a: g * slope(x, **a),
        [sample(anything(*s), anything(*s), **a) for s in SHAPES for a in attrs],
        absolute=64,
        floor=1e-11,
        refusals=[PAIR] if not attrs[0] else (),
    )


# These take their slope from the output, which lies in the function's range.
def from_output(name, f, slope, low, high):
    case(name, f, [sample(anything(*s)) for s in SHAPES], absolute=4, refusals=[TWO])
    case(
        name + "_grad",
        lambda g, y: g * slope(y),
        [sample(anything(*s), uniform(low, high, *s)) for s in SHAPES],
        absolute=8,
        refusals=[PAIR],
    )


from_output("relu", lambda x: np.maximum(x, 0), lambda y: y > 0, -1.0, 3.0)
from_output("sigmoid", sigmoid, lambda y: y * (1 - y), 0.05, 0.95)
from_output("tanh", np.tanh, lambda y: 1 - y * y, -0.95, 0.95)
activation("relu6", lambda x: np.clip(x, 0, 6))
activation(
    "leaky_relu",
    lambda x, slope: np.where(x >= 0, x, slope * x),
    attrs=({"slope": 0.2}, {"slope": 0.01}),
)
activation("elu", elu, attrs=({"alpha": 1.0}, {"alpha": 0.3}))
activation("selu", lambda x: SCALE * elu(x, ALPHA))
activation("celu", celu, attrs=({"alpha": 1.0}, {"alpha": 0.7}))
activation("log_sigmoid", lambda x: -softplus(-x))
activation("softplus", softplus)
activation("softsign", lambda x: x / (1 + abs(x)))
activation("silu", lambda x: x * sigmoid(x))
activation("mish", lambda x: x * np.tanh(softplus(x)))
activation("gelu", gelu, gelu_slope)
activation("gelu_tanh", gelu_tanh)
activation("hard_sigmoid", hard_sigmoid)
activation("hard_silu", lambda x: x * hard_sigmoid(x))
activation("hard_tanh", lambda x: np.clip(x, -1, 1))
case(
    "threshold",
    lambda x, theta: np.where(x > theta, 1.0, 0.0),
    [sample(anything(*s), theta=t) for s in SHAPES for t in (0.0, 1.0)],
    refusals=[refuse("missing attribute 'theta'", ("float32", (2,)))],
)

TARGETS = [((), ()), ((7,), (7,)), ((3, 5), (3, 1)), ((5,), (3, 5)), ((0, 2), (0, 2)), ((600,), ())]
case(
    "sigmoid_cross_entropy",
    lambda x, t: softplus(x) - x * t,
    [sample(anything(*a), uniform(0, 1, *b)) for a, b in TARGETS],
    absolute=16,
    refusals=[PAIR],
)
case(
    "sigmoid_cross_entropy_grad",
    lambda g, x, t: g * (sigmoid(x) - t),
    [sample(anything(*a), anything(*a), uniform(0, 1, *b)) for a, b in TARGETS],
    absolute=16,
)
