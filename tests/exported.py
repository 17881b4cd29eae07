"""Models that test_onnx.py and test_c.py hand to other programs."""

from __future__ import annotations

import numpy as np

from fastnn import layers, ops
from fastnn.layers import Dense, Layer

RNG = np.random.default_rng(0)


def floats(*shape):
    return RNG.normal(size=shape).astype("float32")


def shaken(model):
    """Weights that are neither zero nor one, so that a wrong place shows."""
    weights = [RNG.uniform(0.3, 1.0, w.shape) * RNG.choice([-1, 1], w.shape) for w in model.weights]
    names = [variable.name for variable in model.weights]
    pairs = zip(names, weights, strict=True)
    model.set_weights([abs(w) if "variance" in name else w for name, w in pairs])
    return model


STACKS = {
    "dense": ((4,), lambda: [Dense(5, activation="relu"), Dense(3, activation="softmax")]),
    "normalised": ((4,), lambda: [layers.BatchNormalization(), layers.LayerNormalization()]),
    "noise": ((4,), lambda: [layers.Dropout(0.5), layers.GaussianNoise(0.1), Dense(2)]),
    "reshaped": ((3, 4), lambda: [layers.Permute((2, 1)), layers.Reshape((2, 6)), layers.Flatten(),
                                  layers.RepeatVector(3)]),
    "scaled": ((4,), lambda: [layers.Rescaling(2.0, 1.0), layers.PReLU(), layers.LeakyReLU()]),
    "open axis": ((None, 3), lambda: [Dense(2), layers.Softmax()]),
    "conv": ((9, 8, 3), lambda: [layers.Conv2D(4, (3, 2), strides=2, padding="same"),
                                 layers.MaxPooling2D(2, padding="same"), layers.Flatten()]),
    "dilated": ((9, 8, 4), lambda: [layers.Conv2D(6, 3, dilation_rate=2, groups=2),
                                    layers.GlobalAveragePooling2D()]),
    "sequence": ((9, 3), lambda: [layers.Conv1D(4, 3, activation="tanh"),
                                  layers.AveragePooling1D(2, padding="same")]),
    "depthwise": ((6, 7, 3), lambda: [layers.DepthwiseConv2D(3, depth_multiplier=2),
                                      layers.GlobalMaxPooling2D()]),
    "separable": ((6, 7, 3), lambda: [layers.SeparableConv2D(4, 3, padding="same")]),
    "padded": ((5, 4, 2), lambda: [layers.ZeroPadding2D(((1, 0), (2, 1))), layers.UpSampling2D(2),
                                   layers.Cropping2D(1), layers.SpatialDropout2D(0.1)]),
    "causal": ((9, 3), lambda: [layers.Conv1D(4, 3, padding="causal"),
                                layers.SeparableConv1D(3, 2)]),
    "transposed": ((4, 3, 2), lambda: [layers.Conv2DTranspose(3, 3, strides=2, padding="same")]),
}  # fmt: skip


RECURRENT = {
    "lstm": ((5, 3), lambda: [layers.LSTM(4, return_sequences=True), layers.LSTM(2)]),
    "gru": ((5, 3), lambda: [layers.GRU(4, return_sequences=True, go_backwards=True),
                             layers.GRU(3, reset_after=False)]),
    "simple": ((5, 3), lambda: [layers.SimpleRNN(4, activation="relu")]),
    "loop": ((5, 3), lambda: [layers.LSTM(4, recurrent_activation="hard_sigmoid",
                                          return_sequences=True),
                              layers.RNN([layers.LSTMCell(2), layers.GRUCell(3)])]),
    "both ways": ((5, 3), lambda: [layers.Bidirectional(layers.GRU(3, return_sequences=True)),
                                   layers.Bidirectional(layers.LSTM(2))]),
    "each step": ((5, 3), lambda: [layers.TimeDistributed(Dense(2)), layers.Flatten()]),
    "masked": ((5, 3), lambda: [layers.Masking(), layers.LSTM(4, return_sequences=True),
                                layers.SimpleRNN(2)]),
}  # fmt: skip


class Computed(Layer):
    """A layer that is one function over ops."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def call(self, inputs):
        return self.function(inputs)


FUNCTIONS = {
    "arithmetic": lambda x: (x * 3.0 - 1.0) / (x * x + 2.0) + ops.maximum(x, 0.5) ** 2.0,
    "remainder": lambda x: ops.floor_divide(x, 0.7) + ops.mod(x, 0.7),
    "compared": lambda x: ops.cast(ops.logical_and(x > 0.0, ops.logical_not(x < 1.0)), "float32"),
    "chosen": lambda x: ops.where(ops.not_equal(ops.sign(x), 1.0), -x, ops.sqrt(ops.absolute(x))),
    "near zero": lambda x: ops.expm1(x * 1e-4) * 1e4 + ops.log1p(ops.absolute(x)),
    "waves": lambda x: ops.sin(x) + ops.cos(x) + ops.erf(x) + ops.rsqrt(ops.square(x) + 1.0),
    "rounded": lambda x: ops.floor(x) + ops.ceil(x) * 2.0 + ops.round(x * 2.0),
    "reduced": lambda x: ops.sum(x, axis=-1) + ops.mean(x, axis=1) * ops.max(x, axis=1)
    + ops.min(x, axis=1) + ops.prod(x, axis=1),
    "any": lambda x: ops.cast(ops.any(x > 1.0, axis=1), "float32"),
    "place": lambda x: ops.cast(ops.argmax(x, axis=1), "float32") + ops.argmin(x, axis=1) * 1.0,
    "sliced": lambda x: ops.concatenate([x[:, 1:3], x[:, ::-1], x[:, -1:]], axis=1),
    "product": lambda x: ops.matmul(ops.transpose(x), x) + ops.sum(x),
    "along an axis": lambda x: ops.take_along_axis(
        x, ops.stack([ops.argmax(x, axis=1), ops.argmin(x, axis=1)], axis=1), axis=1
    ),
    "one hot": lambda x: ops.one_hot(ops.cast(ops.absolute(x), "int64"), 4),
    "shape": lambda x: ops.reshape(ops.expand_dims(x, 1), (-1,)),
    "spread": lambda x: ops.broadcast_to(x[:, :1], x.dims) + ops.shape_of(x, 0, "float32"),
}  # fmt: skip


def recurrence(cell, reverse, masked):
    """A recurrent op whose kernel and states are constants, over (batch, time, 6) inputs."""
    blocks = {"lstm": 4, "gru": 3, "simple_rnn": 1}[cell]
    chance = np.random.default_rng(1)
    project, kernel, bias = (
        chance.normal(size=shape).astype("float32")
        for shape in ((6, 2 * blocks), (2, 2 * blocks), (2 * blocks,))
    )

    def call(x):
        zeros = ops.zeros_like(x[:, 0, :2])
        states = [zeros + 0.5, zeros - 0.25] if cell == "lstm" else [zeros + 0.5]
        given = [ops.matmul(x, project), kernel, *([bias] if cell == "gru" else []), *states]
        mask = x[:, :, 0] > 0.0 if masked else None
        made = getattr(ops, cell)(*given, mask=mask, reverse=reverse)
        made = made if isinstance(made, tuple) else (made,)
        return ops.concatenate([part[:, ::2] for part in made], axis=-1)

    return call
