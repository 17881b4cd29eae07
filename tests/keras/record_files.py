"""Records files.npz: models in files as Keras writes them, with inputs and what Keras predicts."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np

from recording import FIGURES, keras

kl = keras.layers

keras.config.set_floatx("float32")
RNG = np.random.default_rng(4)


def stack():
    """Layers of a table: dense, normalised, with noise and every kind of argument."""
    adapted = kl.Normalization()
    adapted.adapt(RNG.normal(3.0, 2.0, size=(50, 4)))
    return keras.Sequential(
        [
            keras.Input((4,)),
            adapted,
            kl.Dense(5, activation="relu", kernel_regularizer="l2", kernel_constraint="max_norm"),
            kl.BatchNormalization(momentum=0.9, epsilon=1e-2),
            kl.Dropout(0.2, seed=3),
            kl.Dense(6, use_bias=False, kernel_initializer=keras.initializers.HeNormal(2)),
            kl.LayerNormalization(),
            kl.LeakyReLU(negative_slope=0.1),
            kl.GaussianNoise(0.1),
            kl.Reshape((2, 3)),
            kl.Permute((2, 1)),
            kl.PReLU(),
            kl.Flatten(),
            kl.Activation("gelu"),
            kl.Dense(3, activation="softmax", trainable=False),
        ],
        name="stack",
    )


def graph():
    """A shared layer, a nested model, two inputs and two outputs."""
    a, b = keras.Input((4,), name="a"), keras.Input((6,), name="b", dtype="int32")
    dense = kl.Dense(4, activation="tanh", name="shared")
    inner = keras.Sequential([keras.Input((4,)), kl.Dense(3), kl.ReLU(6.0)], name="inner")
    left = kl.Add()([a, dense(dense(a))])
    right = kl.Flatten()(kl.Embedding(7, 2)(b))
    joined = kl.Concatenate(axis=-1)([inner(left), right])
    return keras.Model([a, b], [kl.Dense(2, name="out")(joined), joined], name="graph")


def images():
    """Convolutions and pooling of every kind, over images and over sequences."""
    x = keras.Input((9, 8, 3))
    h = kl.ZeroPadding2D(((1, 0), (2, 1)))(x)
    h = kl.DepthwiseConv2D(3, depth_multiplier=2)(h)
    h = kl.Conv2D(4, (3, 2), strides=2, padding="same", activation="relu")(h)
    h = kl.BatchNormalization()(h)
    h = kl.MaxPooling2D(2, padding="same")(h)
    h = kl.Conv2D(6, 3, dilation_rate=2, padding="same", groups=2, use_bias=False)(h)
    h = kl.Conv2DTranspose(3, 3, strides=2, padding="same")(h)
    h = kl.Cropping2D(1)(kl.UpSampling2D(2)(kl.SpatialDropout2D(0.1)(h)))
    flat = kl.Reshape((-1, 3))(h)
    rows = kl.Conv1D(4, 3, padding="causal", activation="tanh")(flat)
    rows = kl.SeparableConv1D(3, 2)(kl.AveragePooling1D(2)(rows))
    joined = [kl.GlobalAveragePooling2D()(h), kl.GlobalMaxPooling1D()(rows)]
    return keras.Model(x, kl.Dense(2)(kl.Concatenate()(joined)), name="images")


def sequences():
    """Recurrent layers: stacked, in both directions, wrapped, over a mask."""
    x = keras.Input((6,), dtype="int32")
    h = kl.Embedding(7, 3, mask_zero=True)(x)
    h = kl.Bidirectional(kl.LSTM(2, return_sequences=True))(h)
    h = kl.GRU(3, return_sequences=True)(h)
    h = kl.TimeDistributed(kl.Dense(3, activation="relu"))(h)
    h = kl.RNN([kl.LSTMCell(2), kl.GRUCell(3)], return_sequences=True)(h)
    h = kl.Bidirectional(kl.GRU(2, reset_after=False), merge_mode="sum")(h)
    y = keras.Input((5, 2))
    g = kl.Masking(0.0)(y)
    g = kl.SimpleRNN(4, return_sequences=True, go_backwards=True)(g)
    g = kl.LSTM(2, unit_forget_bias=False, recurrent_activation="hard_sigmoid")(g)
    return keras.Model([x, y], kl.Concatenate()([h, g]), name="sequences")


def stateful():
    """A layer whose state goes on from batch to batch of five rows."""
    x = keras.Input(batch_shape=(5, 4, 2))
    h = kl.LSTM(3, stateful=True, return_sequences=True)(x)
    return keras.Model(x, kl.GRU(2, stateful=True)(h), name="stateful")


CASES = {
    "stack": stack,
    "graph": graph,
    "images": images,
    "sequences": sequences,
    "stateful": stateful,
}


def inputs_of(model) -> list[np.ndarray]:
    found = []
    for tensor in model.inputs:
        shape = (5, *tensor.shape[1:])
        whole = "int" in tensor.dtype
        found.append(RNG.integers(0, 7, shape) if whole else RNG.normal(size=shape))
    return [np.asarray(x, "int32" if x.dtype.kind == "i" else "float32") for x in found]


def shaken(model) -> None:
    """Gives every weight numbers of its own: zeros and ones would hide a wrong place."""
    for weight in model.weights:
        # Normalization computes with a copy of what it was adapted to.
        skipped = "seed" in weight.path or weight.path.startswith("normalization")
        if not skipped and "float" in str(weight.dtype):
            low = 0.5 if "variance" in weight.path else -1.0
            weight.assign(RNG.uniform(low, 1.5, weight.shape))


def main() -> None:
    arrays: dict[str, np.ndarray] = {}
    cases = []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, make in CASES.items():
            model = make()
            shaken(model)
            given = inputs_of(model)
            made = model.predict(given if len(given) > 1 else given[0], batch_size=5, verbose=0)
            for layer in model.layers:
                if getattr(layer, "stateful", False):
                    layer.reset_states()
            made = made if isinstance(made, list) else [made]
            for kind, suffix in (("x", given), ("y", made)):
                arrays.update({f"{name}/{kind}{i}": a for i, a in enumerate(suffix)})
            for suffix in ("keras", "h5"):
                path = Path(folder) / f"{name}.{suffix}"
                model.save(path)
                arrays[f"{name}/{suffix}"] = np.frombuffer(path.read_bytes(), np.uint8)
            cases.append({"name": name, "inputs": len(given), "outputs": len(made)})
    FIGURES.mkdir(exist_ok=True)
    path = FIGURES / "files.npz"
    keep = {"keras": np.array(keras.__version__), "cases": np.array(json.dumps(cases))}
    np.savez_compressed(path, **keep, **arrays)
    print(f"files.npz: {len(cases)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
