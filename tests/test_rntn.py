"""Recursive networks against a plain recursion over each tree."""

from __future__ import annotations

import os
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import fastnn
from fastnn.datasets import sst
from fastnn.datasets.sst import parse_tree
from fastnn.models import RNTN
from fastnn.models.trees._programs import trainer_of

TEXTS = [
    "(3 (2 a) (4 (3 (4 fine) (2 film)) (2 .)))",
    "(0 (1 (0 bad) (1 (2 and) (1 dull))) (2 (2 a) (2 film)))",
    "(2 film)",
    "(4 (4 (4 (3 so) (4 fine)) (2 ,)) (4 (2 so) (4 (4 good) (2 .))))",
]
TREES = [parse_tree(text) for text in TEXTS]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def recursion(model: RNTN, tree) -> np.ndarray:
    """Probabilities at each node, one node after the other."""
    vectors, *cell, kernel, bias = (w.astype(float) for w in model.get_weights())
    units = model.units
    states = []
    for word in tree.words:
        v = vectors[model._numbers.get(word, 0)]
        if model.cell_name == "lstm":
            i, o, u = np.split(v @ cell[0] + cell[1], 3)
            c = sigmoid(i) * np.tanh(u)
            states.append((sigmoid(o) * np.tanh(c), c))
        else:
            states.append((np.tanh(v),))
    for left, right in tree.children:
        a, b = states[left], states[right]
        x = np.concatenate([a[0], b[0]])
        if model.cell_name == "lstm":
            i, fl, fr, o, u = np.split(x @ cell[2] + cell[3], 5)
            c = sigmoid(i) * np.tanh(u) + sigmoid(fl) * a[1] + sigmoid(fr) * b[1]
            states.append((sigmoid(o) * np.tanh(c), c))
            continue
        field = x @ cell[0] + cell[1]
        if model.cell_name == "tensor":
            field = field + np.einsum("i,j,ijk", x, x, cell[2].reshape(2 * units, 2 * units, units))
        states.append((np.tanh(field),))
    return softmax(np.stack([s[0] for s in states]) @ kernel + bias)


