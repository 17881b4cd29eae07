"""The same seed gives the same bits: with any number of threads, in any batch and process."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import fastnn
from fastnn import _core
from fastnn.layers import Dense, Dropout
from fastnn.optimizers import SGD, Adam

ISAS = [t for t in _core.kernel_tables() if t != "reference"]


@pytest.fixture(autouse=True)
def threads():
    """Restores the number of threads."""
    before = fastnn.get_num_threads()
    yield
    fastnn.set_num_threads(before)


@pytest.fixture(params=ISAS)
def isa(request):
    """Each instruction set that this machine has."""
    before = _core.active_table()
    _core.set_active_table(request.param)
    yield request.param
    _core.set_active_table(before)


def small():
    """The churn network."""
    return [
        Dense(6, activation="relu"),
        Dense(6, activation="relu"),
        Dense(1, activation="sigmoid"),
    ]


def wide():
    """Large enough for its products to be shared between threads."""
    return [
        Dense(192, activation="tanh"),
        Dropout(0.25),
        Dense(224, activation="gelu"),
        Dense(1, activation="sigmoid"),
    ]


def data(rows: int, columns: int):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, columns)).astype(np.float32)
    return x, (x[:, :1] * x[:, 1:2] > 0).astype(np.float32)


def train(layers, optimizer, batch_size: int, columns: int, rows: int = 1000) -> list[bytes]:
    """The bits of the weights after two epochs, and of the losses on the way."""
    fastnn.utils.set_random_seed(5)
    model = fastnn.Sequential(layers())
    model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
    x, y = data(rows, columns)
    history = model.fit(
        x, y, batch_size=batch_size, epochs=2, verbose=0, validation_split=0.2, shuffle=True
    )
    numbers = np.array([history.history[k] for k in sorted(history.history)])
    return [w.tobytes() for w in model.get_weights()] + [numbers.tobytes()]


CASES = {
    "churn, Adam": (small, Adam, 10, 11),
    "churn, clipped": (small, lambda: SGD(0.1, momentum=0.9, global_clipnorm=0.5), 32, 11),
    "wide, Adam": (wide, Adam, 250, 160),
    "wide, accumulated": (wide, lambda: SGD(0.1, gradient_accumulation_steps=3), 100, 160),
}


@pytest.mark.parametrize("case", CASES)
def test_training_has_the_same_bits_with_any_number_of_threads(case, isa):
    del isa
    results = {}
    for n in (1, 2, 3, 8):
        fastnn.set_num_threads(n)
        results[n] = train(*CASES[case])
    assert results[2] == results[1]
    assert results[3] == results[1]
    assert results[8] == results[1]


def test_training_again_in_the_same_process_has_the_same_bits():
    assert train(*CASES["wide, Adam"]) == train(*CASES["wide, Adam"])


def test_another_seed_has_other_bits():
    first = train(*CASES["churn, Adam"])
    fastnn.utils.set_random_seed(6)
    model = fastnn.Sequential(small())
    model.build((None, 11))
    assert [w.tobytes() for w in model.get_weights()] != first[:-1]


@pytest.mark.parametrize("layers", [small, wide])
def test_a_row_has_the_same_bits_in_any_batch(layers, isa):
    del isa
    fastnn.utils.set_random_seed(1)
    model = fastnn.Sequential(layers())
    x, _ = data(301, 37)
    whole = model.predict(x, batch_size=301, verbose=0)
    for size in (1, 2, 7, 16, 33, 64, 300):
        assert model.predict(x, batch_size=size, verbose=0).tobytes() == whole.tobytes(), size
    for row in (0, 150, 300):
        alone = model.predict_on_batch(x[row : row + 1])
        assert alone.tobytes() == whole[row : row + 1].tobytes()
    order = np.random.default_rng(2).permutation(len(x))
    assert model.predict(x[order], batch_size=50, verbose=0).tobytes() == whole[order].tobytes()


@pytest.mark.parametrize("layers", [small, wide])
def test_a_row_has_the_same_bits_from_any_of_eight_threads(layers):
    fastnn.utils.set_random_seed(1)
    model = fastnn.Sequential(layers())
    x, _ = data(240, 37)
    whole = model.predict(x, batch_size=240, verbose=0)

    def predict(worker: int) -> bool:
        rng = np.random.default_rng(worker)
        for _ in range(25):
            begin = int(rng.integers(0, 239))
            end = int(rng.integers(begin + 1, 241))
            if model.predict_on_batch(x[begin:end]).tobytes() != whole[begin:end].tobytes():
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predict, range(8)))


FORK = """
import hashlib, os, sys
sys.path.insert(0, sys.argv[1])
import fastnn
from test_determinism import CASES, train

def digest():
    return hashlib.sha256(b"".join(train(*CASES["wide, Adam"]))).hexdigest()

fastnn.set_num_threads(3)
before = digest()
child = os.fork()
if child == 0:
    print(digest() == before, flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
print(digest() == before, status)
"""


def test_a_forked_child_trains_to_the_same_bits():
    folder = __file__.rpartition("/")[0]
    # Python warns of a fork with threads; fastnn's are made for it.
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK, folder],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout.split() == ["True", "True", "0"], done.stderr


def test_small_batches_that_are_run_together_hand_state_on_as_asked():
    x = np.random.default_rng(0).normal(size=(400, 3, 2)).astype(np.float32)

    def predict(batch_size: int) -> np.ndarray:
        fastnn.utils.set_random_seed(0)
        recurrent = fastnn.layers.LSTM(4, stateful=True)
        model = fastnn.Sequential([fastnn.Input(batch_shape=(batch_size, 3, 2)), recurrent])
        return model.predict(x, batch_size=batch_size, verbose=0)

    in_tens = predict(10)
    model_state = predict(400)
    np.testing.assert_array_equal(in_tens[:10], model_state[:10])
    assert np.abs(in_tens[10:20] - model_state[10:20]).max() > 1e-4, (
        "it begins where the first ended"
    )
