"""Trees of a data set as the compiled core holds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _core, graph
from fastnn._tensor import Tensor

# The number of words that training has not seen.
UNKNOWN = 0

# What a program over trees takes, in this order, with the length of each.
_INPUTS = {
    "words": "leaves",
    "labels": "nodes",
    "left": "inner",
    "right": "inner",
    "counts": "levels",
}


def inputs() -> list[Tensor]:
    """Placeholders of a batch of trees, whose nodes are numbered by level.

    The leaves of all trees come first, then all nodes one level above, and so on: words of the
    leaves, labels of all nodes, left and right children of the inner ones, and how many nodes each
    level has.
    """
    return [graph.placeholder((length,), "int64", name=name) for name, length in _INPUTS.items()]


def plant(trees: Sequence[Any], numbers: Mapping[str, int], classes: int) -> Any:
    """The trees in compact form, checked once.

    Args:
        trees: with ``words``, ``children`` and ``labels``.
        numbers: of known words; all others have that of unknown ones.
        classes: labels are below this.

    Raises:
        ValueError: for what is no binary tree, or labels out of range; the message numbers the
            tree.
    """
    for number, tree in enumerate(trees):
        words = len(tree.words)
        shapes = np.shape(tree.children), np.shape(tree.labels)
        if shapes != ((words - 1, 2), (2 * words - 1,)):
            raise ValueError(
                f"tree {number}: expected children of shape {(words - 1, 2)} and labels of shape "
                f"{(2 * words - 1,)} for {words} words, got {shapes[0]} and {shapes[1]}"
            )
    return _core.Forest(
        [len(tree.words) for tree in trees],
        [numbers.get(word, UNKNOWN) for tree in trees for word in tree.words],
        _joined([tree.children for tree in trees]),
        _joined([tree.labels for tree in trees]),
        max(numbers.values(), default=UNKNOWN) + 1,
        classes,
    )


def _joined(arrays: Sequence[Any]) -> NDArray[np.int64]:
    flat = [np.asarray(array, np.int64).ravel() for array in arrays]
    return np.concatenate([np.zeros(0, np.int64), *flat])
