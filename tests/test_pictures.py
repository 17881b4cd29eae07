"""Pictures of models, trainings, weights and codes."""

from __future__ import annotations

import shutil
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import fastnn
from fastnn import _svg
from fastnn.layers import Add, Concatenate, Dense, Dropout
from fastnn.plotting import (
    plot_confusion_matrix,
    plot_embedding,
    plot_filters,
    plot_images,
    plot_model,
    plot_reconstructions,
)

SVG = "{http://www.w3.org/2000/svg}"


def parts(svg: str, tag: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(svg).findall(f".//{SVG}{tag}")


def words(svg: str) -> list[str]:
    return [item.text for item in parts(svg, "text")]


def branched() -> fastnn.Model:
    left, right = fastnn.Input((8,), name="left"), fastnn.Input((4,), name="right")
    joined = Add(name="joined")([Dense(16, "relu", name="a")(left), Dense(16, name="b")(right)])
    deeper = Dropout(0.5, name="c")(joined)
    again = Add(name="again")([deeper * 2.0, joined])
    both = Concatenate(name="both")([again, left])
    return fastnn.Model([left, right], [Dense(1, name="value")(both), again])


# --- models


def test_every_layer_is_a_box_with_what_feeds_it():
    model = branched()
    picture = plot_model(model)
    shown = words(picture.svg)
    for layer in model.layers:
        assert f"{layer.name} ({type(layer).__name__})" in shown
    assert {"(None, 8)", "relu", "144 weights"} <= set(shown)
    # left-a, right-b, a-joined, b-joined, joined-c, c-again, joined-again, again-both, left-both,
    # both-value; and the arrow's tip.
    assert len(parts(picture.svg, "path")) == 10 + 1
    assert picture.dot.count("->") == 10
    assert picture._repr_svg_() == picture.svg
    plain = words(
        plot_model(model, show_shapes=False, show_params=False, show_layer_activations=False).svg
    )
    assert len(plain) == len(model.layers)


def test_what_a_box_says():
    model = fastnn.Sequential([Dense(3, name="a", input_dim=2), Dense(1, name="b")])
    model.layers[0].trainable = False
    shown = words(
        plot_model(
            model, show_layer_names=False, show_dtype=True, show_trainable=True, rankdir="LR"
        ).svg
    )
    assert shown == [
        "InputLayer", "(None, 2)", "float32",
        "Dense", "(None, 3)", "float32", "9 weights", "frozen",
        "Dense", "(None, 1)", "float32", "4 weights", "trained",
    ]  # fmt: skip


def test_no_box_covers_another_and_all_are_within():
    svg = plot_model(branched()).svg
    whole = ElementTree.fromstring(svg)
    boxes = [
        [float(item.get(k)) for k in ("x", "y", "width", "height")]
        for item in parts(svg, "rect")
        if item.get("x")
    ]
    for i, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x <= float(whole.get("width")) - w
        assert 0 <= y <= float(whole.get("height")) - h
        for u, v, s, t in boxes[:i]:
            assert x >= u + s or u >= x + w or y >= v + t or v >= y + h


def test_stacks_and_subclassed_models():
    stack = fastnn.Sequential([Dense(3), Dense(2)])
    assert plot_model(stack).dot.count("->") == 1
    assert "not built" in words(plot_model(stack).svg)
    stack.build((None, 4))
    assert "(None, 3)" in words(plot_model(stack).svg)

    class Own(fastnn.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = Dense(2, name="one"), Dense(1, name="two")

        def call(self, x):
            return self.two(self.one(x))

    assert {"one (Dense)", "two (Dense)"} <= set(words(plot_model(Own()).svg))
    with pytest.raises(ValueError, match="no layers to draw"):
        plot_model(fastnn.Sequential())


def test_a_deep_model_is_drawn():
    x = out = fastnn.Input((2,))
    for _ in range(600):
        out = Dense(2)(out)
    model = fastnn.Model(x, out)
    assert plot_model(model).dot.count("->") == 600
    assert "and 401 more" in model._repr_html_()
    assert "<svg" not in model._repr_html_()


def test_neurons():
    model = fastnn.Sequential([Dense(30, "relu", input_dim=3), Dense(1, "sigmoid")])
    model.set_weights([np.full((3, 30), -1.0), np.zeros(30), np.ones((30, 1)), np.zeros(1)])
    svg = plot_model(model, neurons=True).svg
    assert len(parts(svg, "circle")) == 3 + 14 + 1
    assert [line.get("stroke") for line in parts(svg, "line")] == ["#d55e00"] * 42 + [
        "#0072b2"
    ] * 14
    assert {"3 inputs", "30 relu", "1 sigmoid", "⋮"} <= set(words(svg))
    with pytest.raises(ValueError, match="a Sequential model of dense layers"):
        plot_model(branched(), neurons=True)


@pytest.mark.parametrize("suffix", ["svg", "html", "dot"])
def test_pictures_are_written_without_graphviz(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    path = tmp_path / f"model.{suffix}"
    fastnn.utils.plot_model(branched(), path)
    assert {"svg": "<svg", "html": "<!DOCTYPE html>", "dot": "digraph {"}[
        suffix
    ] in path.read_text()
    with pytest.raises(RuntimeError, match=r"needs graphviz.*save the drawing as \.svg"):
        plot_model(branched(), tmp_path / "model.png")
    with pytest.raises(ValueError, match=r"a name such as model\.svg"):
        plot_model(branched(), tmp_path / "model")


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_draws_what_else_is_wanted(tmp_path):
    plot_model(branched(), tmp_path / "model.png")
    assert (tmp_path / "model.png").read_bytes().startswith(b"\x89PNG")


# --- notebooks


def test_a_notebook_shows_models():
    model = branched()
    html = model._repr_html_()
    assert "<td style='text-align:left'>joined (Add)</td>" in html
    assert "Total params: 249" in html
    assert "<svg" in html
    model = fastnn.Sequential([Dense(2, name="<i>")])
    assert "<i>" not in model._repr_html_()
    assert "Sequential" in fastnn.Sequential()._repr_html_()


def test_a_notebook_shows_histories_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    model = fastnn.Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(np.ones((10, 2)), np.ones(10), epochs=3, validation_split=0.5, verbose=0)
    html = history._repr_html_()
    assert html.count("<svg") == 2
    assert html.count("<polyline") == 4
    assert "no epochs yet" in fastnn.callbacks.History()._repr_html_()
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[plot\]'"):
        history.plot()


def test_history_plot(tmp_path):
    pytest.importorskip("matplotlib")
    history = fastnn.callbacks.History()
    history.history = {"loss": [0.5, 0.4], "val_loss": [0.6, 0.5]}
    figure = history.plot(tmp_path / "curves.svg")
    assert [list(line.get_ydata()) for line in figure.axes[0].lines] == [[0.5, 0.4], [0.6, 0.5]]
    assert "<svg" in (tmp_path / "curves.svg").read_text()


# --- charts as text


def test_curves_leave_out_what_is_no_number():
    svg = _svg.curves(
        [_svg.Series("a", [1, 2, 3, 4], [1.0, np.nan, np.inf, 2.0])], "t", "x", "y", whole=True
    )
    (line,) = parts(svg, "polyline")
    assert len(line.get("points").split()) == 2
    for series in ([], [0.5], [np.nan], [1.0, 1.0]):
        chart = _svg.curves([_svg.Series("", range(len(series)), series)], "t", "x", "y")
        assert "nan" not in chart
        ElementTree.fromstring(chart)


def test_ticks_are_round():
    from fastnn._svg._frame import number, ticks

    assert ticks(0.0, 1.0) == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert [number(t) for t in ticks(-0.013, 0.031)] == ["-0.01", "0", "0.01", "0.02", "0.03"]
    assert [number(t) for t in ticks(0, 40_000_000)][-1] == "4e+07"
    assert ticks(1.0, 1.0) == [1.0]
    assert ticks(float("nan"), 1.0)


def test_counts_are_as_dark_as_their_share():
    svg = _svg.counts(np.array([[9, 1], [0, 0]]), ["<a>", "b"], "t", "rows", "columns")
    cells = [item.get("fill") for item in parts(svg, "rect") if item.get("x")]
    assert cells[0] == "#1a80ba"
    assert cells[2:] == ["#ffffff", "#ffffff"]
    assert "<a>" in words(svg)
    many = _svg.counts(np.eye(40, dtype=int), [str(i) for i in range(40)], "t", "r", "c")
    assert len(parts(many, "rect")) == 1 + 1600


# --- matplotlib's


def test_confusion_matrix(tmp_path):
    pytest.importorskip("matplotlib")
    figure = plot_confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], ["no", "yes"])
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["1", "1", "0", "2"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["no", "yes"]
    shares = plot_confusion_matrix([0, 0, 1], np.eye(3)[[0, 2, 1]], normalize=True)
    assert [text.get_text() for text in shares.axes[0].texts][:3] == ["0.50", "0.00", "0.50"]
    plot_confusion_matrix([[0], [1]], [True, False], path=tmp_path / "c.png")
    assert (tmp_path / "c.png").stat().st_size > 1000
    with pytest.raises(ValueError, match="a name for each of 2 classes, got 1"):
        plot_confusion_matrix([0, 1], [0, 1], ["no"])


def test_images():
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    figure = plot_images(rng.random((5, 4, 6)), titles=range(5), columns=3)
    assert len([axes for axes in figure.axes if axes.images]) == 5
    assert figure.axes[4].get_title() == "4"
    figure = plot_images(rng.random((2, 24)), image_shape=(4, 6))
    assert figure.axes[0].images[0].get_array().shape == (4, 6)
    assert plot_images(rng.random((2, 4, 4, 3))).axes[0].images[0].get_array().shape == (4, 4, 3)
    colored = rng.integers(0, 256, (2, 4, 4, 3), np.uint8)
    np.testing.assert_array_equal(plot_images(colored).axes[1].images[0].get_array(), colored[1])
    with pytest.raises(ValueError, match=r"24 numbers a row are no image of shape \(4, 4\)"):
        plot_images(rng.random((2, 24)))
    with pytest.raises(ValueError, match="a title for each of 2"):
        plot_images(rng.random((2, 16)), titles=["a"])
    with pytest.raises(ValueError, match=r"got \(2, 3, 4, 5\)"):
        plot_images(rng.random((2, 3, 4, 5)))


def test_reconstructions():
    pytest.importorskip("matplotlib")
    x = np.random.default_rng(0).random((12, 16))
    figure = plot_reconstructions(x, x / 2, count=4)
    shown = [axes.images[0].get_array() for axes in figure.axes]
    assert len(shown) == 8
    np.testing.assert_array_equal(shown[1], x[1].reshape(4, 4))
    np.testing.assert_array_equal(shown[5], x[1].reshape(4, 4) / 2)
    with pytest.raises(ValueError, match=r"one shape, got \(10, 16\) and \(10, 4\)"):
        plot_reconstructions(x, x[:, :4])


def test_filters():
    pytest.importorskip("matplotlib")
    layer = fastnn.Sequential([Dense(5, input_dim=16)]).layers[0]
    figure = plot_filters(layer, count=3)
    shown = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    kernel = layer.get_weights()[0]
    assert len(shown) == 3
    np.testing.assert_allclose(shown[2], (kernel[:, 2] / np.abs(kernel[:, 2]).max()).reshape(4, 4))
    convolution = np.random.default_rng(0).normal(size=(3, 3, 2, 7))
    assert len([a for a in plot_filters(convolution).axes if a.images]) == 7
    with pytest.raises(ValueError, match="has no weights"):
        plot_filters(Dropout(0.5))
    with pytest.raises(ValueError, match=r"got \(3,\)"):
        plot_filters(np.zeros(3))


def test_embeddings(tmp_path):
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(30, 2)) @ rng.normal(size=(2, 5))
    figure = plot_embedding(codes, np.repeat(["a", "b", "c"], 10), path=tmp_path / "e.png")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "c"]
    shown = np.concatenate([points.get_offsets() for points in axes.collections])
    # Of rank 2, they keep all their distances.
    np.testing.assert_allclose(
        np.linalg.norm(shown[:, None] - shown, axis=2),
        np.linalg.norm(codes[:, None] - codes, axis=2),
        atol=1e-9,
    )
    assert "of the variance" in axes.get_xlabel()
    assert len(plot_embedding(codes[:, :2], rng.random(30)).axes) == 2
    named = plot_embedding(codes[:3, :1], names=["x", "y", "z"])
    assert [text.get_text() for text in named.axes[0].texts] == ["x", "y", "z"]
    with pytest.raises(ValueError, match="expected 30 labels"):
        plot_embedding(codes, [1, 2])
    with pytest.raises(ValueError, match="at most 20 classes, got 30"):
        plot_embedding(codes, [f"w{i}" for i in range(30)])
    with pytest.raises(ValueError, match=r"got \(30,\)"):
        plot_embedding(np.zeros(30))
