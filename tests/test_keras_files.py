"""Files that Keras has written: models with equal predictions, and nothing else out of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import zipfile

import numpy as np
import pytest

import fastnn
from fastnn import Sequential
from fastnn.io import FastnnFormatError
from fastnn.layers import Dense
from fastnn.models._keras_config import translate_model

h5py = pytest.importorskip("h5py")

FILES = np.load(os.path.join(os.path.dirname(__file__), "keras", "figures", "files.npz"))
CASES = {case["name"]: case for case in json.loads(str(FILES["cases"]))}


def written(folder, name, suffix):
    """A file as Keras wrote it."""
    path = folder / f"{name}.{suffix}"
    if suffix == "weights.h5":  # what save_weights() writes is also inside of the archive
        archive = zipfile.ZipFile(io.BytesIO(FILES[f"{name}/keras"].tobytes()))
        path.write_bytes(archive.read("model.weights.h5"))
    else:
        path.write_bytes(FILES[f"{name}/{suffix}"].tobytes())
    return path


def data(name):
    """The inputs of a case, and Keras's predictions."""
    case = CASES[name]
    x = [FILES[f"{name}/x{i}"] for i in range(case["inputs"])]
    return (x if len(x) > 1 else x[0]), [FILES[f"{name}/y{i}"] for i in range(case["outputs"])]


def require_equal(model, name):
    x, expected = data(name)
    found = model.predict(x, batch_size=5, verbose=0)
    found = found if isinstance(found, list) else [found]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-6 * max(1.0, float(abs(b).max())))


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("name", CASES)
def test_a_model_of_keras_predicts_the_same(tmp_path, name, suffix):
    model = fastnn.load_model(written(tmp_path, name, suffix))
    require_equal(model, name)
    assert model.name == name
    model.save(tmp_path / "ours.fastnn")
    require_equal(fastnn.load_model(tmp_path / "ours.fastnn"), name)


@pytest.mark.parametrize("name", CASES)
def test_weights_of_keras_in_a_model_of_ours(tmp_path, name):
    model = fastnn.load_model(written(tmp_path, name, "keras"))
    expected = model.get_weights()
    for suffix in ("keras", "h5", "weights.h5"):
        model.set_weights([np.zeros_like(weight) for weight in expected])
        model.load_weights(written(tmp_path, name, suffix))
        for a, b in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_arguments_come_along(tmp_path):
    model = fastnn.load_model(written(tmp_path, "stack", "keras"))
    first, norm = model.layers[1:3]
    assert first.get_config()["kernel_regularizer"]["class_name"] == "L2"
    assert first.get_config()["kernel_constraint"]["class_name"] == "MaxNorm"
    assert (norm.momentum, norm.epsilon) == (0.9, 1e-2)
    assert not model.layers[-1].trainable
    assert not model.compiled


def test_weights_that_do_not_fit(tmp_path):
    path = written(tmp_path, "stack", "weights.h5")
    model = Sequential([Dense(5, input_dim=4), Dense(6)])
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"\[Dense\].*expected 2 weights in .*, got 1"):
        model.load_weights(path)
    with pytest.warns(UserWarning, match="left as they are"):
        model.load_weights(path, skip_mismatch=True)
    assert (model.get_weights()[0] != before[0]).all()
    assert (model.get_weights()[2] == before[2]).all()
    with pytest.raises(FastnnFormatError, match="the file holds weights and no model"):
        fastnn.load_model(path)


def test_keras_2_described_connections_otherwise():
    dense = {"name": "d", "units": 2, "activation": "relu", "batch_input_shape": [None, 3]}
    config = {
        "name": "old",
        "layers": [
            {"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
             "config": {"batch_input_shape": [None, 3], "dtype": "float32", "sparse": False,
                        "name": "x"}},
            {"class_name": "Dense", "name": "d", "config": dense,
             "inbound_nodes": [[["x", 0, 0, {}]]]},
            {"class_name": "Add", "name": "s", "config": {"name": "s", "trainable": True},
             "inbound_nodes": [[["d", 0, 0, {}], ["d", 0, 0, {}]]]},
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["s", 0, 0]],
    }  # fmt: skip
    described = translate_model({"class_name": "Functional", "config": config})
    model = fastnn.Model.from_config(described["config"])
    model.set_weights([np.ones((3, 2)), np.zeros(2)])
    np.testing.assert_array_equal(model.predict(np.ones((1, 3)), verbose=0)[0], [[6.0, 6.0]])


def test_a_layer_of_ones_own(tmp_path):
    class Doubled(Dense):
        def __init__(self, quantization_config=None, **kwargs):
            super().__init__(**kwargs)

        def call(self, inputs):
            return 2.0 * super().call(inputs)

    path = rearchived(tmp_path, "stack", lambda c: assign(layer(c, 14), "class_name", "Doubled"))
    with pytest.raises(FastnnFormatError, match="unknown layer 'Doubled'"):
        fastnn.load_model(path)
    with pytest.raises(FastnnFormatError, match=r"expected 2 weights in .*, got 0"):
        fastnn.load_model(path, {"Doubled": Doubled})


# --- what is not read


