"""Layers on images: Keras's transforms and sizes, the ranges of draws, training only, errors."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn import _core, layers, ops
from fastnn.models import Sequential
from kernels import TABLES

FIGURES = np.load(Path(__file__).parent / "keras" / "figures" / "images.npz")
CASES = json.loads(str(FIGURES["cases"]))
TRANSFORMS = [case for case in CASES if case["what"] == "transform"]
SIZED = [case for case in CASES if case["what"] == "size"]


def named(case) -> str:
    return "-".join(str(value) for value in case.values())


def batch(n: int = 400, height: int = 6, width: int = 8, channels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (n, height, width, channels)).astype("float32")


def augmented(layer, images):
    """What a layer makes of images in training."""
    x = fastnn.placeholder((None, *images.shape[1:]), dtype=str(images.dtype))
    return fastnn.function([x], layer(x, training=True))(images)


# --- the deterministic maps, against Keras


@pytest.mark.parametrize("table", [*TABLES, "reference"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("number", range(len(TRANSFORMS)), ids=map(named, TRANSFORMS))
def test_transforms_are_kerass(number, dtype, table):
    case = TRANSFORMS[number]
    before = _core.active_table()
    _core.set_active_table(table)
    try:
        got = ops.affine_transform(
            FIGURES[case["images"] + "_images"].astype(dtype),
            FIGURES[case["images"] + "_matrices"][:, :6].astype(dtype),
            case["interpolation"],
            case["fill_mode"],
            fill_value=0.5,
        )
    finally:
        _core.set_active_table(before)
    # float32 places are off by up to 2^-20 of a pixel, pixels differ by up to 6.
    tolerance = {"float32": 3e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(got, FIGURES[f"transform_{number}"], atol=tolerance)


def test_every_instruction_set_has_the_references_bits():
    rng = np.random.default_rng(8)
    before = _core.active_table()
    for _ in range(60):
        n, height, width, channels = (int(k) for k in rng.integers(1, (4, 9, 30, 4)))
        size = tuple(int(k) for k in rng.integers(1, (9, 40)))
        dtype = str(rng.choice(["float32", "float64"]))
        images = rng.normal(size=(n, height, width, channels)).astype(dtype)
        matrices = (rng.uniform(-2, 2, (n, 6)) * [1, 1, 20, 1, 1, 20]).astype(dtype)
        matrices[rng.random((n, 6)) < 0.1] = rng.choice([0.0, 0.5, 1.0, -1.5, 1e9, np.nan])
        interpolation = str(rng.choice(["bilinear", "nearest"]))
        fill_mode = str(rng.choice(["constant", "nearest", "reflect", "wrap"]))
        x = fastnn.placeholder(images.shape, dtype)
        m = fastnn.placeholder(matrices.shape, dtype)
        y = ops.affine_transform(x, m, interpolation, fill_mode, 0.5, size)
        seeds = rng.normal(size=tuple(y.shape)).astype(dtype)
        results = {}
        try:
            for table in ["reference", *TABLES]:
                _core.set_active_table(table)
                run = fastnn.function([x, m], [y, *fastnn.grad(ops.sum(y * seeds), [x])])
                results[table] = [np.asarray(r) for r in run(images, matrices)]
        finally:
            _core.set_active_table(before)
        for table in TABLES:
            for got, expected in zip(results[table], results["reference"], strict=True):
                np.testing.assert_array_equal(got, expected)


def test_matrices_are_kerass():
    images = fastnn.placeholder((None, 7, 10, 1), dtype="float64")
    first, second = fastnn.placeholder((5, 1), "float64"), fastnn.placeholder((5, 1), "float64")

    def matrix(coefficients):
        columns = [
            c if hasattr(c, "dims") else ops.full((5, 1), c, "float64") for c in coefficients
        ]
        run = fastnn.function([first, second], ops.concatenate(columns, axis=1))
        return run(FIGURES["draws_first"], FIGURES["draws_second"])

    turned = layers.RandomRotation(0.5)._rotation(images, first * math.pi)
    np.testing.assert_allclose(matrix(turned), FIGURES["matrix_rotation"][:, :6], atol=1e-14)
    zoomed = layers.RandomZoom(0.5)._zoom(images, second, first)
    np.testing.assert_allclose(matrix(zoomed), FIGURES["matrix_zoom"][:, :6], atol=1e-14)


def test_shifts_and_shears_are_kerass_matrices():
    # What the layers read is Keras's matrix of the draw that explains it.
    for layer, key in [
        (layers.RandomTranslation((0.5, 0.5), (0.25, 0.25)), "matrix_translation"),
        (layers.RandomShear((0.5, 0.5), (0.25, 0.25)), "matrix_shear"),
    ]:
        images = fastnn.placeholder((None, 6, 8, 1))
        columns = [
            c if hasattr(c, "dims") else ops.full((images.dims[0], 1), c)
            for c in layer._coefficients(images)
        ]
        got = fastnn.function([images], ops.concatenate(columns, axis=1))(batch(3, channels=1))
        known = FIGURES[key][:, :6]
        fixed = np.ptp(known, axis=0) == 0
        np.testing.assert_array_equal(got[0, fixed], known[0, fixed])
        drawn = np.abs(got[:, ~fixed])
        expected = {"matrix_translation": [2.0, 3.0], "matrix_shear": [0.5, 0.25]}[key]
        np.testing.assert_allclose(drawn, np.broadcast_to(expected, drawn.shape))
        if key == "matrix_translation":  # positive factors shift down and right
            assert (got[:, ~fixed] < 0).all()


@pytest.mark.parametrize("case", SIZED, ids=named)
def test_sizes_are_kerass(case):
    kind, (height, width) = case["kind"], case["size"]
    if kind == "center_crop":
        layer = layers.CenterCrop(height, width)
    else:
        _, interpolation, crop = kind.split("_")
        layer = layers.Resizing(height, width, interpolation, crop == "True")
    images = FIGURES[case["images"] + "_images"].astype("float32")
    expected = FIGURES[case["key"]]
    assert layer.compute_output_shape((None, *images.shape[1:]))[1:] == expected.shape[1:]
    np.testing.assert_allclose(layer(images), expected, atol=2e-6)


# --- the draws


ALL = {
    "flip": lambda **kw: layers.RandomFlip(**kw),
    "rotation": lambda **kw: layers.RandomRotation(0.1, **kw),
    "zoom": lambda **kw: layers.RandomZoom(0.3, **kw),
    "translation": lambda **kw: layers.RandomTranslation(0.2, (-0.1, 0.4), **kw),
    "shear": lambda **kw: layers.RandomShear(0.3, (0.1, 0.2), **kw),
    "contrast": lambda **kw: layers.RandomContrast(0.4, value_range=(0, 1), **kw),
    "brightness": lambda **kw: layers.RandomBrightness(0.4, value_range=(0, 1), **kw),
    "crop": lambda **kw: layers.RandomCrop(3, 4, **kw),
}


@pytest.mark.parametrize("name", ALL)
def test_prediction_leaves_images_alone(name):
    images = batch(5)
    got = ALL[name]()(images)
    if name == "crop":
        np.testing.assert_array_equal(got, layers.CenterCrop(3, 4)(layers.Resizing(3, 4)(images)))
    else:
        np.testing.assert_array_equal(got, images)


@pytest.mark.parametrize("name", ALL)
def test_training_changes_each_image_and_each_step(name):
    layer, images = ALL[name](), np.repeat(batch(1), 60, axis=0)
    x = fastnn.placeholder((None, *images.shape[1:]))
    run = fastnn.function([x], layer(x, training=True))
    first = run(images)
    distinct = len(np.unique(first.reshape(60, -1), axis=0))
    assert distinct == {"flip": 4, "crop": 1}.get(name, 60)
    if name == "crop":
        assert any(not np.array_equal(run(images), first) for _ in range(20))
    else:
        assert not np.array_equal(run(images), first)


@pytest.mark.parametrize("name", ALL)
def test_draws_are_the_same_for_any_number_of_threads(name):
    images = batch(300, 16, 16, 3)
    before, results = fastnn.get_num_threads(), []
    try:
        for threads in (1, 2, 3, 8):
            fastnn.set_num_threads(threads)
            fastnn.utils.set_random_seed(5)
            results.append(augmented(ALL[name](), images))
    finally:
        fastnn.set_num_threads(before)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


@pytest.mark.parametrize("name", ALL)
def test_a_given_seed_is_all_that_draws_depend_on(name):
    images = batch(20)

    def draws(process: int, seed: int | None) -> list[np.ndarray]:
        fastnn.utils.set_random_seed(process)
        x = fastnn.placeholder((None, *images.shape[1:]))
        run = fastnn.function([x], ALL[name](seed=seed)(x, training=True))
        return [np.array(run(images)) for _ in range(6)]

    np.testing.assert_array_equal(draws(1, 7), draws(2, 7))
    assert not np.array_equal(draws(1, 7), draws(1, 8))
    assert not np.array_equal(draws(1, None), draws(2, None))
    np.testing.assert_array_equal(draws(1, None), draws(1, None))


def uniform_on(draws, low, high) -> None:
    """Draws lie in [low, high] and fill it: Kolmogorov-Smirnov at 1e-6."""
    draws = np.sort(np.ravel(draws))
    unit = (high - low) * 1e-4
    assert low - unit <= draws[0]
    assert draws[-1] <= high + unit
    steps = np.arange(1, len(draws) + 1) / len(draws)
    distance = np.abs(steps - (draws - low) / (high - low)).max()
    assert distance < 2.6 / np.sqrt(len(draws)) + 1 / len(draws)


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flips(mode):
    images = batch()
    got = augmented(layers.RandomFlip(mode), images)
    kinds = {
        "no": images,
        "horizontal": images[:, :, ::-1],
        "vertical": images[:, ::-1],
        "both": images[:, ::-1, ::-1],
    }
    counts = {k: int((got == v).all(axis=(1, 2, 3)).sum()) for k, v in kinds.items()}
    assert sum(counts.values()) == 400
    possible = ["no", mode] if mode in counts else list(counts)
    share = 400 / len(possible)
    for kind, count in counts.items():
        expected = share if kind in possible else 0
        assert abs(count - expected) <= 5 * np.sqrt(share)
        assert (count == 0) == (expected == 0)


def test_translations_fill_their_range():
    # A ramp tells by how much it was shifted: out = x - shift where no edge is near.
    ramp = np.broadcast_to(np.arange(40.0)[None, None, :, None], (500, 20, 40, 1))
    ramp = ramp.astype("float32")
    got = augmented(layers.RandomTranslation(0.0, (-0.1, 0.3)), ramp)
    shift = 20 - got[:, 10, 20, 0]
    uniform_on(shift, -4.0, 12.0)
    down = augmented(layers.RandomTranslation(0.25, 0.0), ramp.transpose(0, 2, 1, 3))
    uniform_on(20 - down[:, 20, 10, 0], -10.0, 10.0)


def test_whole_pixels_are_shifted_exactly():
    images = batch(1, 28, 28, 1)
    layer = layers.RandomTranslation((15 / 28, 15 / 28), 0.0, fill_mode="constant")
    got = augmented(layer, images)
    np.testing.assert_allclose(got[:, 15:], images[:, :13], atol=1e-5)
    np.testing.assert_allclose(got[:, :15], 0, atol=1e-5)


def test_zooms_fill_their_range():
    ramp = np.broadcast_to(np.arange(41.0)[None, None, :, None], (500, 5, 41, 1)).astype("float32")
    got = augmented(layers.RandomZoom((0.0, 0.0), (-0.3, 0.2)), ramp)
    uniform_on((got[:, 2, 25, 0] - 20) / 5, 0.7, 1.2)
    kept = augmented(layers.RandomZoom(0.2), ramp)  # the same on both axes: proportions stay
    uniform_on((kept[:, 2, 25, 0] - 20) / 5, 0.8, 1.2)


def test_rotations_fill_their_range():
    x = np.arange(41.0) - 20
    ramp = np.broadcast_to(x[None, None, :, None], (500, 41, 41, 1)).astype("float32")
    got = augmented(layers.RandomRotation((-0.05, 0.125)), ramp)
    # Read at (cos a x - sin a y): a step right gives cos, a step down -sin.
    right, down = (got[:, y, x, 0] - got[:, 20, 20, 0] for y, x in ((20, 21), (21, 20)))
    angle = np.arctan2(-down, right)
    uniform_on(angle / (2 * np.pi), -0.05, 0.125)


def test_shears_fill_their_range_on_both_sides():
    x = np.arange(41.0)
    ramp = np.broadcast_to(x[None, None, :, None], (800, 21, 41, 1)).astype("float32")
    got = augmented(layers.RandomShear((0.1, 0.4)), ramp)
    shear = (got[:, 20, 20, 0] - 20) / 20
    uniform_on(np.abs(shear), 0.1, 0.4)
    assert 300 < (shear > 0).sum() < 500


def test_brightness_and_contrast_fill_their_range():
    images = np.broadcast_to(np.array([90.0, 110.0], "float32").reshape(1, 1, 2, 1), (500, 1, 2, 1))
    brighter = augmented(layers.RandomBrightness((-0.2, 0.1)), images)
    uniform_on((brighter - images)[:, 0, 0, 0], -51.0, 25.5)
    contrast = augmented(layers.RandomContrast((0.5, 0.25)), images)
    uniform_on((contrast[:, 0, 1, 0] - 100) / 10, 0.5, 1.25)
    np.testing.assert_allclose(contrast.mean(axis=(1, 2, 3)), 100, rtol=1e-5)
    clipped = augmented(layers.RandomBrightness((0.9, 0.9)), images)
    np.testing.assert_array_equal(clipped, 255)


def test_crops_are_parts_of_the_images_and_cover_all_places():
    images = np.arange(2 * 5 * 7, dtype="float32").reshape(2, 5, 7, 1)
    x = fastnn.placeholder((None, 5, 7, 1))
    run = fastnn.function([x], layers.RandomCrop(3, 4)(x, training=True))
    places = set()
    for _ in range(300):
        got = run(images)
        top, left = divmod(int(got[0, 0, 0, 0]), 7)
        np.testing.assert_array_equal(got, images[:, top : top + 3, left : left + 4])
        places.add((top, left))
    assert places == {(top, left) for top in range(3) for left in range(4)}


def test_a_crop_of_too_small_images_is_resized():
    images = batch(2, 4, 9, 1)
    got = augmented(layers.RandomCrop(6, 6), images)
    np.testing.assert_allclose(got, layers.Resizing(6, 6)(images[:, :, 2:6]), atol=1e-6)


def test_whole_numbers_become_floats():
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 1), dtype=np.uint8)
    for name, make in ALL.items():
        assert make()(images).dtype == np.float32, name
    np.testing.assert_array_equal(layers.RandomFlip()(images), images.astype("float32"))


# --- in models


def test_a_model_trains_behind_augmentation_and_predicts_without():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    images = rng.normal(0, 0.1, (300, 8, 8, 1)).astype("float32")
    images[labels == 1, 2:6, 2:6] += 1.0
    fastnn.utils.set_random_seed(0)
    model = Sequential(
        [
            fastnn.Input((8, 8, 1)),
            layers.RandomFlip(),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1, fill_mode="constant"),
            layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(images, labels, epochs=40, verbose=0)
    assert history.history["accuracy"][-1] > 0.95
    np.testing.assert_array_equal(
        model.predict(images, verbose=0), model.predict(images, verbose=0)
    )
    rest = Sequential([fastnn.Input((8, 8, 1)), *model.layers[-2:]])
    np.testing.assert_allclose(
        model.predict(images, verbose=0), rest.predict(images, verbose=0), rtol=1e-6
    )


def test_open_sizes():
    x = fastnn.placeholder((None, None, None, 1))
    for make in (layers.RandomRotation, layers.RandomZoom):
        fixed = make((0.0, 0.0))
        run = fastnn.function([x], fixed(x, training=True))
        for height, width in ((3, 5), (8, 2)):
            images = batch(2, height, width, 1)
            np.testing.assert_allclose(run(images), images, atol=1e-5)
    shifted = layers.RandomTranslation((0.5, 0.5), 0.0, fill_mode="wrap")
    run = fastnn.function([x], shifted(x, training=True))
    images = batch(1, 6, 2, 1)
    np.testing.assert_allclose(run(images), np.roll(images, 3, axis=1), atol=1e-6)


@pytest.mark.parametrize("name", [*ALL, "resizing", "center_crop"])
def test_a_configuration_goes_there_and_back(name):
    more = {
        "resizing": lambda: layers.Resizing(3, 4, "nearest", True),
        "center_crop": lambda: layers.CenterCrop(3, 4),
    }
    layer = more[name]() if name in more else ALL[name](seed=4)
    config = json.loads(json.dumps(layer.get_config()))
    again = type(layer).from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config


# --- errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.RandomFlip("sideways"), ValueError, "mode to be one of horizontal, vert"),
        (lambda: layers.RandomRotation(1.5), ValueError, "factor of -1 to 1, got 1.5"),
        (lambda: layers.RandomRotation("a"), TypeError, "number or a pair of numbers, got 'a'"),
        (lambda: layers.RandomRotation(None), TypeError, "a pair of numbers, got None"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), ValueError, "pair of numbers, got"),
        (lambda: layers.RandomRotation((0.2, 0.1)), ValueError, r"as \(lower, upper\)"),
        (lambda: layers.RandomRotation(float("nan")), ValueError, "factor of -1 to 1, got nan"),
        (lambda: layers.RandomRotation(0.1, "mirror"), ValueError, "fill_mode to be one of"),
        (lambda: layers.RandomRotation(0.1, interpolation="x"), ValueError, "interpolation to be"),
        (lambda: layers.RandomZoom((-1.0, 0.0)), ValueError, "height_factor above -1"),
        (lambda: layers.RandomZoom(0.1, 2), ValueError, "width_factor of -1 to 1, got 2"),
        (lambda: layers.RandomTranslation(15, 0.1), ValueError, "height_factor of -1 to 1, got 15"),
        (lambda: layers.RandomShear(-0.1), ValueError, "x_factor of 0 to 1, got -0.1"),
        (lambda: layers.RandomContrast(2.0), ValueError, "factor of 0 to 1, got 2.0"),
        (lambda: layers.RandomContrast((0.1,)), ValueError, "a pair of numbers"),
        (lambda: layers.RandomBrightness(0.1, (1, 0)), ValueError, r"as \(lowest, highest\)"),
        (lambda: layers.RandomBrightness(0.1, 255), ValueError, "value_range as"),
        (lambda: layers.RandomCrop(0, 3), ValueError, "height of at least 1, got 0"),
        (lambda: layers.Resizing(2, 3, "bicubic"), ValueError, "one of bilinear, nearest"),
        (lambda: layers.RandomFlip(seed=-1), ValueError, "seed"),
        (lambda: layers.RandomZoom(0.1, data_format="channels_first"), ValueError, "data_format"),
        (lambda: layers.Resizing(2, 2, data_format="channels_first"), ValueError, "data_format"),
        (
            lambda: layers.RandomFlip()(np.zeros((5, 28, 28))),
            ValueError,
            r"\(batch, height, width, channels\), got \(batch, 28, 28\)",
        ),
        (
            lambda: layers.RandomCrop(2, 2)(fastnn.placeholder((None, None, 5, 1))),
            ValueError,
            "images of known height and width",
        ),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_sizes_that_show_when_run():
    x, m = fastnn.placeholder((None, None, None, 1)), fastnn.placeholder((None, 6))
    run = fastnn.function([x, m], ops.affine_transform(x, m, size=(2, 2)))
    with pytest.raises(ValueError, match="at least one pixel, got 0 x 3"):
        run(np.zeros((1, 0, 3, 1)), np.zeros((1, 6)))
    with pytest.raises(ValueError):
        run(np.zeros((3, 2, 2, 1)), np.zeros((2, 6)))
    with pytest.raises(ValueError, match="sides below 4194304"):
        run(np.zeros((1, 1, 1 << 22, 1), "float32"), np.zeros((1, 6)))
    assert run(np.zeros((0, 3, 3, 1)), np.zeros((0, 6))).shape == (0, 2, 2, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30, -1e30])
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
def test_places_out_of_this_world_stay_in_memory(value, fill_mode):
    images = batch(2, 3, 19, 1)
    for position in range(6):
        matrix = np.array([[1.0, 0, 0, 0, 1, 0]])
        matrix[0, position] = value
        for interpolation in ("bilinear", "nearest"):
            got = ops.affine_transform(images, matrix, interpolation, fill_mode)
            assert np.isfinite(got).all()
