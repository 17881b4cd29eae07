"""Steps that the device "cuda" records and replays: the bits of steps run call by call."""

from __future__ import annotations

import importlib
import mmap
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import fastnn
from fastnn import Sequential, _core, layers, ops, optimizers
from fastnn.callbacks import LambdaCallback, LearningRateScheduler
from fastnn.layers import Dense

ROWS = 53  # batches of 8: six, and one of five rows


@contextmanager
def recording(wanted: bool) -> Iterator[None]:
    before = _core.testing.set_recording(wanted)
    try:
        yield
    finally:
        _core.testing.set_recording(before)


class Counted:
    """What the module did while this was open: see `_cuda.replays` and `_cuda.traffic`."""

    def __enter__(self) -> Counted:
        self._module = importlib.import_module("fastnn._cuda")
        self._before = self._now()
        return self

    def __exit__(self, *error: object) -> None:
        spent = [b - a for a, b in zip(self._before, self._now(), strict=True)]
        self.recordings, self.persistent, self.calls, self.steps = spent[:4]
        self.bytes_in, self.bytes_out = spent[4:]

    def _now(self) -> tuple[int, ...]:
        return (*self._module.replays(), *self._module.traffic())


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).standard_normal(shape).astype("float32")


def words() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 20, (ROWS, 6))


def halved(x: Any) -> Any:
    """A loop of one's own that draws, in four steps."""

    def body(h: Any) -> Any:
        return ops.tanh(h * ops.random_bernoulli((1, 5), 0.7) + x), None

    return fastnn.scan(body, initial_state=x * 0.0, length=4)[0]