def rearchived(folder, name, change=None, weights=None, **members):
    """A .keras archive with another description, other weights or more members."""
    archive = zipfile.ZipFile(io.BytesIO(FILES[f"{name}/keras"].tobytes()))
    config = json.loads(archive.read("config.json"))
    if change is not None:
        change(config)
    path = folder / "changed.keras"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("config.json", json.dumps(config))
        out.writestr("model.weights.h5", weights or archive.read("model.weights.h5"))
        for member, content in members.items():
            out.writestr(member, content, zipfile.ZIP_DEFLATED)
    return path


def assign(target, key, value):
    target[key] = value


def layer(config, number=2):
    return config["config"]["layers"][number]


CHANGES = {
    "a Lambda": (lambda c: assign(layer(c), "class_name", "Lambda"), "code"),
    "a module": (lambda c: assign(c, "class_name", "os.system"), "expected a Sequential"),
    "an unknown layer": (lambda c: assign(layer(c), "class_name", "Densed"), "mean 'Dense'"),
    "an operation": (lambda c: assign(layer(c), "module", "keras.src.ops.numpy"), "operation"),
    "an unknown argument": (lambda c: assign(layer(c)["config"], "lora_rank", 4), "lora_rank=4"),
    "half precision": (
        lambda c: assign(layer(c)["config"]["dtype"]["config"], "name", "mixed_float16"),
        "mixed_float16",
    ),
    "more units than weights": (lambda c: assign(layer(c)["config"], "units", 10**12), "bytes"),
    "other units": (lambda c: assign(layer(c)["config"], "units", 4), "shape"),
    "no layers": (lambda c: c["config"].pop("layers"), "expected a Sequential"),
    "layers as text": (lambda c: assign(c["config"], "layers", "abc"), "no model"),
}


@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES.keys())
def test_descriptions_that_are_refused(tmp_path, change, message):
    path = rearchived(tmp_path, "stack", change)
    with pytest.raises(FastnnFormatError, match=message):
        fastnn.load_model(path)


def hdf5(build):
    """The bytes of an HDF5 file with the weights of the case, changed."""
    archive = zipfile.ZipFile(io.BytesIO(FILES["stack/keras"].tobytes()))
    content = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(content, "r+") as root:
        build(root)
    return content.getvalue()


def replace(root, value):
    del root["layers/dense/vars/0"]
    root["layers/dense/vars/0"] = value


def compressed(root):
    del root["layers/dense/vars/0"]
    root["layers/dense/vars"].create_dataset("0", (1 << 20, 1 << 10), "f4", compression="gzip")


def virtual(root):
    layout = h5py.VirtualLayout((4, 5), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "a", (4, 5))
    del root["layers/dense/vars/0"]
    root["layers/dense/vars"].create_virtual_dataset("0", layout)


def external(root):
    del root["layers/dense/vars/0"]
    files = [("/etc/passwd", 0, 80)]
    root["layers/dense/vars"].create_dataset("0", (4, 5), "f4", external=files)


HDF5 = {
    "an external link": (lambda r: replace(r, h5py.ExternalLink("/etc/passwd", "/")), "link"),
    "a soft link": (lambda r: replace(r, h5py.SoftLink("/layers/dense/vars/1")), "link"),
    "compressed zeros": (compressed, "compressed weights are not read"),
    "numbers in another file": (external, "no numbers of its own"),
    "numbers of another file": (virtual, "no numbers of its own"),
    "text": (lambda r: replace(r, ["a"]), "expected numbers"),
    "a weight less": (lambda r: r["layers/dense/vars"].__delitem__("1"), "left for weights"),
    "another shape": (lambda r: replace(r, np.zeros((5, 4), "f4")), "shape"),
}


@pytest.mark.parametrize(("build", "message"), HDF5.values(), ids=HDF5.keys())
def test_weights_that_are_refused(tmp_path, build, message):
    path = rearchived(tmp_path, "stack", weights=hdf5(build))
    with pytest.raises(FastnnFormatError, match=message):
        fastnn.load_model(path)


def test_archives_that_are_refused(tmp_path):
    path = tmp_path / "a.keras"
    for content in (b"", b"PK\3\4" + b"\0" * 60, FILES["stack/keras"].tobytes()[:-30]):
        path.write_bytes(content)
        with pytest.raises(FastnnFormatError, match=re.escape(str(path))):
            fastnn.load_model(path)
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("../config.json", "{}")
    with pytest.raises(FastnnFormatError, match=r"one config\.json in the archive, got 0"):
        fastnn.load_model(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("config.json", "{}")
        out.writestr("model.weights.h5", bytes(1 << 25))
    with pytest.raises(FastnnFormatError, match="unpacks from"):
        fastnn.load_model(path)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_damaged_files_raise_and_never_crash(tmp_path, suffix):
    content = FILES[f"stack/{suffix}"].tobytes()
    path = tmp_path / f"a.{suffix}"
    chance = np.random.default_rng(0)
    for _ in range(80):
        damaged = bytearray(content)
        for position in chance.integers(len(content), size=3):
            damaged[position] ^= 1 << int(chance.integers(8))
        if chance.random() < 0.3:
            del damaged[int(chance.integers(len(content))) :]
        path.write_bytes(damaged)
        with contextlib.suppress(FastnnFormatError):
            fastnn.load_model(path)
