"""Recursive networks that label every node of a tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _random as random
from fastnn import _registry as registry
from fastnn import optimizers as optimizers_
from fastnn._tensor import Variable
from fastnn.callbacks import History
from fastnn.models import _checks
from fastnn.models._clock import Clock
from fastnn.models._epochs import EpochModel
from fastnn.models._kept import first_value
from fastnn.models._state import Tensors, collect_optimizer, restore_optimizer, set_all
from fastnn.models.trees import _programs as programs
from fastnn.models.trees._cells import CELLS
from fastnn.models.trees._figures import as_text, figures
from fastnn.models.trees._forest import UNKNOWN, plant

if TYPE_CHECKING:
    from fastnn.io._tensors import TensorFile

_BATCH = 64  # trees that are predicted together


class RNTN(EpochModel):
    """A recursive network over binary trees: words have vectors, nodes make theirs of their
    children's, and every node is classified (Socher et al., 2013).

    Args:
        units: length of a vector; default 25.
        classes: of nodes; default 5.
        cell: "tensor" (the paper's), "plain" or "lstm" (a tree-LSTM).
        l2: a penalty of half the squared weights, words' vectors excepted, times this; default
            1e-4.
        dropout: of nodes' vectors before they are classified; default 0.
        vector_dropout: of words' vectors; default 0.
        min_count: words seen less often in training share one vector, which is zero at first and
            stands for words that training has not seen; default 1.
        seed: of initial weights; default: the process's.
        name: default "rntn".

    Raises:
        ValueError: for settings out of range.

    Example:
        >>> from fastnn.datasets.sst import parse_tree
        >>> trees = [parse_tree("(4 (2 a) (4 (4 good) (2 film)))"), parse_tree("(0 (0 bad) (2 .))")]
        >>> model = RNTN(units=4, seed=0)
        >>> model.compile()
        >>> history = model.fit(trees, epochs=2, verbose=0)
        >>> model.predict(trees[0]).shape
        (5, 5)
    """

    def __init__(
        self,
        units: int = 25,
        classes: int = 5,
        cell: str = "tensor",
        l2: float = 1e-4,
        dropout: float = 0.0,
        vector_dropout: float = 0.0,
        min_count: int = 1,
        seed: int | None = None,
        name: str = "rntn",
    ) -> None:
        super().__init__()
        self.units = _checks.require_positive("RNTN", "units", units)
        self.classes = _checks.require_positive("RNTN", "classes", classes)
        self.min_count = _checks.require_positive("RNTN", "min_count", min_count)
        if cell not in CELLS:
            raise ValueError(
                f"[RNTN] expected the cell {', '.join(map(repr, CELLS))}, got {cell!r}"
            )
        if not l2 >= 0:
            raise ValueError(f"[RNTN] expected l2 of at least 0, got {l2}")
        for argument, share in (("dropout", dropout), ("vector_dropout", vector_dropout)):
            if not 0 <= share < 1:
                raise ValueError(f"[RNTN] expected {argument} in [0, 1), got {share}")
        self.cell_name, self.l2, self.name = cell, l2, name
        self.dropout, self.vector_dropout = dropout, vector_dropout
        self._seed = seed
        self._numbers: dict[str, int] = {}
        self._made: dict[str, Any] = {}
        self.optimizer: Any = None
        self.built = False
        self.compiled = False

    def compile(self, optimizer: Any = None) -> None:
        """Sets the optimizer.

        Args:
            optimizer: a name or an optimizer; default ``Adagrad(0.02,
                initial_accumulator_value=1e-7)``. Slopes of a mean over nodes are small: beside
                Adagrad's own start of 0.1 their squares count for nothing.
        """
        if optimizer is None:
            optimizer = optimizers_.Adagrad(0.02, initial_accumulator_value=1e-7)
        self.optimizer = optimizers_.get(optimizer)
        self._made.clear()
        self.compiled = True

    # --- weights

    def build(self, trees: Sequence[Any]) -> None:
        """Makes the vocabulary of these trees, and the weights."""
        self._build(self._numbers_of(trees))

    def _numbers_of(self, trees: Sequence[Any]) -> dict[str, int]:
        counts = Counter(word for tree in trees for word in tree.words)
        return _numbered(word for word, n in counts.items() if n >= self.min_count)

    def _build(self, numbers: dict[str, int]) -> None:
        self._numbers = numbers
        seed = self._seed
        if seed is None:
            seed = [random.current_seed(), random.next_stream()]  # type: ignore[assignment]
        generator = np.random.default_rng(seed)
        shape = (len(numbers) + 1, self.units)
        self.vectors = self._variable("vectors", shape, lambda: _first_vectors(generator, shape))
        self.cell = CELLS[self.cell_name](self.units, generator, self._variable)
        classes = (self.units, self.classes)
        bound = (6.0 / sum(classes)) ** 0.5
        self.kernel = self._variable(
            "classes", classes, lambda: generator.uniform(-bound, bound, classes)
        )
        self.bias = self._variable("classes_bias", classes[1:], lambda: np.zeros(self.classes))
        self.built = True

    def _variable(
        self, name: str, shape: tuple[int, ...], make: Callable[[], NDArray[Any]]
    ) -> Variable:
        value = first_value("RNTN", name, shape, "float32", make)
        return Variable(value, name=f"{self.name}/{name}")

    @property
    def weights(self) -> list[Variable]:
        """Words' vectors, the cell's weights, kernel and bias of the classes."""
        self._require_built()
        return [self.vectors, *self.cell.weights, self.kernel, self.bias]

    def get_weights(self) -> list[NDArray[Any]]:
        """The values of :attr:`weights`."""
        return [w.get_value() for w in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Sets them."""
        for variable, value in zip(self.weights, weights, strict=True):
            variable.set_value(value)

    # --- files

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = ("units", "classes", "l2", "dropout", "vector_dropout", "min_count", "name")
        config = {name: getattr(self, name) for name in names}
        return {**config, "cell": self.cell_name, "seed": self._seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> RNTN:
        """A model of these settings, without weights."""
        return cls(**config)

    def _content(self, tensors: Tensors) -> dict[str, Any]:
        built = self.built
        return {
            "config": self.get_config(),
            "clock": self._clock.state(),
            "words": list(self._numbers) if built else None,
            "weights": tensors.add_variables(self.name, self.weights) if built else [],
            "optimizer": registry.serialize(self.optimizer),
            "state": collect_optimizer(self, tensors) if built else None,
        }

    @classmethod
    def _made_from(cls, content: Mapping[str, Any], file: TensorFile) -> Any:
        model = cls.from_config(content["config"])
        model._clock = Clock.from_state(content["clock"])
        if (words := content["words"]) is not None:
            if len({w for w in words if isinstance(w, str)}) != len(words):
                raise ValueError("expected words that are all different")
            model._build(_numbered(words))
            set_all(model.weights, content["weights"], file, "RNTN")
        if content["optimizer"] is not None:
            model.compile(optimizers_.get(content["optimizer"]))
            if content["state"] is not None:
                restore_optimizer(model, content["state"], file)
        return model

    # --- training

    def fit(
        self,
        trees: Sequence[Any],
        validation_data: Sequence[Any] | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        shuffle: bool = True,
        verbose: str | int = "auto",
        callbacks: Any = None,
        initial_epoch: int = 0,
    ) -> History:
        """Trains on trees whose nodes are labelled.

        Args:
            trees: of ``fastnn.datasets.sst``, or objects like them.
            validation_data: trees to measure after each epoch.
            epochs: up to which epoch, counted from ``initial_epoch``.
            batch_size: trees a step; default 32.
            shuffle: a new order in each epoch; default True.
            verbose: as for :meth:`Model.fit`.
            callbacks: as for :meth:`Model.fit`.
            initial_epoch: the number of the first epoch.

        Returns:
            A History with "loss" (the mean cross-entropy of a node), "accuracy" of all nodes, and
            for validation data what :meth:`evaluate` gives, under "val_" names.

        Raises:
            RuntimeError: before compile().
            ValueError: for no trees, what is no binary tree, or labels out of range; the message
                numbers the tree, and nothing has changed.
        """
        if not self.compiled:
            raise RuntimeError("[RNTN] is not compiled: call compile() before fit()")
        batch_size = _checks.require_positive("RNTN", "batch_size", batch_size)
        trees = self._checked(trees)
        numbers = self._numbers if self.built else self._numbers_of(trees)
        planted = self._planted(trees, numbers)
        held_out = None
        if validation_data is not None:
            held = self._checked(validation_data)
            held_out = self._planted(held, numbers), held
        if not self.built:
            self._build(numbers)
        trainer, means = programs.trainer_of(self), programs.of(self).figures

        def run(epoch: int, hooks: Any) -> dict[str, Any]:
            for mean in means.values():
                mean.reset()
            self._run_pass(trainer, planted, batch_size, shuffle, hooks, means)
            logs = {name: mean.result() for name, mean in means.items()}
            if held_out is not None:
                found = self._measured(*held_out)
                logs.update({f"val_{name}": value for name, value in found.items()})
            return logs

        return self._each_epoch(
            run, -(-len(trees) // batch_size), epochs, initial_epoch, verbose, callbacks
        )

    # --- use

    def _planted(self, trees: Sequence[Any], numbers: Mapping[str, int]) -> Any:
        try:
            return plant(trees, numbers, self.classes)
        except ValueError as error:
            raise ValueError(f"[RNTN] {error}") from None

    def _run(self, planted: Any) -> Any:
        """Probabilities and losses of all nodes, in the order of the trees."""
        return programs.predictor_of(self).run(planted, _BATCH)

    def predict(self, trees: Any) -> Any:
        """Probabilities of the classes at each node.

        Args:
            trees: a tree, or a sequence of them.

        Returns:
            Shape (nodes, classes), in the order of the tree's nodes; a list of such for several
            trees.
        """
        self._require_built()
        single = hasattr(trees, "children")
        chosen = self._checked([trees] if single else trees)
        p, _ = self._run(self._planted(chosen, self._numbers))
        ends = np.cumsum([len(tree.labels) for tree in chosen])
        found = [np.ascontiguousarray(part) for part in np.split(p, ends[:-1])]
        return found[0] if single else found

    def evaluate(self, trees: Sequence[Any]) -> dict[str, float]:
        """How well trees are labelled.

        Args:
            trees: with labels.

        Returns:
            "loss" and "accuracy" of all nodes, "root_accuracy", and, where the classes are an odd
            number around a neutral one, "binary_accuracy": of all nodes that are not neutral,
            whether the side is right, and "binary_root_accuracy".
        """
        self._require_built()
        trees = self._checked(trees)
        return self._measured(self._planted(trees, self._numbers), trees)

    def _measured(self, planted: Any, trees: Sequence[Any]) -> dict[str, float]:
        p, losses = self._run(planted)
        labels = np.concatenate([tree.labels for tree in trees])
        roots = np.zeros(len(labels), bool)
        roots[np.cumsum([len(tree.labels) for tree in trees]) - 1] = True
        return figures(p, labels, roots, float(losses.sum(dtype=np.float64)))

    def show(self, tree: Any) -> str:
        """The tree as text, a node a line, with its predicted class and how sure it is."""
        return as_text(tree, self.predict(tree))

    def _require_built(self) -> None:
        if not self.built:
            raise RuntimeError(f"[RNTN] {self.name!r} has no weights yet: call fit()")

    def _checked(self, trees: Sequence[Any]) -> list[Any]:
        chosen = list(trees)
        if not chosen:
            raise ValueError("[RNTN] expected at least one tree, got none")
        for number, tree in enumerate(chosen):
            if not all(hasattr(tree, name) for name in ("words", "children", "labels")):
                raise TypeError(
                    f"[RNTN] expected trees as fastnn.datasets.sst has them, got "
                    f"{type(tree).__name__} at {number}"
                )
        return chosen


def _first_vectors(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    vectors = generator.uniform(-0.1, 0.1, shape)
    # Training may never see it: words of no vector say nothing, rather than something by chance.
    vectors[UNKNOWN] = 0
    return vectors


def _numbered(words: Iterable[str]) -> dict[str, int]:
    return {word: number for number, word in enumerate(words, start=UNKNOWN + 1)}