NETWORKS: dict[str, tuple[Callable[[], list[Any]], Callable[[], np.ndarray]]] = {
    "dense": (lambda: [Dense(6, "relu"), Dense(1, "sigmoid")], lambda: numbers(ROWS, 11)),
    "noise": (
        lambda: [Dense(6, "tanh"), layers.Dropout(0.4), layers.GaussianNoise(0.1), Dense(1)],
        lambda: numbers(ROWS, 11),
    ),
    "normalised": (
        lambda: [Dense(6), layers.BatchNormalization(), layers.ReLU(), Dense(1)],
        lambda: numbers(ROWS, 11),
    ),
    "images": (
        lambda: [
            layers.Conv2D(4, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            Dense(1),
        ],
        lambda: numbers(ROWS, 8, 7, 2),
    ),
    "words": (
        # Behind a sum, no look at the data finds bad words before a step does.
        lambda: [
            layers.Lambda(lambda x: x + 0),
            layers.Embedding(20, 4),
            layers.LSTM(5, dropout=0.2),
            Dense(1),
        ],
        words,
    ),
    "loop": (lambda: [Dense(5), layers.Lambda(halved), Dense(1)], lambda: numbers(ROWS, 11)),
}

OPTIMIZERS: dict[str, Callable[[], Any]] = {
    "sgd": lambda: optimizers.SGD(0.05, momentum=0.9),
    "nadam": lambda: optimizers.Nadam(0.01),
    "accumulating": lambda: optimizers.Adam(0.01, gradient_accumulation_steps=3),
    "averaged": lambda: optimizers.Adam(
        0.01, use_ema=True, ema_overwrite_frequency=4, gradient_accumulation_steps=2, clipnorm=1.0
    ),
    "scheduled": lambda: optimizers.RMSprop(optimizers.schedules.ExponentialDecay(0.01, 5, 0.8)),
    "rows": lambda: optimizers.Adagrad(0.1),  # of what is looked up
}


def compiled(device: str, network: str = "noise", optimizer: str = "sgd") -> Sequential:
    fastnn.utils.set_random_seed(3)
    make, data = NETWORKS[network]
    inputs = data()
    dtype = "int64" if inputs.dtype == np.int64 else None
    model = Sequential([layers.Input(inputs.shape[1:], dtype=dtype), *make()])
    model.compile(OPTIMIZERS[optimizer](), "mse", metrics=["mae"], device=device)
    return model


def target() -> np.ndarray:
    return np.random.default_rng(9).random((ROWS, 1)).astype("float32")


def everything(model: Sequential) -> list[np.ndarray]:
    return [*model.get_weights(), *(v.get_value() for v in model.optimizer.variables)]


def trained(
    device: str,
    network: str = "noise",
    optimizer: str = "sgd",
    epochs: int = 3,
    batch_size: int = 8,
    **options: Any,
) -> list[np.ndarray]:
    """All that a training leaves: weights, the optimizer's state, the history."""
    model = compiled(device, network, optimizer)
    options = {"verbose": 0, **options}
    data = NETWORKS[network][1](), target()
    history = model.fit(*data, batch_size=batch_size, epochs=epochs, **options).history
    return [*everything(model), *(np.array(v) for v in history.values())]


def assert_same_bits(one: list[np.ndarray], other: list[np.ndarray]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype
        assert a.tobytes() == b.tobytes()


def both_ways(device: str, *args: Any, **options: Any) -> Counted:
    """Trains with and without recordings, compares, and says what the one with them did."""
    with recording(False), Counted() as plain:
        expected = trained(device, *args, **options)
    assert (plain.recordings, plain.steps) == (0, 0)
    with Counted() as counted:
        got = trained(device, *args, **options)
    assert_same_bits(expected, got)
    return counted


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("network", NETWORKS)
def test_networks_have_the_bits_of_steps_run_call_by_call(network, shuffle, cuda):
    counted = both_ways(cuda, network, shuffle=shuffle)
    assert counted.recordings == 2, "of a full batch, and of the last"
    assert counted.steps == 3 * 7 - 2, "all but the first of each"


@pytest.mark.parametrize("network", NETWORKS)
def test_the_order_of_threads_makes_no_difference(network, cuda, each_order):
    first, *others = [trained(cuda, network, epochs=2) for _ in each_order]
    for other in others:
        assert_same_bits(first, other)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers_have_the_bits_of_steps_run_call_by_call(optimizer, cuda):
    network = "words" if optimizer == "rows" else "normalised"
    counted = both_ways(cuda, network, optimizer, epochs=6)
    kinds = {"accumulating": 4, "averaged": 4}.get(optimizer, 2)  # with an update and without
    assert counted.recordings <= kinds
    assert counted.steps >= 6 * 7 - 2 * kinds


def test_a_recorded_training_is_the_cpus(cuda):
    """Seven steps call by call and recorded, by turns, with the masks and rows of the CPU."""
    options = {"network": "noise", "optimizer": "accumulating", "epochs": 8}
    for a, b in zip(trained("cpu", **options), trained(cuda, **options), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_few_steps(steps, cuda):
    counted = both_ways(cuda, epochs=1, steps_per_epoch=steps)
    assert counted.recordings == (steps > 1)
    assert counted.steps == steps - 1


def test_one_batch_holds_all_rows(cuda):
    counted = both_ways(cuda, epochs=5, batch_size=1000)
    assert (counted.recordings, counted.steps) == (1, 4)


def test_evaluations_are_recorded_too(cuda):
    data = NETWORKS["noise"][1](), target()
    counted = both_ways(cuda, epochs=4, validation_data=data, validation_batch_size=5)
    assert counted.recordings == 4
    assert counted.steps == 4 * (7 + 11) - 4


def test_rates_that_callbacks_change_need_no_new_recording(cuda):
    rates = [0.1, 0.01, 0.2, 0.05]
    schedule = LearningRateScheduler(lambda epoch: rates[epoch])
    counted = both_ways(cuda, epochs=4, callbacks=[schedule])
    assert counted.recordings == 2
    assert any(
        a.tobytes() != b.tobytes()
        for a, b in zip(trained(cuda, epochs=4), trained(cuda, epochs=4, callbacks=[schedule]),
                        strict=True)
    )  # fmt: skip


def test_rows_that_do_not_fit_are_sent_while_the_device_works(cuda, tmp_path):
    """Rows far apart reach over more than the device has; no step is recorded."""
    near = numbers(ROWS, 11)
    apart = 1 << 31
    with open(tmp_path / "rows", "w+b") as file:
        file.truncate(ROWS * apart)
        memory = mmap.mmap(file.fileno(), 0)  # no np.memmap, which is read by blocks
    far = np.ndarray(near.shape, "float32", memory, strides=(apart, 4))
    far[...] = near

    def run(x: np.ndarray) -> list[np.ndarray]:
        model = compiled(cuda, "dense")
        model.fit(x, target(), batch_size=2, epochs=3, shuffle=False, verbose=0)
        return [*everything(model), model.predict(x, batch_size=2, verbose=0)]

    expected = run(near)
    with Counted() as counted:
        assert_same_bits(expected, run(far))
    assert counted.recordings == 0
    assert counted.bytes_in > 3 * near.nbytes


def test_weights_that_callbacks_set_are_used(cuda):
    def halving() -> list[np.ndarray]:
        model = compiled(cuda)
        halve = LambdaCallback(
            on_epoch_end=lambda epoch, logs: model.set_weights(
                [0.5 * w for w in model.get_weights()]
            )
        )
        model.fit(NETWORKS["noise"][1](), target(), batch_size=8, epochs=3, callbacks=[halve],
                  verbose=0)  # fmt: skip
        return everything(model)

    with recording(False):
        expected = halving()
    assert_same_bits(expected, halving())


def test_memory_that_moves_is_recorded_anew(cuda):
    """Variables that come to the device while a training goes on make its programs bind again."""

    def run() -> list[np.ndarray]:
        model = compiled(cuda)

        def another(epoch: int, logs: Any) -> None:
            compiled(cuda, "dense").predict(numbers(ROWS, 11), verbose=0)

        model.fit(NETWORKS["noise"][1](), target(), batch_size=8, epochs=4, verbose=0,
                  callbacks=[LambdaCallback(on_epoch_end=another)])  # fmt: skip
        return everything(model)

    with recording(False):
        expected = run()
    with Counted() as counted:
        assert_same_bits(expected, run())
    assert counted.recordings > 2


def test_batches_one_by_one(cuda):
    """Callbacks that look at each batch: one step a call."""
    seen: list[float] = []
    look = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    counted = both_ways(cuda, callbacks=[look])
    assert counted.calls == counted.steps == 3 * 7 - 2
    assert seen[: len(seen) // 2] == seen[len(seen) // 2 :]


def test_the_host_does_little(cuda):
    """Calls for many steps, and nothing copied but where a pass begins and what it has found."""
    fitted = compiled(cuda, "dense")
    data = numbers(80, 11), np.ones((80, 1), "float32")

    def cost(epochs: int) -> Counted:
        with Counted() as counted:
            fitted.fit(*data, batch_size=2, epochs=epochs, verbose=0)
        return counted

    cost(1)  # brings the weights
    few, many = cost(2), cost(12)
    assert (few.recordings, many.recordings) == (1, 1)
    assert many.steps == 12 * 40 - 1
    assert many.calls < many.steps / 2, "a call is for several steps"
    order, place, figures = 8 * 80, 16, 64
    assert many.bytes_in - few.bytes_in <= 10 * (order + place + figures)


def test_a_long_epoch_copies_nothing(cuda):
    model = compiled(cuda, "dense")
    x, y = numbers(640, 11), np.ones((640, 1), "float32")
    size = x.nbytes + y.nbytes + 8 * len(x)

    def brought(rows: int) -> int:
        with Counted() as counted:
            model.fit(x[:rows], y[:rows], batch_size=2, verbose=0)
        return counted.bytes_in - size * rows // len(x)

    brought(20)
    assert brought(640) == brought(64)


def test_what_is_debugged_is_not_recorded(cuda):
    x = fastnn.placeholder((None, 3))
    w = fastnn.shared(np.ones((3, 1), "float32"))
    cost = ops.mean(ops.square(x @ w))
    (slope,) = fastnn.grad(cost, [w])
    section = ("main", [], [(w._storage, (w - 0.1 * slope)._value)])
    rows = np.ones((20, 3), "float32")
    for options in ({}, {"reuse_memory": False}, {"poison": True}):
        program = _core.Program([x._value], [section], device=cuda, **options)
        trainer = _core.Trainer(program)
        trainer.begin([rows], 2, False, 0)
        with Counted() as counted:
            assert trainer.run(100, 1e9) == 10
        assert counted.steps == (0 if options else 9)


def test_the_longest_steps_are_not_recorded(cuda):
    """A loop of so many turns that its recording would be large."""
    x = fastnn.placeholder((None, 1))
    w = fastnn.shared(np.zeros((1,), "float32"))

    def program(turns: int) -> Any:
        y = fastnn.scan(lambda h: (h * 0.5, None), initial_state=x, length=turns)[0]
        section = ("main", [], [(w._storage, (w + ops.sum(y, axis=0))._value)])
        return _core.Program([x._value], [section], device=cuda)

    for turns, steps in ((10, 2), (1 << 14, 0)):
        trainer = _core.Trainer(program(turns))
        trainer.begin([np.ones((3, 1), "float32")], 1, False, 0)
        with Counted() as counted:
            assert trainer.run(3, 1e9) == 3
        assert counted.steps == steps


def bad_words(batch: int) -> np.ndarray:
    x = words()
    x[8 * batch + 3, 2] = 20
    return x


@pytest.mark.parametrize("batch", [0, 1, 4])
def test_a_bad_word_stops_the_training_where_it_is(batch, cuda):
    """Also amid steps that were queued at once: later ones change nothing."""
    x, y = words(), target()
    model = compiled(cuda, "words")
    with pytest.raises(IndexError, match="index 20 is out of bounds for an axis of length 20"):
        model.fit(bad_words(batch), y, batch_size=8, shuffle=False, verbose=0)
    assert model._engine.clock.step == batch
    if batch:
        reference = compiled(cuda, "words")
        reference.fit(x, y, batch_size=8, shuffle=False, verbose=0, steps_per_epoch=batch)
        assert_same_bits(everything(reference), everything(model))
    # It goes on: what was met is forgotten.
    model.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_ctrl_c_leaves_whole_steps(cuda):
    data = NETWORKS["noise"][1](), target()
    model = compiled(cuda)
    pressed: list[float] = []

    def press() -> None:
        while model._engine.clock.step < 15:
            time.sleep(0.05)
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data, batch_size=8, epochs=100_000, shuffle=False, verbose=0)
    took = time.perf_counter() - pressed[0]
    thread.join()
    assert took < 5, "the training takes hours"
    steps = model._engine.clock.step
    assert steps >= 15
    reference = compiled(cuda)
    with recording(False):
        reference.fit(*data, batch_size=8, epochs=steps // 7, shuffle=False, verbose=0)
        if steps % 7:
            reference.fit(*data, batch_size=8, shuffle=False, verbose=0, steps_per_epoch=steps % 7)
    assert_same_bits(everything(reference), everything(model))


def test_another_thread_predicts_meanwhile(cuda):
    model, data = compiled(cuda, "normalised"), (numbers(ROWS, 11), target())
    expected = trained(cuda, "normalised", epochs=12)
    done = threading.Event()
    shapes: list[tuple[int, ...]] = []

    def predict() -> None:
        while not done.is_set():
            shapes.append(model.predict(data[0], verbose=0).shape)

    model.predict(data[0], verbose=0)
    thread = threading.Thread(target=predict)
    thread.start()
    try:
        model.fit(*data, batch_size=8, epochs=12, verbose=0)
    finally:
        done.set()
        thread.join()
    assert set(shapes) == {(ROWS, 1)}
    got = everything(model)
    assert_same_bits(expected[: len(got)], got)


def test_persistent_kernels_can_be_left_out_for_measuring(cuda):
    module: Any = importlib.import_module("fastnn._cuda")

    def run(wanted: bool) -> tuple[list[np.ndarray], int]:
        before, found = module.set_persistent(wanted), module.replays()[1]
        try:
            return trained(cuda, "dense"), module.replays()[1] - found
        finally:
            assert module.set_persistent(before) is wanted

    (one, persistent), (other, none) = run(True), run(False)
    assert persistent > none == 0
    assert_same_bits(one, other)
