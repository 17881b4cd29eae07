"""Sentiment trees: the published files, trees of any shape there and back, and what is refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fastnn.datasets import sst
from fastnn.datasets.sst import parse_tree


def random_tree(rng: np.random.Generator, leaves: int) -> str:
    label = rng.integers(5)
    if leaves == 1:
        return f"({label} w{rng.integers(100)})"
    left = int(rng.integers(1, leaves))
    return f"({label} {random_tree(rng, left)} {random_tree(rng, leaves - left)})"


def test_trees_there_and_back():
    rng = np.random.default_rng(0)
    for leaves in [1, 2, 3, *rng.integers(4, 40, 50)]:
        text = random_tree(rng, int(leaves))
        tree = parse_tree(text)
        assert str(tree) == text
        assert len(tree) == 2 * leaves - 1
        assert len(tree.words) == leaves
        assert tree.children.shape == (leaves - 1, 2)
        inner = np.arange(leaves, len(tree))
        assert (tree.children < inner[:, None]).all()
        # Each node but the root is one node's child.
        assert sorted(tree.children.ravel()) == list(range(len(tree) - 1))
        levels = tree.levels()
        assert (levels[:leaves] == 0).all()
        np.testing.assert_array_equal(
            levels[inner], 1 + levels[tree.children].max(axis=1, initial=-1)
        )


def test_a_tree_may_be_deep_and_space_does_not_count():
    deep = "(1 (2 a) " * 20_000 + "(3 b)" + ")" * 20_000
    begun = time.monotonic()
    tree = parse_tree(deep)
    assert len(tree.words) == 20_001
    assert tree.levels()[-1] == 20_000
    assert time.monotonic() - begun < 5
    assert str(parse_tree(" ( 3( 2 a )(1   b)) \n")) == "(3 (2 a) (1 b))"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"expected \( of a tree at character 1, got the end"),
        ("word", r"expected \( of a tree at character 1, got 'word'"),
        (")", r"expected \( of a tree at character 1, got '\)'"),
        ("(3 (2 a) (1 b)", r"expected \) at character 15, got the end"),
        ("(3 (2 a) (1 b)))", r"expected the end of the tree at character 16, got '\)'"),
        ("(3 a) (2 b)", r"expected the end of the tree at character 7, got '\('"),
        ("(5 a)", "a label of 0 to 4 at character 2, got '5'"),
        ("(-1 a)", "a label of 0 to 4 at character 2, got '-1'"),
        ("(٣ a)", "a label of 0 to 4"),
        ("((2 a))", r"a label of 0 to 4 at character 2, got '\('"),
        ("(", "a label of 0 to 4 at character 2, got the end"),
        ("(3)", "a word or two trees in the node that ends at character 3, got nothing"),
        ("(3 (2 a))", "ends at character 9, got a tree$"),
        ("(3 a b)", "got a word and a word"),
        ("(3 (2 a) b)", "got a tree and a word"),
        ("(3 (2 a) (2 b) (2 c))", "got a tree and a tree and a tree"),
    ],
)
def test_what_is_no_tree_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse_tree(text)


def test_files(tmp_path, monkeypatch):
    monkeypatch.delenv("FASTNN_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="FASTNN_DATA points, and it is not set"):
        sst.load_data()
    with pytest.raises(FileNotFoundError, match=r"lacks train\.txt, dev\.txt, test\.txt"):
        sst.load_data(tmp_path)
    folder = tmp_path / "sst"
    folder.mkdir()
    for part in ("train", "dev", "test"):
        (folder / f"{part}.txt").write_text("(3 (2 a) (1 b))\n\n(2 c)\n")
    monkeypatch.setenv("FASTNN_DATA", str(tmp_path))
    assert [len(part) for part in sst.load_data()] == [2, 2, 2]
    (folder / "dev.txt").write_text("(3 (2 a) (1 b))\n\n(2 c\n")
    with pytest.raises(ValueError, match=r"dev\.txt, line 3: expected \)"):
        sst.load_data()
    (folder / "dev.txt").write_text("\n")
    with pytest.raises(ValueError, match="expected trees, got none"):
        sst.load_data(folder)


def test_the_published_treebank(data_folder):
    if not (data_folder / "sst").is_dir():
        pytest.skip(f"no sst in {data_folder}")
    train, dev, test = sst.load_data(data_folder / "sst")
    assert (len(train), len(dev), len(test)) == (8544, 1101, 2210)
    assert " ".join(dev[0].words).startswith("It 's a lovely film")
    assert dev[0].labels[-1] == 3
    text = (data_folder / "sst" / "dev.txt").read_text(encoding="utf-8")
    assert "\n".join(map(str, dev)) == text.strip()
    roots = np.bincount([tree.labels[-1] for tree in train])
    assert roots.tolist() == [1092, 2218, 1624, 2322, 1288]
