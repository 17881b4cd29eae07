"""The Stanford Sentiment Treebank: sentences of film reviews with the sentiment of each phrase."""

from __future__ import annotations

import os
from pathlib import Path

from fastnn.datasets._trees import Tree, parse_tree, read_trees

__all__ = ["CLASSES", "Tree", "load_data", "parse_tree"]

CLASSES = ("very negative", "negative", "neutral", "positive", "very positive")
"""What the labels 0 to 4 stand for."""

_PARTS = ("train", "dev", "test")


def load_data(path: str | os.PathLike[str] | None = None) -> tuple[list[Tree], ...]:
    """Sentences as binary trees, labelled at every node (Socher et al. 2013).

    Looked for, in this order: the folder `path`; ``sst`` where the environment variable FASTNN_DATA
    points. The files are ``train.txt``, ``dev.txt`` and ``test.txt`` of trainDevTestTrees_PTB.zip,
    which is at nlp.stanford.edu/sentiment.

    Args:
        path: the folder that holds the three files.

    Returns:
        ``train, dev, test``: lists of 8544, 1101 and 2210 trees.

    Raises:
        FileNotFoundError: the files are not there.
        ValueError: a file holds something else; the message names the line.

    Example:
        >>> train, dev, test = load_data()  # doctest: +SKIP
        >>> " ".join(dev[0].words)  # doctest: +SKIP
        "It 's a lovely film with lovely performances by Buy and Accorsi ."
    """
    root = os.environ.get("FASTNN_DATA")
    folder = Path(path) if path is not None else Path(root or "") / "sst"
    if path is None and not root:
        raise FileNotFoundError(
            "sst.load_data() without a path reads the folder sst where the environment variable"
            " FASTNN_DATA points, and it is not set; the files are those of"
            " nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip"
        )
    missing = [f"{part}.txt" for part in _PARTS if not (folder / f"{part}.txt").is_file()]
    if missing:
        raise FileNotFoundError(
            f"sst.load_data: {folder} lacks {', '.join(missing)}, which are those of"
            " nlp.stanford.edu/sentiment/trainDevTestTrees_PTB.zip"
        )
    return tuple(read_trees(folder / f"{part}.txt") for part in _PARTS)
