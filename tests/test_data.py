"""Data sets: what each stage gives, how fit takes it, and how its thread ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import fastnn
from fastnn.data import Dataset
from fastnn.layers import Dense
from fastnn.models import Sequential
from fastnn.preprocessing import timeseries_dataset_from_array

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [-2.0], [0.5]], np.float32)


def model() -> Sequential:
    fastnn.utils.set_random_seed(1)
    made = Sequential([fastnn.Input((3,)), Dense(1)])
    made.compile("sgd", "mse")
    return made


def threads() -> int:
    return sum(thread.name == "fastnn-data" for thread in threading.enumerate())


def wait_for(condition) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def numbers(count: int = 10) -> Dataset:
    return Dataset.from_generator(lambda: iter(range(count)), count)


def test_rows_of_arrays():
    data = Dataset.from_arrays({"a": X, "b": list(range(50))}, Y)
    assert len(data) == 50
    first, y = next(iter(data))
    np.testing.assert_array_equal(first["a"], X[0])
    assert first["b"] == 0
    np.testing.assert_array_equal(y, Y[0])


def test_batches_of_arrays_are_views_until_they_are_shuffled():
    (batch, *rest) = list(Dataset.from_arrays(X).batch(20))
    assert np.shares_memory(batch, X)
    assert [len(b) for b in rest] == [20, 10]
    (mixed, *_) = list(Dataset.from_arrays(X).shuffle().batch(20))
    assert not np.shares_memory(mixed, X)


@pytest.mark.parametrize("window", [1, 7, 50, 80, None])
@pytest.mark.parametrize("make", [lambda: Dataset.from_arrays(np.arange(50)), lambda: numbers(50)])
def test_shuffling_keeps_every_element(make, window):
    data = make().shuffle(window)
    passes = [[int(n) for n in data] for _ in range(3)]
    for order in passes:
        assert sorted(order) == list(range(50))
    if window == 1:
        assert passes == [list(range(50))] * 3
    else:
        assert passes[0] != passes[1] != passes[2]
    if window == 7:  # an element waits for as long as it likes, but none comes early
        assert all(number < place + 7 for place, number in enumerate(passes[0]))


def test_a_full_shuffle_is_uniform():
    # Where element 0 lands, over 3000 shuffles of 6: each place has 500 +- 5 sigma.
    data = numbers(6).shuffle(6, seed=0)
    places = np.bincount([list(data).index(0) for _ in range(3000)], minlength=6)
    assert np.abs(places - 500).max() < 5 * np.sqrt(500 * 5 / 6)


def test_orders_repeat_with_their_seed():
    def orders(seed: int | None) -> list[list[int]]:
        data = numbers(20).shuffle(5, seed=seed)
        return [list(data), list(data)]

    assert orders(3) == orders(3) != orders(4)
    fastnn.utils.set_random_seed(8)
    first = orders(None)
    fastnn.utils.set_random_seed(8)
    assert orders(None) == first


def test_take_skip_repeat_map():
    assert list(numbers().take(3)) == [0, 1, 2]
    assert list(numbers().skip(8)) == [8, 9]
    assert list(numbers(2).repeat(3)) == [0, 1] * 3
    assert list(numbers(3).repeat().take(7)) == [0, 1, 2, 0, 1, 2, 0]
    assert list(numbers(3).map(lambda n: (n, -n)).map(lambda a, b: a - b)) == [0, 2, 4]
    assert list(Dataset.from_generator(lambda: iter(())).repeat()) == []


def test_stages_in_any_order_do_what_lists_do():
    # Random chains of stages, against the same on lists; and their length, where it is known.
    rng = np.random.default_rng(4)
    for _ in range(300):
        count = int(rng.integers(0, 12))
        data, expected = numbers(count), list(range(count))
        if rng.integers(2):
            data = Dataset.from_arrays(np.arange(count))
        batched = False
        for _ in range(rng.integers(1, 6)):
            n = int(rng.integers(0, 8))
            stage = rng.choice(["take", "skip", "repeat", "map", "batch", "prefetch", "shuffle"])
            if stage == "take":
                data, expected = data.take(n), expected[:n]
            elif stage == "skip":
                data, expected = data.skip(n), expected[n:]
            elif stage == "repeat":
                data, expected = data.repeat(n), expected * n
            elif stage == "map":
                data, expected = data.map(lambda e: e + 1), [_plus_one(e) for e in expected]
            elif stage == "prefetch":
                data = data.prefetch(n + 1)
            elif stage == "shuffle":
                data = data.shuffle(1)  # a window of one keeps the order
            elif not batched:
                batched = True
                pieces = [expected[i : i + n + 1] for i in range(0, len(expected), n + 1)]
                data, expected = data.batch(n + 1), pieces
        assert [np.asarray(e).tolist() for e in data] == expected
        assert len(data) == len(expected)
    assert threads() == 0


def _plus_one(element):
    return [e + 1 for e in element] if isinstance(element, list) else element + 1


def test_repeated_passes_are_shuffled_anew():
    twice = list(numbers(20).shuffle(seed=0).repeat(2))
    assert sorted(twice[:20]) == sorted(twice[20:])
    assert twice[:20] != twice[20:]


@pytest.mark.parametrize(
    ("data", "length"),
    [
        (numbers().batch(4), 3),
        (numbers().batch(4, drop_remainder=True), 2),
        (numbers().take(3), 3),
        (numbers().take(30), 10),
        (numbers().skip(3), 7),
        (numbers().skip(30), 0),
        (numbers().repeat(3), 30),
        (numbers().repeat(0), 0),
        (numbers(0).repeat(), 0),
        (numbers().repeat().take(25).batch(10), 3),
        (numbers().map(abs).shuffle(4).prefetch(), 10),
    ],
)
def test_length(data, length):
    assert len(data) == length
    assert len(list(data)) == length


def test_no_length():
    with pytest.raises(TypeError, match="endless has no len"):
        len(numbers().repeat().batch(3))
    with pytest.raises(TypeError, match="unknown length has no len"):
        len(Dataset.from_generator(lambda: iter("ab")))
    assert repr(numbers()) == "<Dataset: 10>"
    assert repr(numbers().repeat()) == "<Dataset: endless>"


def test_a_file_name_is_opened_only_when_its_batch_comes(tmp_path):
    paths = []
    for number in range(6):
        paths.append(tmp_path / f"{number}.npy")
        np.save(paths[-1], np.full((2, 2), number))
    data = Dataset.from_sequence(paths).shuffle(seed=0).map(np.load).batch(4)
    batches = list(data)
    assert [b.shape for b in batches] == [(4, 2, 2), (2, 2, 2)]
    assert sorted(int(a[0, 0]) for b in batches for a in b) == list(range(6))
    paths[3].unlink()
    with pytest.raises(FileNotFoundError):
        list(data)


def test_rows_of_many_files(tmp_path):
    paths = []
    for number, part in enumerate(np.array_split(np.arange(50), 7)):
        paths.append(tmp_path / f"{number}.npz")
        np.savez(paths[-1], x=X[part], y=Y[part])

    def load(path):
        with np.load(path) as arrays:
            return arrays["x"], arrays["y"]

    rows = Dataset.from_sequence(paths).shuffle(seed=1).map(load).unbatch().shuffle(20, seed=2)
    batches = list(rows.batch(8).prefetch())
    assert [len(x) for x, _ in batches] == [8] * 6 + [2]
    x, y = (np.concatenate(part) for part in zip(*batches, strict=True))
    order = np.argsort(x[:, 0])
    np.testing.assert_array_equal(x[order], X[np.argsort(X[:, 0])])
    np.testing.assert_array_equal(y[order], Y[np.argsort(X[:, 0])])
    model().fit(rows.batch(8).prefetch(), epochs=2, verbose=0)


def test_parts_of_an_element_have_one_length():
    odd = Dataset.from_generator(lambda: iter([(np.zeros(3), np.zeros(2))]))
    with pytest.raises(ValueError, match="arrays of one length, got 3, 2"):
        list(odd.unbatch())
    with pytest.raises(ValueError, match="arrays with rows, got a single number"):
        list(numbers().unbatch())


class Sequence:
    """As Keras's PyDataset: batches by number."""

    def __init__(self) -> None:
        self.ends = 0

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]

    def on_epoch_end(self) -> None:
        self.ends += 1


