"""Trees of a batch, level by level: all nodes whose children are known are computed together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Forest:
    """A batch of trees as the arrays that a program takes.

    Nodes are numbered by level: all leaves of the batch, then all nodes one level above, and so on.

    Attributes:
        words: numbers of the leaves' words.
        left: for each level above the leaves, the number of each node's left child.
        right: of its right child.
        labels: of all nodes.
        places: for each tree, the numbers of its nodes in the order of the tree.
    """

    words: NDArray[np.int64]
    left: list[NDArray[np.int64]]
    right: list[NDArray[np.int64]]
    labels: NDArray[np.int64]
    places: list[NDArray[np.int64]]

    def arrays(self, height: int) -> list[NDArray[np.int64]]:
        """Words, labels, then left and right children of so many levels; missing ones are empty."""
        empty = [np.zeros(0, np.int64)] * (height - len(self.left))
        sides = zip([*self.left, *empty], [*self.right, *empty], strict=True)
        return [self.words, self.labels, *(side for pair in sides for side in pair)]

    @property
    def roots(self) -> NDArray[np.int64]:
        """The number of each tree's root."""
        return np.array([place[-1] for place in self.places])


def plant(trees: Sequence[Any], numbers: Mapping[str, int], unknown: int) -> Forest:
    """The forest of some trees.

    Args:
        trees: with ``words``, ``children``, ``labels`` and ``levels()``.
        numbers: of known words.
        unknown: the number of all others.
    """
    levels = [tree.levels() for tree in trees]
    sizes = [len(own) for own in levels]
    level = np.concatenate(levels)
    # Stable: within a level, nodes stay in the order of the trees.
    order = np.argsort(level, kind="stable")
    number = np.empty(len(level), np.int64)
    number[order] = np.arange(len(level))
    first = np.cumsum([0, *sizes])
    places = [number[a:b] for a, b in pairwise(first)]
    words = np.array([numbers.get(w, unknown) for tree in trees for w in tree.words], np.int64)
    children = np.concatenate(
        [place[tree.children] for place, tree in zip(places, trees, strict=True)]
        or [np.zeros((0, 2), np.int64)]
    )
    parents = np.concatenate(
        [place[len(tree.words) :] for place, tree in zip(places, trees, strict=True)]
    )
    by_number = np.zeros((len(level), 2), np.int64)
    by_number[parents] = children
    counts = np.bincount(level)
    ends = np.cumsum(counts)
    pairs = [by_number[a:b] for a, b in pairwise(ends)]
    labels = np.empty(len(level), np.int64)
    labels[number] = np.concatenate([tree.labels for tree in trees])
    left, right = ([np.ascontiguousarray(p[:, side]) for p in pairs] for side in (0, 1))
    return Forest(words, left, right, labels, places)
