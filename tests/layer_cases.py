"""The layers that are recorded from Keras: settings, inputs, masks; the same for both libraries."""

from __future__ import annotations

from typing import Any

import numpy as np

Case = dict[str, Any]


def case(
    layer: str, *shapes: tuple[int, ...], mask: str = "", training: bool = False, **config: Any
) -> Case:
    """A layer called on one input, or on a list of them.

    Args:
        layer: the class's name.
        shapes: of the inputs.
        mask: for each input 'm' where it has a mask, '-' where not; '' for none at all.
        training: whether it is the training phase.
        config: the constructor's arguments.
    """
    return {
        "layer": layer,
        "config": config,
        "shapes": [list(shape) for shape in shapes],
        "mask": mask,
        "training": training,
    }


STEPS, IMAGES = (3, 4, 2), (2, 5, 3, 4)
ELEMENTWISE = ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"]

CASES: list[Case] = [
    case("Dense", (5, 3), units=4),
    case("Dense", (2, 3, 5), units=2, activation="tanh", use_bias=False),
    case("Dense", STEPS, units=3, activation="softmax", mask="m"),
    case("Dense", (1, 1), units=1, activation="sigmoid"),
    case("Embedding", (3, 4), input_dim=6, output_dim=3),
    case("Embedding", (3, 4), input_dim=6, output_dim=2, mask_zero=True),
    case("Masking", STEPS, mask_value=0.0),
    case("Identity", STEPS, mask="m"),
    case("Activation", (3, 5), activation="gelu"),
    case("ReLU", (3, 5)),
    case("ReLU", (3, 5), max_value=0.7, negative_slope=0.2, threshold=0.3),
    case("LeakyReLU", (3, 5)),
    case("LeakyReLU", (3, 5), negative_slope=0.01),
    case("ELU", (3, 5), alpha=0.7),
    case("PReLU", (3, 5)),
    case("PReLU", IMAGES, shared_axes=[1, 2]),
    case("Softmax", (3, 5)),
    case("Softmax", (3, 4, 2), axis=1),
    case("Softmax", (3, 4, 2), axis=[1, 2]),
    case("Softmax", (3, 5), mask="m"),
    *[case(name, (3, 4), (3, 4), (3, 4)) for name in ELEMENTWISE if name != "Subtract"],
    case("Subtract", (3, 4), (3, 4)),
    *[case(name, STEPS, STEPS, mask="mm") for name in ELEMENTWISE],
    *[case(name, STEPS, STEPS, mask="m-") for name in ELEMENTWISE],
    *[case(name, (3, 2), STEPS) for name in ("Add", "Multiply", "Maximum")],
    case("Average", (3, 1, 2), STEPS),
    case("Concatenate", (3, 2), (3, 1), (3, 4)),
    case("Concatenate", STEPS, (3, 2, 2), axis=1, mask="m-"),
    case("Concatenate", STEPS, (3, 4, 3), mask="mm"),
    case("Dot", (3, 4), (3, 4), axes=1),
    case("Dot", (3, 4), (3, 4), axes=1, normalize=True),
    case("Dot", (3, 4, 2), (3, 5, 2), axes=-1),
    case("Dot", (3, 4, 2), (3, 4, 5), axes=1),
    case("Dot", (3, 4, 2), (3, 2), axes=[2, 1]),
    case("Dot", (3, 4, 5), (3, 2, 4), axes=[1, 2]),
    case("Flatten", IMAGES),
    case("Flatten", (3,)),
    case("Reshape", (3, 4, 3), target_shape=[2, -1]),
    case("Permute", (2, 3, 4), dims=[2, 1]),
    case("Permute", IMAGES, dims=[3, 1, 2]),
    case("RepeatVector", (3, 4), n=3),
    case("Rescaling", (3, 4), scale=0.5, offset=-1.0),
    case("Rescaling", (3, 2), scale=[0.5, 2.0], offset=[1.0, -1.0]),
    case("ZeroPadding1D", STEPS),
    case("ZeroPadding1D", STEPS, padding=[2, 0]),
    case("ZeroPadding2D", IMAGES),
    case("ZeroPadding2D", IMAGES, padding=[2, 1]),
    case("ZeroPadding2D", IMAGES, padding=[[0, 2], [3, 1]]),
    case("Cropping1D", (2, 5, 3)),
    case("Cropping1D", (2, 5, 3), cropping=[3, 0]),
    case("Cropping2D", IMAGES, cropping=1),
    case("Cropping2D", IMAGES, cropping=[[0, 2], [1, 0]]),
    case("UpSampling1D", STEPS, size=3),
    case("UpSampling2D", IMAGES),
    case("UpSampling2D", IMAGES, size=[1, 3]),
    case("UpSampling2D", IMAGES, size=[3, 2], interpolation="bilinear"),
    case("UpSampling2D", (1, 1, 2, 3), size=[2, 4], interpolation="bilinear"),
    case("Conv1D", (2, 7, 3), filters=4, kernel_size=3),
    case("Conv1D", (2, 8, 3), filters=2, kernel_size=2, strides=2, padding="same"),
    case("Conv1D", (2, 7, 3), filters=2, kernel_size=3, dilation_rate=2, padding="causal"),
    case("Conv2D", IMAGES, filters=3, kernel_size=[2, 3], activation="relu"),
    case(
        "Conv2D", (1, 7, 6, 4), filters=6, kernel_size=3, strides=[2, 1], padding="same", groups=2
    ),
    case("Conv2D", (1, 6, 7, 2), filters=2, kernel_size=2, dilation_rate=[2, 3], use_bias=False),
    case("Conv1DTranspose", (2, 5, 3), filters=2, kernel_size=3, strides=2),
    case("Conv2DTranspose", IMAGES, filters=3, kernel_size=3, strides=2, padding="same"),
    case("MaxPooling1D", (2, 7, 3)),
    case("MaxPooling1D", (2, 7, 3), pool_size=3, strides=2, padding="same"),
    case("MaxPooling2D", (2, 5, 4, 2)),
    case("MaxPooling2D", (2, 5, 4, 2), pool_size=[2, 3], strides=1, padding="same"),
    case("AveragePooling1D", (2, 7, 3), pool_size=3, strides=2, padding="same"),
    case("AveragePooling2D", (2, 5, 4, 2), pool_size=[3, 2]),
    case("AveragePooling2D", (2, 5, 4, 2), pool_size=2, padding="same"),
    case("GlobalMaxPooling1D", (2, 5, 3)),
    case("GlobalMaxPooling2D", IMAGES, keepdims=True),
    case("GlobalAveragePooling1D", (2, 5, 3)),
    case("GlobalAveragePooling1D", (2, 5, 3), mask="m"),
    case("GlobalAveragePooling2D", IMAGES),
    case("CenterCrop", IMAGES, height=3, width=2),
    case("Resizing", IMAGES, height=7, width=2),
    case("BatchNormalization", (6, 3)),
    case("BatchNormalization", (6, 3), training=True, momentum=0.8),
    case("BatchNormalization", STEPS, training=True, epsilon=0.01, scale=False),
    case("BatchNormalization", STEPS, training=True, mask="m"),
    case("BatchNormalization", STEPS, mask="m", center=False),
    case("BatchNormalization", IMAGES, training=True),
    case("BatchNormalization", IMAGES, training=True, axis=1),
    case("LayerNormalization", (3, 5)),
    case("LayerNormalization", STEPS, axis=1, epsilon=0.01, center=False),
    case("LayerNormalization", IMAGES, axis=[1, 3]),
    case("LayerNormalization", IMAGES, axis=[-3, -2, -1], scale=False),
    case("GroupNormalization", IMAGES, groups=2),
    case("GroupNormalization", (2, 3, 6), groups=-1, epsilon=0.1),
    case("GroupNormalization", (2, 6, 3), groups=3, axis=1),
    case("GroupNormalization", (3, 4), groups=1, scale=False),
    case("UnitNormalization", (3, 4)),
    case("UnitNormalization", IMAGES, axis=[1, 2]),
    case("Normalization", (4, 2), mean=[1.0, -1.0], variance=[4.0, 0.25]),
    case("Normalization", (4, 3, 2), axis=None, mean=0.5, variance=2.0),
    case("Normalization", (4, 2), mean=[1.0, -1.0], variance=[4.0, 0.25], invert=True),
    case("Dropout", (3, 4), rate=0.5),
    case("SpatialDropout1D", STEPS, rate=0.5),
    case("SpatialDropout2D", IMAGES, rate=0.5),
    case("GaussianNoise", (3, 4), stddev=0.5),
    case("GaussianDropout", (3, 4), rate=0.5),
    case("AlphaDropout", (3, 4), rate=0.5),
    case("ActivityRegularization", (3, 4), l1=0.1, l2=0.2),
]


