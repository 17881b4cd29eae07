"""Models that are more than layers in files, pickles and copies."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, load_model
from fastnn.callbacks import Callback, ModelCheckpoint
from fastnn.datasets.sst import parse_tree
from fastnn.io import FastnnFormatError
from fastnn.layers import BatchNormalization, Dense, Dropout, Input
from fastnn.models import DBM, DBN, GAN, RBM, RNTN
from mutations import try_mutations

ROWS = (np.random.default_rng(0).random((60, 6)) < 0.4).astype(np.float32)

TREES = [
    parse_tree(text)
    for text in (
        "(4 (2 a) (4 (4 good) (2 film)))",
        "(0 (0 bad) (2 .))",
        "(1 (2 a) (1 (1 (1 long) (2 ,)) (2 film)))",
        "(2 what)",
        "(3 (3 (2 so) (4 good)) (2 !))",
    )
]


def gan() -> GAN:
    fastnn.utils.set_random_seed(7)
    generator = Sequential([Input((3,)), Dense(8, "relu"), BatchNormalization(), Dense(6)])
    discriminator = Sequential([Input((6,)), Dense(8, "relu"), Dropout(0.3), Dense(1)])
    made = GAN(generator, discriminator, label_smoothing=0.1)
    made.compile("adam", fastnn.optimizers.SGD(0.1, momentum=0.5))
    return made


def rntn(cell: str) -> RNTN:
    fastnn.utils.set_random_seed(7)
    model = RNTN(units=4, cell=cell, dropout=0.2, vector_dropout=0.1, seed=1)
    model.compile(fastnn.optimizers.Adagrad(0.05))
    return model


MAKE = {
    "rbm": lambda: RBM(4, momentum=0.5, seed=1),
    "persistent": lambda: RBM(4, persistent=True, chains=7, weight_decay=1e-3, seed=1),
    "sparse": lambda: RBM(4, sparsity_target=0.1, sparsity_cost=0.1, dtype="float64", seed=1),
    "gaussian": lambda: RBM(4, visible="gaussian", learning_rate=0.01, seed=1),
    "dbn": lambda: DBN([5, 4, 3], hidden="gaussian", learning_rate=[0.1, 0.1, 0.001], seed=1),
    "dbm": lambda: DBM([5, 4], chains=9, weight_decay=1e-3, seed=1),
    "gan": gan,
    **{f"rntn {cell}": lambda cell=cell: rntn(cell) for cell in ("plain", "tensor", "lstm")},
}


def train(model, epochs: int):
    rows, size = (TREES, 2) if isinstance(model, RNTN) else (ROWS, 16)
    model.fit(rows, epochs=epochs, batch_size=size, verbose=0)
    return model


def values(model) -> list[np.ndarray]:
    if isinstance(model, DBN):
        return [v for rbm in model.rbms for v in values(rbm)]
    kept = model._kept() if isinstance(model, RBM) else model.weights
    extra = model._states if isinstance(model, DBM) else []
    return [v.get_value() for v in (*kept, *extra)]


def assert_equal(a, b) -> None:
    assert type(a) is type(b)
    pairs = list(zip(values(a), values(b), strict=True))
    assert pairs
    for x, y in pairs:
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("kind", MAKE)
def test_a_training_goes_on_from_a_file_as_if_it_had_not_stopped(kind, tmp_path):
    fastnn.utils.set_random_seed(3)
    whole = train(train(MAKE[kind](), 2), 3)
    fastnn.utils.set_random_seed(3)
    begun = train(MAKE[kind](), 2)
    path = tmp_path / "machine.fastnn"
    begun.save(path)
    fastnn.utils.set_random_seed(99)  # as another process would have it
    loaded = load_model(path)
    assert_equal(loaded, begun)
    assert_equal(train(loaded, 3), whole)


@pytest.mark.parametrize("through", ["pickle", "copy"])
@pytest.mark.parametrize("kind", MAKE)
def test_pickles_and_copies(kind, through):
    fastnn.utils.set_random_seed(3)
    model = train(MAKE[kind](), 2)
    again = copy.deepcopy(model) if through == "copy" else pickle.loads(pickle.dumps(model))
    assert_equal(again, model)
    before = values(model)
    train(again, 1)
    for x, y in zip(before, values(model), strict=True):  # nothing is shared
        np.testing.assert_array_equal(x, y)
    assert any(not np.array_equal(x, y) for x, y in zip(values(again), values(model), strict=True))


@pytest.mark.parametrize("kind", [k for k in MAKE if k != "gan"])
def test_a_machine_without_weights_yet(kind, tmp_path):
    path = tmp_path / "machine.fastnn"
    model = MAKE[kind]()
    model.save(path)
    loaded = load_model(path)
    assert loaded.get_config() == model.get_config()
    fastnn.utils.set_random_seed(3)
    train(model, 1)
    fastnn.utils.set_random_seed(3)
    assert values(train(loaded, 1))[0].shape == values(model)[0].shape


def test_what_was_changed_since_the_constructor_is_kept(tmp_path):
    model = train(RBM(4, seed=1), 1)
    model.learning_rate, model.momentum = 0.25, 0.5
    model.save(tmp_path / "machine.fastnn")
    loaded = load_model(tmp_path / "machine.fastnn")
    assert (loaded.learning_rate, loaded.momentum) == (0.25, 0.5)


def test_checkpoints(tmp_path):
    model = RBM(4, seed=1)
    model.fit(ROWS, epochs=3, verbose=0, callbacks=[ModelCheckpoint(tmp_path / "{epoch}.fastnn")])
    assert_equal(load_model(tmp_path / "3.fastnn"), model)
    assert (tmp_path / "1.fastnn").exists()


def test_no_file_of_a_model_in_training_elsewhere(tmp_path):
    model, said = RBM(4, seed=1), []

    class Elsewhere(Callback):
        def on_epoch_end(self, epoch, logs=None):
            def save():
                try:
                    model.save(tmp_path / "machine.fastnn")
                except RuntimeError as error:
                    said.append(str(error))

            thread = threading.Thread(target=save)
            thread.start()
            thread.join()

    model.fit(ROWS, epochs=1, verbose=0, callbacks=[Elsewhere()])
    assert said == ["[RBM] is in training: save() has to wait until fit() is over"]
    model.save(tmp_path / "machine.fastnn")


def test_bad_targets(tmp_path):
    model = train(RBM(4, seed=1), 1)
    with pytest.raises(ValueError, match=r"end in \.fastnn or \.safetensors, got"):
        model.save(tmp_path / "machine.h5")
    model.save(tmp_path / "machine.fastnn")
    with pytest.raises(FileExistsError, match="overwrite is False"):
        model.save(tmp_path / "machine.fastnn", overwrite=False)


@pytest.mark.parametrize("kind", MAKE)
def test_files_that_someone_has_changed(kind, tmp_path):
    path = tmp_path / "machine.fastnn"
    train(MAKE[kind](), 1).save(path)
    counts = try_mutations(path, share=0.2)
    assert counts["refused"]
    assert set(counts) <= {"refused", "loaded"}


def test_files_that_are_cut_off(tmp_path):
    path = tmp_path / "machine.fastnn"
    train(RBM(4, seed=1), 1).save(path)
    content = path.read_bytes()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(FastnnFormatError):
            load_model(path)
