"""Records Keras's affine transforms, the matrices of its layers, its crops and resizing.

Run: python tests/keras/record_images.py (see README.md).
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from recording import keras, save_npz

INTERPOLATIONS = ("bilinear", "nearest")
FILL_MODES = ("constant", "nearest", "reflect", "wrap")
# The images of each case by name: odd sizes, several channels, one row, one pixel.
SHAPES = {"odd": (4, 7, 6, 2), "flat": (2, 1, 5, 1), "pixel": (2, 1, 1, 3), "square": (3, 8, 8, 1)}
SIZES = [(3, 4), (9, 5), (16, 16), (2, 7)]


def make_matrices(rng: np.random.Generator, n: int) -> np.ndarray:
    """Rotations with scales and shifts of several pixels, far outside included; no two the same."""
    linear = rng.uniform(-1.6, 1.6, (n, 2, 2))
    shift = rng.uniform(-9.0, 9.0, (n, 2))
    return np.concatenate(
        [linear[:, 0], shift[:, :1], linear[:, 1], shift[:, 1:], np.zeros((n, 2))], axis=1
    )


def transforms(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> list[dict[str, Any]]:
    cases = []
    for name, shape in SHAPES.items():
        arrays[f"{name}_images"] = rng.normal(size=shape).round(3)
        arrays[f"{name}_matrices"] = make_matrices(rng, shape[0])
        for interpolation, fill_mode in itertools.product(INTERPOLATIONS, FILL_MODES):
            case = {"images": name, "interpolation": interpolation, "fill_mode": fill_mode}
            arrays[f"transform_{len(cases)}"] = np.asarray(
                keras.ops.image.affine_transform(
                    arrays[f"{name}_images"],
                    arrays[f"{name}_matrices"],
                    interpolation,
                    fill_mode,
                    fill_value=0.5,
                    data_format="channels_last",
                )
            )
            cases.append({"what": "transform", **case})
    return cases


def matrices(arrays: dict[str, np.ndarray], rng: np.random.Generator) -> list[dict[str, Any]]:
    """What Keras's layers make of given draws, for images of 7 by 10."""
    height, width = 7, 10
    first, second = rng.uniform(0.6, 1.5, (2, 5, 1))
    shift = rng.uniform(-4.0, 4.0, (5, 2))
    zeros, ones = np.zeros(5), np.ones(5)
    rotation = keras.layers.RandomRotation(0.5)._compute_affine_matrix(
        0.5, 0.5, first[:, 0] * 180, zeros, zeros, ones, zeros, zeros, height, width
    )
    zooms = np.concatenate([first, second], axis=1)  # width first
    zoom = keras.layers.RandomZoom(0.5)._get_zoom_matrix(zooms, height, width)
    shifted = keras.layers.RandomTranslation(0.5, 0.5)._get_translation_matrix(shift)
    shear = keras.layers.RandomShear(0.5, 0.5)._get_shear_matrix(zooms - 1.0)
    arrays.update(
        draws_first=first,
        draws_second=second,
        draws_shift=shift,
        matrix_rotation=np.asarray(rotation),
        matrix_zoom=np.asarray(zoom),
        matrix_translation=np.asarray(shifted),
        matrix_shear=np.asarray(shear),
    )
    return []


def sizes(arrays: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    cases = []
    for name, (height, width) in itertools.product(("odd",), SIZES):
        layers = {
            f"resizing_{interpolation}_{crop}": keras.layers.Resizing(
                height, width, interpolation, crop_to_aspect_ratio=crop
            )
            for interpolation in INTERPOLATIONS
            for crop in (False, True)
        }
        layers["center_crop"] = keras.layers.CenterCrop(height, width)
        for kind, layer in layers.items():
            key = f"{kind}_{name}_{height}_{width}"
            arrays[key] = np.asarray(layer(arrays[f"{name}_images"]))
            cases.append(
                {"what": "size", "kind": kind, "images": name, "size": [height, width], "key": key}
            )
    return cases


def main() -> None:
    rng = np.random.default_rng(20)
    arrays: dict[str, np.ndarray] = {}
    cases = [*transforms(arrays, rng), *matrices(arrays, rng), *sizes(arrays)]
    save_npz("images", cases, **arrays)


if __name__ == "__main__":
    main()