def test_every_source_trains_as_arrays_do():
    expected = model().fit(X, Y, batch_size=10, epochs=3, shuffle=False, verbose=0).history["loss"]
    sequence = Sequence()
    sources = {
        "arrays": Dataset.from_arrays(X, Y).batch(10),
        "prefetched": Dataset.from_arrays(X, Y).batch(10).prefetch(3),
        "rows": Dataset.from_generator(lambda: zip(X, Y, strict=True)).batch(10),
        "sequence": Dataset.from_sequence(sequence).prefetch(),
        "repeated": Dataset.from_arrays(X, Y).batch(10).repeat(),
    }
    for name, data in sources.items():
        steps = 5 if name == "repeated" else None
        got = model().fit(data, epochs=3, steps_per_epoch=steps, verbose=0).history["loss"]
        np.testing.assert_allclose(got, expected, rtol=1e-6, err_msg=name)
    assert sequence.ends == 3
    assert threads() == 0


def test_arrays_in_memory_are_trained_on_in_cpp():
    data = Dataset.from_arrays(X, Y)
    assert data.in_memory is None
    taken = {
        "batch": data.batch(10),
        "shuffle": data.shuffle().batch(10).prefetch(),
    }
    left = {
        "seed": data.shuffle(seed=1).batch(10),
        "window": data.shuffle(30).batch(10),
        "map": data.map(lambda x, y: (x, y)).batch(10),
        "after": data.batch(10).shuffle(),
        "twice": data.batch(5).batch(2),
        "remainder": data.batch(20, drop_remainder=True),
        "take": data.take(20).batch(10),
        "repeat": data.batch(10).repeat(2),
        "items": Dataset.from_sequence(list(X)).batch(10),
    }
    assert {name: bool(d.in_memory) for name, d in taken.items()} == dict.fromkeys(taken, True)
    assert {name: d.in_memory for name, d in left.items()} == dict.fromkeys(left)

    def weights(fit) -> list[np.ndarray]:
        made = model()
        fit(made)
        return made.get_weights()

    for name, shuffle in (("batch", False), ("shuffle", True)):
        by_arrays = weights(lambda m: m.fit(X, Y, 10, 3, 0, shuffle=shuffle))  # noqa: B023
        by_data = weights(lambda m: m.fit(taken[name], epochs=3, verbose=0))  # noqa: B023
        for got, expected in zip(by_data, by_arrays, strict=True):
            np.testing.assert_array_equal(got, expected)
    bad = X.copy()
    bad[33, 1] = np.nan
    with pytest.raises(ValueError, match=r"x\[33, 1\] is NaN"):
        model().fit(Dataset.from_arrays(bad, Y).batch(10), verbose=0)
    with pytest.raises(ValueError, match="validation_split needs arrays in memory"):
        model().fit(taken["batch"], validation_split=0.2, verbose=0)


