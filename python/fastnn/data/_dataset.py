"""A data set: something that can be gone through again and again, and stages behind it."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastnn.data import _files
from fastnn.data._background import run_ahead
from fastnn.data._rows import Elements, Items, Rows, common_length, leaves, map_leaves
from fastnn.data._shuffle import Order, shuffled
from fastnn.models._checks import is_memory_map


@dataclass(frozen=True)
class InMemory:
    """What a data set is that is nothing but arrays, shuffled or not, in batches.

    Attributes:
        arrays: an array, or a tuple or dict of them.
        shuffled: whether in random order.
        batch_size: rows a batch; None before there are batches.
    """

    arrays: Any
    shuffled: bool = False
    batch_size: int | None = None


class Dataset:
    """Elements that come one after another, as often as they are gone through.

    Made by one of the ``from_`` methods, and refined by `map`, `shuffle`, `batch`, `unbatch`,
    `take`, `skip`, `repeat` and `prefetch`, each of which gives a new data set. An element is an
    array, or a tuple or dict of them, as in ``(x, y)`` or ``(x, y, sample_weight)``. Batches are
    taken by `fit`, `evaluate` and `predict`.

    Rows of arrays and items of sequences are shuffled and counted by their numbers and fetched a
    batch at a time: a memory map is read only where it is used. Arrays in memory that are at most
    shuffled as a whole, batched and prefetched are trained on as if `fit` had been given the arrays
    themselves: in C++.

    Example:
        >>> x, y = np.arange(6.0), np.arange(6) % 2
        >>> data = Dataset.from_arrays(x, y).map(lambda x, y: (x / 2, y)).batch(4).prefetch(2)
        >>> len(data)
        2
        >>> for batch_x, batch_y in data:
        ...     print(batch_x, batch_y)
        [0.  0.5 1.  1.5] [0 1 0 1]
        [2.  2.5] [0 1]
    """

    def __init__(
        self,
        passes: Callable[[], Iterator[Any]],
        rows: Elements,
        length: float | None,
        orders: tuple[Order, ...] = (),
        memory: InMemory | None = None,
    ) -> None:
        self._passes = passes
        self._rows = rows
        self._length = length
        self._orders = orders
        self._memory = memory

    @classmethod
    def from_arrays(cls, *arrays: Any) -> Dataset:
        """The rows of arrays, which are not copied.

        Args:
            *arrays: each an array (or memory map, or list of numbers), or a tuple or dict of them,
                of one length; one gives elements, several give tuples.

        Raises:
            ValueError: there is no array, or their lengths differ.
        """
        structure = map_leaves(_as_array, arrays[0] if len(arrays) == 1 else tuple(arrays))
        count = common_length(structure)
        memory = InMemory(structure) if all(map(_is_in_memory, leaves(structure))) else None
        return cls(lambda: iter(range(count)), Rows(structure), count, memory=memory)

    @classmethod
    def from_sequence(cls, sequence: Any) -> Dataset:
        """The items of a sequence: a list of file names, a Keras `PyDataset` (whose are batches).

        Args:
            sequence: has ``__len__`` and ``__getitem__`` for 0 to its length; its ``on_epoch_end``,
                where it has one, is called behind each pass.

        Raises:
            TypeError: it lacks one of the two.
        """
        if not hasattr(sequence, "__len__") or not hasattr(sequence, "__getitem__"):
            raise TypeError(
                "[Dataset] expected a sequence with __len__ and __getitem__, got"
                f" {type(sequence).__name__}"
            )

        def once() -> Iterator[Any]:
            yield from range(len(sequence))
            hook = getattr(sequence, "on_epoch_end", None)
            if callable(hook):
                hook()

        return cls(once, Items(sequence), len(sequence))

    @classmethod
    def from_generator(cls, source: Any, length: int | None = None) -> Dataset:
        """What a generator yields.

        Args:
            source: a function without arguments that gives an iterator, called once a pass; or an
                iterable. A generator itself is used up after one pass.
            length: how many elements a pass has, where that is known.

        Raises:
            TypeError: it is neither.
        """
        if callable(source):
            return cls(lambda: _iterator(source()), Elements(), length)
        if not isinstance(source, Iterable):
            raise TypeError(
                "[Dataset] expected a function that gives an iterator, or an iterable, got"
                f" {type(source).__name__}"
            )
        return cls(lambda: iter(source), Elements(), length)

    @classmethod
    def from_csv(
        cls,
        path: str | os.PathLike[str],
        inputs: Sequence[str],
        target: str | None = None,
        dtype: DTypeLike = np.float32,
    ) -> Dataset:
        """The rows of a CSV file with a header, read as they are needed.

        Args:
            path: the file: UTF-8, with or without a byte order mark.
            inputs: the columns of numbers that make x, of shape (columns,).
            target: the column of numbers that makes y; without one the elements are x alone.
            dtype: of the numbers.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a column is named twice; when it is gone through: a column is missing, or a
                row is malformed; the message names the line.
        """
        names = [*inputs, *([] if target is None else [target])]
        if not inputs or len(set(names)) < len(names):
            raise ValueError(f"[Dataset] expected different columns to read, got {names}")
        _existing(path)
        return cls(
            lambda: _files.csv_rows(_existing(path), inputs, target, dtype), Elements(), None
        )

    @classmethod
    def from_lines(cls, path: str | os.PathLike[str]) -> Dataset:
        """The lines of a text file, without their ends, read as they are needed.

        Args:
            path: the file: UTF-8, with or without a byte order mark.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: when it is gone through: it is no UTF-8 text, or a line is endless.
        """
        _existing(path)
        return cls(lambda: _files.lines(_existing(path)), Elements(), None)

    def map(self, function: Callable[..., Any]) -> Dataset:
        """The elements with a function applied; behind `batch` it is given whole batches.

        Args:
            function: takes the parts of a tuple as so many arguments, anything else as one.

        Raises:
            TypeError: it cannot be called.
        """
        if not callable(function):
            raise TypeError(f"[Dataset] expected a function, got {function!r}")

        def once() -> Iterator[Any]:
            for element in self:
                yield function(*element) if isinstance(element, tuple) else function(element)

        return Dataset(once, Elements(), self._length, self._orders)

    def shuffle(self, window: int | None = None, seed: int | None = None) -> Dataset:
        """The elements in random order, another one in each pass.

        Args:
            window: the next element is chosen among so many that wait; None waits for all. With
                arrays and sequences it is numbers that wait, and None is right; with generators and
                files it is elements, which take memory.
            seed: makes the orders repeatable; None takes that of `fastnn.utils.set_random_seed`,
                or of the training that it is used in.

        Raises:
            ValueError: for a window below 1, or all of an endless data set.
        """
        if window is not None:
            _at_least("window", window, 1)
        elif self.is_infinite:
            raise ValueError("[Dataset] an endless data set is shuffled within a window: give one")
        order = Order(seed)

        def once() -> Iterator[Any]:
            return shuffled(self._passes(), window, order.next())

        memory = self._memory if window is None and seed is None else None
        if memory is not None:
            memory = None if memory.batch_size else replace(memory, shuffled=True)
        return Dataset(once, self._rows, self._length, (*self._orders, order), memory)

    def batch(
        self, batch_size: int, drop_remainder: bool = False, pad: float | None = None
    ) -> Dataset:
        """Elements joined along a new first axis.

        Args:
            batch_size: elements a batch.
            drop_remainder: whether a smaller last batch is left out.
            pad: fills elements up, behind their end, to the longest of their batch along the first
                axis; None expects elements of one shape.

        Raises:
            ValueError: for a batch_size below 1; when gone through, for elements that differ in
                shape.
        """
        _at_least("batch_size", batch_size, 1)

        def once() -> Iterator[Any]:
            tokens = self._passes()
            while chunk := list(itertools.islice(tokens, batch_size)):
                if len(chunk) == batch_size or not drop_remainder:
                    yield self._rows.many(chunk, pad)

        length = self._length
        if length is not None and length < math.inf:
            length = int(length) // batch_size if drop_remainder else -(-int(length) // batch_size)
        memory = None if drop_remainder else self._memory
        if memory is not None:
            memory = None if memory.batch_size else replace(memory, batch_size=int(batch_size))
        return Dataset(once, Elements(), length, self._orders, memory)

    def unbatch(self) -> Dataset:
        """The rows of each element, one at a time: of files that hold many rows each.

        Raises:
            ValueError: when gone through, for an element whose parts differ in length.

        Example:
            >>> files = Dataset.from_generator(lambda: iter([np.arange(3), np.arange(2)]))
            >>> [batch.tolist() for batch in files.unbatch().batch(4)]
            [[0, 1, 2, 0], [1]]
        """

        def once() -> Iterator[Any]:
            for element in self:
                rows = Rows(element)
                for row in range(common_length(element)):
                    yield rows.one(row)

        return Dataset(once, Elements(), None, self._orders)

    def take(self, count: int) -> Dataset:
        """The first elements.

        Args:
            count: how many; fewer where there are not so many.
        """
        _at_least("count", count, 0)
        length = None if self._length is None else min(self._length, count)
        return self._with(lambda: itertools.islice(self._passes(), count), length)

    def skip(self, count: int) -> Dataset:
        """All elements but the first.

        Args:
            count: how many are left out.
        """
        _at_least("count", count, 0)
        length = None if self._length is None else max(self._length - count, 0)
        return self._with(lambda: itertools.islice(self._passes(), count, None), length)

    def repeat(self, count: int | None = None) -> Dataset:
        """The elements again and again; what is shuffled before is shuffled anew each time.

        Args:
            count: how often; None for ever: `fit` then needs steps_per_epoch.
        """
        if count is not None:
            _at_least("count", count, 0)

        def once() -> Iterator[Any]:
            for _ in itertools.count() if count is None else range(count):
                empty = True
                for token in self._passes():
                    empty = False
                    yield token
                if empty:
                    return

        times = math.inf if count is None else count
        length = self._length
        if length is not None:
            length = length * times if length else 0
        elif count is None:
            length = math.inf
        return self._with(once, length)

    def prefetch(self, count: int = 2) -> Dataset:
        """The elements, prepared by a thread while those before are used.

        What the thread raises is raised where its element would have come. It ends with the pass,
        or when that is given up.

        Args:
            count: how many elements wait at most.
        """
        _at_least("count", count, 1)

        def once() -> Iterator[Any]:
            return run_ahead(self.__iter__, count)

        return Dataset(once, Elements(), self._length, self._orders, self._memory)

    def begin_pass(self, seed: int, *place: int) -> None:
        """Says where the next pass stands in a training: `fit` calls it at each.

        What is shuffled without a seed of its own then follows from the training's seed and the
        pass alone, so that a training that was killed goes on with the same order.

        Args:
            seed: of the training.
            *place: numbers of the epoch, and of the pass in it.
        """
        for number, order in enumerate(self._orders):
            order.begin(seed, number, *place)

    def _with(self, passes: Callable[[], Iterator[Any]], length: float | None) -> Dataset:
        """A data set of the same rows."""
        return Dataset(passes, self._rows, length, self._orders)

    @property
    def in_memory(self) -> InMemory | None:
        """The arrays behind batches that are nothing else; None for any other data set."""
        batched = self._memory is not None and self._memory.batch_size is not None
        return self._memory if batched else None

    @property
    def is_infinite(self) -> bool:
        """Whether it is known to have no end."""
        return self._length == math.inf

    def __iter__(self) -> Iterator[Any]:
        return map(self._rows.one, self._passes())

    def __len__(self) -> int:
        if self._length is None or self.is_infinite:
            what = "endless" if self.is_infinite else "of unknown length"
            raise TypeError(f"[Dataset] a data set that is {what} has no len()")
        return int(self._length)

    def __repr__(self) -> str:
        length = "endless" if self.is_infinite else self._length
        return f"<Dataset: {'unknown length' if length is None else length}>"


def _as_array(value: Any) -> Any:
    array = (
        value if hasattr(value, "shape") and hasattr(value, "__getitem__") else np.asarray(value)
    )
    if hasattr(array, "to_numpy"):
        array = array.to_numpy()
    if not array.shape:
        raise ValueError("[Dataset] expected arrays with rows, got a single number")
    return array


def _is_in_memory(array: Any) -> bool:
    return isinstance(array, np.ndarray) and not is_memory_map(array)


def _iterator(given: Any) -> Iterator[Any]:
    if not isinstance(given, Iterable):
        raise TypeError(
            "[Dataset] expected a function that gives an iterator, got one that gives"
            f" {type(given).__name__}"
        )
    return iter(given)


def _existing(path: str | os.PathLike[str]) -> Path:
    found = Path(path)
    if not found.is_file():
        raise FileNotFoundError(f"[Dataset] there is no file {found}")
    return found


def _at_least(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"[Dataset] expected {name} to be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"[Dataset] expected {name} of at least {least}, got {value}")
