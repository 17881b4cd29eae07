"""Samples of operations on images."""

from __future__ import annotations

import numpy as np

from samples import anything, case, refuse, sample, uniform


def place(i, size, fill_mode):
    """The pixel that number i stands for, and whether it is one of the image."""
    inside = (i >= 0) & (i < size)
    if fill_mode == "reflect":
        i = i % (2 * size)
        return np.where(i < size, i, 2 * size - 1 - i), True
    if fill_mode == "wrap":
        return i % size, True
    return np.clip(i, 0, size - 1), inside if fill_mode == "constant" else True


def taps(s, size, interpolation, fill_mode):
    """(pixels, whether they are of the image, weights) of one axis."""
    if interpolation == "nearest":
        rounded = np.floor(np.abs(s) + 0.5) * np.sign(s)
        return [(*place(rounded.astype(np.int64), size, fill_mode), np.ones_like(s))]
    low = np.floor(s)
    return [
        (*place(low.astype(np.int64) + k, size, fill_mode), s - low if k else 1 - (s - low))
        for k in (0, 1)
    ]


def products(matrices, n, image_size, size, interpolation, fill_mode):
    """(image, row, column, whether inside, weight) of each pixel read; arrays (n, *size)."""
    y, x = np.meshgrid(*map(np.arange, size), indexing="ij")
    m = np.broadcast_to(matrices, (n, 6))[:, :, None, None]
    rows = taps(m[:, 3] * x + m[:, 4] * y + m[:, 5], image_size[0], interpolation, fill_mode)
    columns = taps(m[:, 0] * x + m[:, 1] * y + m[:, 2], image_size[1], interpolation, fill_mode)
    image = np.arange(n)[:, None, None]
    for row, row_inside, row_weight in rows:
        for column, column_inside, column_weight in columns:
            yield image, row, column, row_inside & column_inside, row_weight * column_weight


def affine(images, matrices, interpolation, fill_mode, fill_value, size):
    out = np.zeros((len(images), *size, images.shape[3]))
    if out.size == 0:
        return out
    for image, row, column, inside, weight in products(
        matrices, len(images), images.shape[1:3], size, interpolation, fill_mode
    ):
        read = np.where(np.asarray(inside)[..., None], images[image, row, column], fill_value)
        out += weight[..., None] * read
    return out


def affine_gradient(g, matrices, interpolation, fill_mode, fill_value, image_size):
    out = np.zeros((len(g), *image_size, g.shape[3]))
    if g.size == 0:
        return out
    for image, row, column, inside, weight in products(
        matrices, len(g), image_size, g.shape[1:3], interpolation, fill_mode
    ):
        weight = np.where(inside, weight, 0.0)[..., None]
        places = tuple(np.broadcast_to(a, weight.shape[:3]) for a in (image, row, column))
        np.add.at(out, places, weight * g)
    return out


MODES = [
    (i, m) for i in ("bilinear", "nearest") for m in ("constant", "nearest", "reflect", "wrap")
]
# (images, matrices, size of the output): odd sizes, single pixels, more than a vector of columns,
# one matrix for all, nothing at all, more pixels than a block of a GPU has threads.
SHAPES = [
    ((2, 5, 7, 1), 2, (5, 7)),
    ((3, 4, 3, 2), 1, (6, 19)),
    ((1, 1, 1, 3), 1, (2, 3)),
    ((2, 3, 33, 1), 2, (2, 35)),
    ((0, 3, 3, 1), 0, (3, 3)),
    ((2, 3, 3, 1), 2, (0, 3)),
    ((1, 3, 4, 1), 1, (17, 17)),
]


def settings(interpolation, fill_mode):
    return {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": 0.75}


IMAGES, MATRICES = ("float32", (2, 3, 4, 1)), ("float32", (2, 6))


def refusals(sizes):
    good = {**settings("nearest", "wrap"), sizes: [3, 4]}
    rank3, matrices = ("float32", (2, 3, 4)), ("float32", (2, 6))
    return [
        refuse("expected images of shape", rank3, matrices, **good),
        refuse("expected matrices of shape", IMAGES, ("float32", (2, 8)), **good),
        refuse("expected matrices of shape", IMAGES, ("float32", (3, 6)), **good),
        refuse("expected matrices of shape", IMAGES, ("float32", (6,)), **good),
        refuse("expected matrices of the images' dtype", IMAGES, ("float64", (2, 6)), **good),
        refuse("expected two sizes", IMAGES, MATRICES, **{**good, sizes: [3]}),
        refuse("fill_mode to be one of", IMAGES, MATRICES, **{**good, "fill_mode": "mirror"}),
        refuse("interpolation to be one", IMAGES, MATRICES, **{**good, "interpolation": "cubic"}),
    ]


# Coordinates reach 2 * 35 + 2: their error, that of the weights, grows with them.
case(
    "affine_transform",
    affine,
    [
        sample(anything(*images), uniform(-2.0, 2.0, n, 6), **settings(*modes), size=list(size))
        for images, n, size in SHAPES
        for modes in MODES
    ],
    absolute=600,
    refusals=refusals("size"),
    constant_inputs=(1,),
)
case(
    "affine_transform_grad",
    affine_gradient,
    [
        sample(
            anything(images[0], *size, images[3]),
            uniform(-2.0, 2.0, n, 6),
            **settings(*modes),
            image_size=list(images[1:3]),
        )
        for images, n, size in SHAPES
        for modes in MODES
    ],
    absolute=2000,
    refusals=refusals("image_size"),
    constant_inputs=(1,),
)
