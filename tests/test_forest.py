"""Trees in compact form: batches laid out by level, and what is no tree."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from fastnn import _core
from fastnn.datasets.sst import parse_tree
from fastnn.models.trees._forest import inputs, plant


def random_tree(rng, leaves):
    """Neighbours join in a random order: inner nodes stand behind their children, the root last."""
    open_nodes, children = list(range(leaves)), []
    for node in range(leaves, 2 * leaves - 1):
        at = rng.integers(len(open_nodes) - 1)
        children.append(open_nodes[at : at + 2])
        open_nodes[at : at + 2] = [node]
    return SimpleNamespace(
        words=tuple(f"w{n}" for n in rng.integers(0, 40, leaves)),
        children=np.array(children, np.int64).reshape(-1, 2),
        labels=rng.integers(0, 5, 2 * leaves - 1),
    )


def plain_layout(trees, numbers):
    """The nodes of all trees sorted by level, then in the order of the trees: with lists alone."""
    nodes = []
    for number, tree in enumerate(trees):
        levels = [0] * len(tree.words)
        for left, right in tree.children:
            levels.append(1 + max(levels[left], levels[right]))
        nodes += [(level, number, node) for node, level in enumerate(levels)]
    order = sorted(nodes)
    place = {(number, node): at for at, (_, number, node) in enumerate(order)}
    found = {
        "words": [numbers.get(trees[t].words[n], 0) for level, t, n in order if level == 0],
        "labels": [trees[t].labels[n] for _, t, n in order],
        "places": [place[t, n] for t, tree in enumerate(trees) for n in range(len(tree.labels))],
        "counts": [sum(level == k for level, *_ in order) for k in range(1, order[-1][0] + 1)],
    }
    for side, name in enumerate(("left", "right")):
        found[name] = [
            place[t, trees[t].children[n - len(trees[t].words)][side]] for k, t, n in order if k > 0
        ]
    return found


def test_a_batch_is_laid_out_as_by_plain_lists():
    rng = np.random.default_rng(0)
    trees = [random_tree(rng, n) for n in (1, 2, 3, 9, 1, 40, 17, 2, 25)]
    numbers = {f"w{n}": n + 1 for n in range(30)}
    forest = plant(trees, numbers, 5)
    assert len(forest) == len(trees)
    assert forest.nodes == sum(len(t.labels) for t in trees)
    for chosen in ([*range(9)], [5], [0], [0, 4], [8, 3, 3, 0, 6], rng.permutation(9)):
        found = forest.lay_out(chosen)
        expected = plain_layout([trees[i] for i in chosen], numbers)
        assert set(found) == set(expected)
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_a_long_chain():
    leaves = 3000
    chain = random_tree(np.random.default_rng(0), 1)
    chain.words = ("a",) * leaves
    chain.labels = np.zeros(2 * leaves - 1, np.int64)
    chain.children = np.array([[k and leaves + k - 1, k + 1] for k in range(leaves - 1)], np.int64)
    laid = plant([chain], {"a": 1}, 1).lay_out([0])
    np.testing.assert_array_equal(laid["counts"], np.ones(leaves - 1))
    np.testing.assert_array_equal(laid["left"][1:], np.arange(leaves, 2 * leaves - 2))


def broken(**changes):
    tree = parse_tree("(3 (2 a) (4 (2 b) (4 c)))")
    return SimpleNamespace(**{**vars(tree), **changes})


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (broken(labels=np.array([2, 2, 4, 5, 3])), "labels from 0 to 4, got 5"),
        (broken(labels=np.array([2, 2, -1, 4, 3])), "labels from 0 to 4, got -1"),
        (broken(labels=np.array([2, 2])), r"labels of shape \(5,\) for 3 words, got .* and \(2,\)"),
        (broken(children=np.array([[1, 2]])), r"children of shape \(2, 2\) .* got \(1, 2\)"),
        (broken(words=()), r"for 0 words"),
        (broken(children=np.array([[1, 2], [0, 4]])), "children of node 4 from 0 to 3, got 4"),
        (broken(children=np.array([[1, 3], [0, 2]])), "children of node 3 from 0 to 2, got 3"),
        (broken(children=np.array([[1, -2], [0, 3]])), "got -2"),
        (broken(children=np.array([[1, 2], [1, 3]])), "one parent for each node, got two for node"),
    ],
)
def test_what_is_no_tree_is_named_by_its_number(tree, message):
    good = parse_tree("(2 film)")
    with pytest.raises(ValueError, match=f"tree 2: .*{message}"):
        plant([good, good, tree, good], {"a": 1}, 5)


def test_arrays_that_do_not_fit():
    with pytest.raises(ValueError, match="tree 1: expected at least one word, got 0"):
        _core.Forest([1, 0], [0], np.zeros(0, np.int64), [0], 1, 1)
    with pytest.raises(ValueError, match="expected 3 words, got 2"):
        _core.Forest([1, 2], [0, 0], [0, 1], [0, 0, 0, 0], 1, 1)
    with pytest.raises(ValueError, match="tree 1: expected numbers of words from 0 to 3, got 4"):
        _core.Forest([1, 2], [0, 0, 4], [0, 1], [0, 0, 0, 0], 4, 1)
    forest = plant([parse_tree("(2 film)")], {}, 5)
    with pytest.raises(IndexError, match="trees from 0 to 0, got 1"):
        forest.lay_out([0, 1])
    x = _core.placeholder("float32", ("batch",))
    program = _core.Program([x], [("main", [x], [])])
    trainer = _core.Trainer(program)
    with pytest.raises(ValueError, match="inputs are words, labels, left, right and counts"):
        trainer.begin(forest, 1, False, 0)
    with pytest.raises(ValueError, match="inputs are words, labels, left, right and counts"):
        _core.ForestPredictor(program).run(forest, 1)
    taken = [t._value for t in inputs()]
    for short in (_core.make("sum", [taken[0]], {"axes": [0], "keepdims": False}), taken[2]):
        program = _core.Program(taken, [("main", [short], [])])
        with pytest.raises(ValueError, match=r"outputs of shape \(nodes, ...\)"):
            _core.ForestPredictor(program).run(forest, 1)