@pytest.mark.parametrize("stages", ["plain", "repeated", "windows", "seeded"])
def test_a_training_gone_on_with_has_the_orders_of_one_run_through(stages):
    def data() -> Dataset:
        made = Dataset.from_arrays(X, Y).shuffle(seed=7 if stages == "seeded" else None)
        if stages == "windows":
            made = made.shuffle(9)
        made = made.repeat(2) if stages == "repeated" else made
        return made.batch(10).prefetch()

    through = model()
    through.fit(data(), epochs=4, verbose=0)
    halves = model()
    halves.fit(data(), epochs=2, verbose=0)
    halves.fit(data(), initial_epoch=2, epochs=4, verbose=0)
    for got, expected in zip(halves.get_weights(), through.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)
    begun, orders = data(), []
    for epoch in range(3):
        begun.begin_pass(1, epoch, 0)
        orders.append([y.tolist() for _, y in begun])
    assert orders[0] != orders[1] != orders[2]


def test_evaluate_predict_and_validation():
    trained = model()
    data = Dataset.from_arrays(X, Y).batch(16).prefetch()
    history = trained.fit(data, validation_data=data, epochs=2, verbose=0)
    figure = trained.evaluate(data, verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(figure, rel=1e-6)
    assert figure == pytest.approx(trained.evaluate(X, Y, verbose=0), rel=1e-5)
    for rows in (Dataset.from_arrays(X), Dataset.from_arrays(X, Y), Dataset.from_sequence(list(X))):
        got = trained.predict(rows.batch(16).prefetch(), verbose=0)
        np.testing.assert_array_equal(got, trained.predict(X, verbose=0))
    mixed = trained.predict(Dataset.from_arrays(X).shuffle().batch(16), verbose=0)
    np.testing.assert_array_equal(np.sort(mixed, axis=0), np.sort(got, axis=0))
    assert not np.array_equal(mixed, got)


def test_an_endless_data_set_needs_its_steps():
    data = Dataset.from_arrays(X, Y).batch(10).repeat()
    for call in (model().fit, model().evaluate, model().predict):
        with pytest.raises(ValueError, match="no end: say how many steps"):
            call(data, verbose=0)


@pytest.mark.parametrize("ahead", [False, True])
def test_a_batch_with_nan_changes_nothing(ahead):
    bad = X.copy()
    bad[33, 1] = np.nan
    trained = model()
    data = Dataset.from_generator(lambda: zip(bad, Y, strict=True)).batch(10)
    with pytest.raises(ValueError, match=r"x\[3, 1\] is NaN"):
        trained.fit(data.prefetch() if ahead else data, verbose=0)
    after = model()
    after.fit(X[:30], Y[:30], batch_size=10, shuffle=False, verbose=0)
    for got, expected in zip(trained.get_weights(), after.get_weights(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_elements_of_a_batch_are_alike():
    def lengths() -> Dataset:
        return Dataset.from_generator(lambda: (np.arange(n) + 1 for n in (2, 3, 1)))

    with pytest.raises(
        ValueError, match=r"one shape, got \(2,\) first and \(3,\) at 1 \(pad= fills"
    ):
        list(lengths().batch(3))
    (padded,) = lengths().batch(3, pad=-1)
    assert padded.tolist() == [[1, 2, -1], [1, 2, 3], [1, -1, -1]]
    mixed = Dataset.from_generator(lambda: iter([(1, 2), (1,)]))
    with pytest.raises(ValueError, match="alike, got a tuple of 2 parts first and a tuple of 1"):
        list(mixed.batch(2))
    other = Dataset.from_generator(lambda: iter([{"a": 1}, 1]))
    with pytest.raises(ValueError, match="a dict of 1 parts first and int at 1"):
        list(other.batch(2))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Dataset.from_arrays(), ValueError, "expected arrays, got none"),
        (lambda: Dataset.from_arrays(X, Y[:3]), ValueError, "one length, got 50, 3"),
        (lambda: Dataset.from_arrays(3.0), ValueError, "got a single number"),
        (lambda: Dataset.from_sequence(iter("a")), TypeError, "with __len__ and __getitem__"),
        (lambda: Dataset.from_generator(3), TypeError, "or an iterable, got int"),
        (lambda: list(Dataset.from_generator(lambda: None)), TypeError, "gives NoneType"),
        (lambda: numbers().map(3), TypeError, "expected a function, got 3"),
        (lambda: numbers().batch(0), ValueError, "batch_size of at least 1, got 0"),
        (lambda: numbers().batch(2.0), TypeError, "batch_size to be a whole number, got 2.0"),
        (lambda: numbers().shuffle(0), ValueError, "window of at least 1"),
        (lambda: numbers().repeat().shuffle(), ValueError, "within a window: give one"),
        (lambda: numbers().prefetch(0), ValueError, "count of at least 1"),
        (lambda: numbers().take(-1), ValueError, "count of at least 0"),
        (lambda: numbers().skip(True), TypeError, "whole number, got True"),
        (lambda: Dataset.from_csv("none", ["a"]), FileNotFoundError, "no file none"),
        (lambda: Dataset.from_csv("none", ["a"], "a"), ValueError, "different columns"),
        (lambda: Dataset.from_csv("none", []), ValueError, "different columns"),
        (lambda: Dataset.from_lines("none"), FileNotFoundError, "no file none"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_csv(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a,b,name,c\n1,2,x,3\n4,5.5,y,6\n7,8,z,9\n")
    (first, second) = Dataset.from_csv(path, ["c", "a"], "b").batch(2)
    np.testing.assert_array_equal(first[0], np.array([[3, 1], [6, 4]], np.float32))
    np.testing.assert_array_equal(first[1], np.array([2, 5.5], np.float32))
    assert second[0].dtype == np.float32
    assert [x.tolist() for x in Dataset.from_csv(path, ["a"], dtype=int)] == [[1], [4], [7]]
    path.write_text("a,b\n1,2\n3,x\n")
    rows = iter(Dataset.from_csv(path, ["a", "b"]))
    assert next(rows).tolist() == [1, 2]
    with pytest.raises(ValueError, match="line 3, column 'b': expected a finite number, got 'x'"):
        next(rows)


def test_lines(tmp_path):
    path = tmp_path / "poem.txt"
    path.write_bytes(b"two roads\r\ndiverged\n\nin")
    assert list(Dataset.from_lines(path)) == ["two roads", "diverged", "", "in"]


def test_series():
    series = np.arange(40.0)
    data = timeseries_dataset_from_array(series[:-4], series[4:], 4, batch_size=8)
    for x, y in data:
        np.testing.assert_array_equal(x[:, -1] + 1, y)
    assert sum(len(y) for _, y in data) == 33
    mixed = timeseries_dataset_from_array(series, None, 4, shuffle=True, seed=1, batch_size=None)
    assert sorted(float(x[0]) for x in mixed) == list(range(37))


def test_what_the_thread_raises_comes_at_its_element():
    def source():
        yield 1
        yield 2
        raise OSError("disk on fire")

    iterator = iter(Dataset.from_generator(source).prefetch(5))
    assert [next(iterator), next(iterator)] == [1, 2]
    with pytest.raises(OSError, match="disk on fire"):
        next(iterator)
    assert threads() == 0


def test_an_exit_in_the_thread_reaches_the_reader():
    def leave(_):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        list(numbers().map(leave).prefetch())


def test_a_pass_that_is_given_up_ends_its_thread():
    closed = []

    def source():
        try:
            yield from range(1000)
        finally:
            closed.append(True)

    iterator = iter(Dataset.from_generator(source).prefetch(2).prefetch(1))
    assert next(iterator) == 0
    assert threads() == 2
    del iterator
    wait_for(lambda: threads() == 0)
    assert closed == [True]


def test_the_queue_is_bounded():
    made = []
    iterator = iter(numbers(100).map(lambda n: made.append(n) or n).prefetch(3))
    next(iterator)
    wait_for(lambda: len(made) == 5)  # one taken, three waiting, one in hand
    time.sleep(0.25)
    assert len(made) == 5
    del iterator


SCRIPTS = {
    # A thread waits for room, or sleeps in its source, when the interpreter ends.
    "waiting": "data = numbers.prefetch(1); it = iter(data); next(it)",
    "slow": "it = iter(numbers.map(lambda n: time.sleep(0.3 * n)).prefetch(1)); next(it)",
    "global": "data = numbers.prefetch(1); it = [iter(data) for _ in range(5)]; next(it[0])",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_interpreter_ends(name):
    script = f"""
import time
from fastnn.data import Dataset
numbers = Dataset.from_generator(lambda: iter(range(100)))
{SCRIPTS[name]}
print("end")
"""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == ("end\n", "")
    assert time.monotonic() - begun < 10


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_ctrl_c_while_the_reader_waits():
    script = """
import os, signal, threading, time
from fastnn.data import Dataset
signal.signal(signal.SIGINT, signal.default_int_handler)
def source():
    yield 1
    time.sleep(60)
it = iter(Dataset.from_generator(source).prefetch())
next(it)
threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
try:
    next(it)
except KeyboardInterrupt:
    print("interrupted", time.monotonic() - begun < 2)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=40, check=True
    )
    assert done.stdout == "interrupted True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_an_iterator_does_not_outlive_a_fork():
    iterator = iter(numbers(100).prefetch(1))
    next(iterator)
    child = os.fork()
    if child == 0:
        try:
            list(iterator)
        except RuntimeError as error:
            os._exit(7 if "fork" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert sum(iterator) > 0


def test_preparing_and_training_overlap():
    # Ten elements that take 20 ms to make and 20 ms to use: 0.4 s one after the other.
    def run(data: Dataset) -> float:
        begun = time.monotonic()
        for _ in data:
            time.sleep(0.02)
        return time.monotonic() - begun

    slow = numbers(10).map(lambda n: time.sleep(0.02))
    assert min(run(slow.prefetch()) for _ in range(3)) < 0.8 * min(run(slow) for _ in range(3))


def test_a_memory_map_is_read_by_batch(tmp_path: Path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    data = Dataset.from_arrays(mapped, Y).shuffle(seed=2).batch(10).prefetch()
    rows = np.concatenate([x for x, _ in data])
    np.testing.assert_array_equal(np.sort(rows[:, 0]), np.sort(X[:, 0]))
    model().fit(data, epochs=2, verbose=0)
