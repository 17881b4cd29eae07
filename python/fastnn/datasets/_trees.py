"""Binary trees with a label and, at the leaves, a word, as treebanks write them in brackets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fastnn.datasets._csv import iterate_lines

# Words may hold a no-break space: only these separate.
_TOKEN = re.compile(r"[ \t\r\n]*(\(|\)|[^ \t\r\n()]+)")


@dataclass(frozen=True, eq=False)
class Tree:
    """A sentence's tree, flat: leaves first, in the order of the words, then each inner node behind
    its children; the root is last.

    Attributes:
        words: of the leaves.
        children: int64 of shape (nodes - leaves, 2): the left and right child of each inner node.
        labels: int64 of shape (nodes,).

    Example:
        >>> tree = parse_tree("(3 (2 It) (4 (2 's) (4 lovely)))")
        >>> tree.words
        ('It', "'s", 'lovely')
        >>> tree.labels.tolist(), tree.children.tolist()
        ([2, 2, 4, 4, 3], [[1, 2], [0, 3]])
        >>> tree.levels().tolist()
        [0, 0, 0, 1, 2]
        >>> print(tree)
        (3 (2 It) (4 (2 's) (4 lovely)))
    """

    words: tuple[str, ...]
    children: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def levels(self) -> NDArray[np.int64]:
        """How far each node is above its lowest leaf: 0 at leaves; shape (nodes,).

        Nodes of one level depend on lower ones alone, and can be computed at once.
        """
        found = np.zeros(len(self), np.int64)
        for node, pair in enumerate(self.children, start=len(self.words)):
            found[node] = 1 + found[pair].max()
        return found

    def __str__(self) -> str:
        texts = [f"({label} {word})" for label, word in zip(self.labels, self.words, strict=False)]
        for label, (left, right) in zip(self.labels[len(self.words) :], self.children, strict=True):
            texts.append(f"({label} {texts[left]} {texts[right]})")
        return texts[-1]


def parse_tree(text: str, classes: int = 5) -> Tree:
    """The tree of a text in brackets: ``(label word)`` or ``(label left right)``.

    Args:
        text: one tree.
        classes: labels are whole numbers below this.

    Raises:
        ValueError: it is no such tree; the message says where.
    """
    nodes = _Nodes(classes)
    tokens = _Tokens(text)
    # A stack instead of recursion: sentences of a thousand words may nest as deep.
    open_nodes: list[tuple[int, list[int | str]]] = []
    while True:
        token = tokens.next()
        if token == "(":
            open_nodes.append((nodes.label(tokens), []))
        elif token == ")" and open_nodes:
            label, parts = open_nodes.pop()
            node = nodes.close(label, parts, tokens)
            if not open_nodes:
                tokens.end()
                return nodes.tree(node)
            open_nodes[-1][1].append(node)
        elif token and token != ")" and open_nodes:
            open_nodes[-1][1].append(token)
        else:
            raise tokens.error("( of a tree" if not open_nodes else ")", token)


class _Tokens:
    """Brackets and words, and where they stand.

    Args:
        text: what is read.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._last = 0

    def next(self) -> str:
        """The next token; "" at the end."""
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            self._last = self._at = len(self._text)
            return ""
        self._last, self._at = match.start(1), match.end()
        return match[1]

    @property
    def at(self) -> int:
        """Where the last token stands, from 1."""
        return self._last + 1

    def end(self) -> None:
        """Raises ValueError unless all is read."""
        if token := self.next():
            raise self.error("the end of the tree", token)

    def error(self, expected: str, got: str) -> ValueError:
        """What was expected in place of the last token."""
        found = repr(got) if got else "the end"
        return ValueError(f"expected {expected} at character {self.at}, got {found}")


class _Nodes:
    """The nodes of a tree as they are closed: words and pairs.

    Args:
        classes: how many labels there are.
    """

    def __init__(self, classes: int) -> None:
        self._classes = classes
        self._words: list[str] = []
        self._leaf_labels: list[int] = []
        self._pairs: list[tuple[int, int]] = []
        self._pair_labels: list[int] = []

    def label(self, tokens: _Tokens) -> int:
        """The label behind an opening bracket."""
        token = tokens.next()
        if not (token.isascii() and token.isdigit() and int(token) < self._classes):
            raise tokens.error(f"a label of 0 to {self._classes - 1}", token)
        return int(token)

    def close(self, label: int, parts: Sequence[int | str], tokens: _Tokens) -> int:
        """A finished node: ~number of a leaf, or number of a pair."""
        if len(parts) == 1 and isinstance(parts[0], str):
            self._words.append(parts[0])
            self._leaf_labels.append(label)
            return ~(len(self._words) - 1)
        if len(parts) == 2 and isinstance(parts[0], int) and isinstance(parts[1], int):
            self._pairs.append((parts[0], parts[1]))
            self._pair_labels.append(label)
            return len(self._pairs) - 1
        kinds = ["a word" if isinstance(part, str) else "a tree" for part in parts]
        raise ValueError(
            f"expected a word or two trees in the node that ends at character {tokens.at}, got"
            f" {' and '.join(kinds) or 'nothing'}"
        )

    def tree(self, root: int) -> Tree:
        """The tree of all nodes."""
        leaves = len(self._words)
        numbers = [[~n if n < 0 else leaves + n for n in pair] for pair in self._pairs]
        children = np.array(numbers, np.int64).reshape(-1, 2)
        labels = np.array(self._leaf_labels + self._pair_labels, np.int64)
        return Tree(tuple(self._words), children, labels)


def read_trees(path: Path, classes: int = 5) -> list[Tree]:
    """The trees of a file, one a line; blank lines are skipped.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is no tree, or there is none; the message names the line.
    """
    trees = []
    for number, line in enumerate(iterate_lines(path), start=1):
        if not line.strip():
            continue
        try:
            trees.append(parse_tree(line, classes))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    if not trees:
        raise ValueError(f"{path}: expected trees, got none")
    return trees