def label(one: Case) -> str:
    """A short name of a case."""
    shapes = "+".join("x".join(map(str, shape)) for shape in one["shapes"])
    settings = ",".join(f"{key}={value}" for key, value in one["config"].items())
    parts = [one["layer"], shapes, settings, one["mask"], "training" * one["training"]]
    return "-".join(part for part in parts if part)


def inputs_of(number: int) -> list[np.ndarray]:
    """The inputs of a case; those of an Embedding are whole numbers, of a Masking some zeros."""
    one, rng = CASES[number], np.random.default_rng([number, 1])
    arrays = [rng.normal(size=shape) for shape in one["shapes"]]
    if one["layer"] == "Embedding":
        return [rng.integers(0, one["config"]["input_dim"], size=one["shapes"][0])]
    if one["layer"] == "Masking":
        arrays[0][:, 1::2] = 0.0
    return arrays


def masks_of(number: int) -> list[np.ndarray | None]:
    """A mask, without the last axis of its input (Softmax: with it), or None for each input."""
    one, rng = CASES[number], np.random.default_rng([number, 2])
    found: list[np.ndarray | None] = []
    for shape, letter in zip(one["shapes"], one["mask"] or "-" * len(one["shapes"]), strict=True):
        own = shape if one["layer"] == "Softmax" else shape[:-1]
        found.append(rng.random(size=own) < 0.6 if letter == "m" else None)
    return found


def weights_of(number: int, shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Positive weights: variances are among them."""
    rng = np.random.default_rng([number, 3])
    return [rng.uniform(0.2, 1.8, size=shape) for shape in shapes]


def factors_of(number: int, shape: tuple[int, ...]) -> np.ndarray:
    """What the output is multiplied by: the sum of the products is differentiated."""
    return np.random.default_rng([number, 4]).normal(size=shape)