def made(cell: str, **settings) -> RNTN:
    model = RNTN(units=5, cell=cell, seed=1, **settings)
    model.build(TREES)
    rng = np.random.default_rng(0)
    model.set_weights([0.5 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("cell", ["plain", "tensor", "lstm"])
def test_levels_give_what_the_recursion_gives(cell):
    model = made(cell)
    for tree, p in zip(TREES, model.predict(TREES), strict=True):
        np.testing.assert_allclose(p, recursion(model, tree), rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(model.predict(tree), p)


@pytest.mark.parametrize("cell", ["plain", "tensor", "lstm"])
def test_gradients(cell):
    model = made(cell, l2=0.01)
    model.compile(fastnn.optimizers.SGD(1.0))
    start = [w.astype(float) for w in model.get_weights()]

    def cost(weights) -> float:
        model.set_weights(weights)
        losses = [-np.log(recursion(model, t)[np.arange(len(t)), t.labels]) for t in TREES]
        decayed = [*weights[1:-2], weights[-2]]
        return np.concatenate(losses).mean() + 0.005 * sum((w**2).sum() for w in decayed)

    rng = np.random.default_rng(5)
    directions = [[rng.normal(size=w.shape) for w in start] for _ in range(3)]
    slopes = []
    for direction in directions:
        ends = [
            cost([w + s * 1e-3 * d for w, d in zip(start, direction, strict=True)]) for s in (1, -1)
        ]
        slopes.append((ends[0] - ends[1]) / 2e-3)
    model.set_weights(start)
    model.fit(TREES, epochs=1, batch_size=4, verbose=0)
    gradient = [a - b for a, b in zip(start, model.get_weights(), strict=True)]
    for direction, slope in zip(directions, slopes, strict=True):
        found = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True))
        assert found == pytest.approx(slope, rel=5e-3, abs=1e-3)


@pytest.mark.parametrize("cell", ["plain", "tensor", "lstm"])
def test_it_learns_a_few_sentences(cell):
    fastnn.utils.set_random_seed(0)
    model = RNTN(units=8, cell=cell, l2=0.0, dropout=0.1, seed=0)
    model.compile(fastnn.optimizers.Adam(0.02))
    history = model.fit(TREES, TREES, epochs=80, batch_size=2, verbose=0).history
    assert history["loss"][-1] < 0.3 * history["loss"][0]
    assert history["val_accuracy"][-1] > 0.9
    assert set(history) == {
        *("loss", "accuracy", "val_loss", "val_accuracy", "val_root_accuracy"),
        *("val_binary_accuracy", "val_binary_root_accuracy"),
    }


def test_words_vectors_are_dropped_in_training_alone():
    film = parse_tree("(2 film)")
    model = RNTN(units=40, cell="plain", l2=0.0, vector_dropout=0.25, seed=1)
    model.compile(fastnn.optimizers.SGD(1.0))
    model.build([film])
    v, _, _, kernel, bias = (w.astype(float) for w in model.get_weights())
    np.testing.assert_allclose(model.predict(film)[0], softmax(np.tanh(v[1]) @ kernel + bias), 1e-4)
    model.fit([film], epochs=1, verbose=0)
    slope = v[1] - model.get_weights()[0][1]
    kept = slope != 0
    assert 0.5 < kept.mean() < 0.95
    h = np.tanh(kept * v[1] / 0.75)
    away = softmax(h @ kernel + bias) - np.eye(5)[2]
    expected = kept / 0.75 * (1 - h**2) * (kernel @ away)
    np.testing.assert_allclose(slope, expected, rtol=1e-3, atol=1e-6)


def test_it_learns_the_sentiment_of_film_reviews(data_folder):
    train, dev, _ = sst.load_data(data_folder / "sst")
    train, dev = train[::4], dev[::4]
    fastnn.utils.set_random_seed(0)
    model = RNTN(units=12, vector_dropout=0.2, seed=0)
    model.compile()
    model.fit(train, epochs=4, batch_size=9, verbose=0)
    found = model.evaluate(dev)
    neutral = (np.concatenate([tree.labels for tree in dev]) == 2).mean()
    assert found["accuracy"] > neutral + 0.05
    assert found["binary_root_accuracy"] > 0.62


def test_figures():
    model = made("plain")
    p = model.predict(TREES)
    found = model.evaluate(TREES)
    labels = [t.labels for t in TREES]
    best = np.concatenate([q.argmax(1) for q in p])
    flat = np.concatenate(labels)
    assert found["accuracy"] == pytest.approx((best == flat).mean())
    roots = [q[-1] for q in p]
    ends = np.array([own[-1] for own in labels])
    assert found["root_accuracy"] == pytest.approx((np.argmax(roots, 1) == ends).mean())
    sides = [r[3:].sum() > r[:2].sum() for r in roots]
    right = [s == (e > 2) for s, e in zip(sides, ends, strict=True) if e != 2]
    assert found["binary_root_accuracy"] == pytest.approx(np.mean(right))
    loss = -np.log(np.concatenate(p)[np.arange(len(flat)), flat]).mean()
    assert found["loss"] == pytest.approx(loss, rel=1e-4)


def test_words_that_training_has_not_seen_share_a_vector():
    model = made("tensor")
    one, other = (parse_tree(f"(2 (2 {word}) (2 film))") for word in ("xylophone", "quince"))
    np.testing.assert_array_equal(model.predict(one), model.predict(other))
    trained = RNTN(units=5, seed=1)
    trained.compile()
    trained.fit(TREES, epochs=3, verbose=0)
    bias = trained.get_weights()[-1]
    np.testing.assert_allclose(trained.predict(one)[0], softmax(bias), rtol=1e-5)
    rare = RNTN(units=3, min_count=2)
    rare.build(TREES)
    assert set(rare._numbers) == {"a", "film", ".", "fine", "so"}


def test_a_tree_as_text():
    model = made("plain")
    lines = model.show(TREES[0]).splitlines()
    assert len(lines) == len(TREES[0])
    assert lines[0].endswith("a fine film .")
    assert lines[1].startswith("  ")
    assert lines[1].endswith("%)  a")
    best = model.predict(TREES[0])[-1]
    assert lines[0].startswith(f"{best.argmax()} ({best.max():.0%})")


def test_same_seed_same_bits_for_any_number_of_threads():
    results, before = [], fastnn.get_num_threads()
    for threads in (1, 2, 3):
        fastnn.set_num_threads(threads)
        fastnn.utils.set_random_seed(4)
        model = RNTN(units=25, dropout=0.2)
        model.compile()
        model.fit(TREES * 8, epochs=2, batch_size=20, verbose=0)
        results.append(model.get_weights())
    fastnn.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_ctrl_c_leaves_whole_steps():
    def model():
        fastnn.utils.set_random_seed(4)
        made = RNTN(units=6, dropout=0.2, seed=0)
        made.compile()
        return made

    stopped, many = model(), TREES * 20_000
    thread = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        stopped.fit(many, epochs=1000, batch_size=2, verbose=0)
    thread.join()
    steps, an_epoch = stopped._clock.step, len(many) // 2
    assert steps > 0
    other = model()
    other.build(many)
    trainer, planted = trainer_of(other), other._planted(many, other._numbers)
    for epoch in range(-(-steps // an_epoch)):
        first = epoch * an_epoch
        wanted = min(an_epoch, steps - first)
        trainer.begin(planted, 2, True, other._clock.seed, epoch, first, 0)
        assert trainer.run(wanted, 1e30) == wanted
        trainer.end()
    for a, b in zip(stopped.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    stopped.fit(TREES, epochs=1, verbose=0)
    assert stopped._clock.step == steps + 1


def test_trees_that_are_one_word_each():
    words = [parse_tree("(4 good)"), parse_tree("(0 bad)"), parse_tree("(2 film)")]
    for cell in ("plain", "tensor", "lstm"):
        model = RNTN(units=6, cell=cell, l2=0.0, seed=0)
        model.compile(fastnn.optimizers.Adagrad(0.5))
        history = model.fit(words, words, epochs=60, batch_size=2, verbose=0).history
        assert history["val_accuracy"][-1] == 1
        assert [p.shape for p in model.predict(words)] == [(1, 5)] * 3
        assert model.predict(words[0]).argmax() == 4


def test_threads_predict_what_one_does():
    model, trees = made("tensor"), TREES * 30
    expected = model.predict(trees)
    found = [None] * 4

    def predict(i):
        found[i] = model.predict(trees)

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for p in found:
        for a, b in zip(p, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_does_not_fit():
    for settings in (
        *({"cell": "gru"}, {"l2": -1.0}, {"units": 0}),
        *({"dropout": 1.0}, {"vector_dropout": -0.1}),
    ):
        with pytest.raises(ValueError, match="RNTN"):
            RNTN(**settings)
    model = RNTN(classes=3)
    with pytest.raises(RuntimeError, match="call compile"):
        model.fit(TREES)
    model.compile()
    with pytest.raises(RuntimeError, match="call fit"):
        model.predict(TREES)
    with pytest.raises(ValueError, match=r"\[RNTN\] tree 0: expected labels from 0 to 2, got 4"):
        model.fit(TREES, verbose=0)
    assert not model.built
    with pytest.raises(ValueError, match=r"\[RNTN\] tree 0: expected labels from 0 to 2, got 4"):
        model.fit(TREES, verbose=0)
    with pytest.raises(ValueError, match="at least one tree"):
        model.fit([], verbose=0)
    with pytest.raises(TypeError, match="got str at 0"):
        model.fit(["(2 film)"], verbose=0)
    model = made("plain")
    model.compile()
    before = model.get_weights()
    bad = SimpleNamespace(words=("a", "b"), children=[[1, 2]], labels=[0, 0, 0])
    for run in (model.predict, model.evaluate, lambda t: model.fit(t, verbose=0)):
        with pytest.raises(ValueError, match=r"\[RNTN\] tree 4: expected children of node 2"):
            run([*TREES, bad])
    with pytest.raises(ValueError, match=r"\[RNTN\] tree 1: expected children of node 2"):
        model.fit(TREES, [TREES[0], bad], verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
