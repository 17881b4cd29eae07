"""Drawings of graphs: names, values and gradients as text, DOT and images."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest

import fastnn
from fastnn import ops


@pytest.fixture
def chapter():
    """The graph of g = (x + y) * z."""
    x, y, z = (fastnn.placeholder((), name=n) for n in "xyz")
    p = x + y
    g = p * z
    p.name, g.name = "p", "g"
    return g, {x: 1, y: 3, z: -3}


def cells(drawing) -> dict[str, list[str]]:
    """Node -> the columns right of it, where it first stands."""
    rows = [re.split(r"\s{2,}", line.strip(" │├└─")) for line in str(drawing).splitlines()]
    return {row[0].split(" = ")[0]: row[1:] for row in reversed(rows[1:])}


def test_values_and_gradients(chapter):
    assert cells(fastnn.draw(*chapter)) == {
        "g": ["float32 ()", "-12", "1"],
        "p": ["float32 ()", "4", "-3"],
        "x": ["float32 ()", "1", "-3"],
        "y": ["float32 ()", "3", "-3"],
        "z": ["float32 ()", "-3", "4"],
    }


def test_without_values(chapter):
    g, _ = chapter
    assert str(fastnn.draw(g)).splitlines()[:2] == [
        "node          type",
        "g = p * z     float32 ()",
    ]
    assert cells(fastnn.draw(g))["x"] == ["float32 ()"]


def test_dot(chapter):
    dot = fastnn.draw(*chapter).dot
    labels = dict(re.findall(r'(n\d+) \[shape=\w+, label="([^"]*)"\]', dot))
    ids = {label.split("\\n")[0]: name for name, label in labels.items()}
    assert set(ids) == {"x", "y", "z", "p = x + y", "g = p * z"}
    assert labels[ids["p = x + y"]].split("\\n") == [
        "p = x + y", "float32 ()", "value 4", "dg/dnode -3",
    ]  # fmt: skip
    assert set(re.findall(r"(n\d+) -> (n\d+)", dot)) == {
        (ids[a], ids[b])
        for a, b in [("x", "p = x + y"), ("y", "p = x + y"), ("p = x + y", "g = p * z"),
                     ("z", "g = p * z")]
    }  # fmt: skip


def test_names_are_escaped_in_dot():
    x = fastnn.placeholder((), name='a "quoted" \\ name')
    assert 'label="a \\"quoted\\" \\\\ name\\n' in fastnn.draw(x + 1).dot


def test_a_shared_node_is_drawn_once():
    x = fastnn.placeholder((), name="x")
    square = x * x
    text = str(fastnn.draw(ops.exp(square) + ops.log(square)))
    assert text.count("x * x") == 1
    assert text.count("(above)") == 1


def test_a_deep_graph_is_a_list_in_order_of_computation():
    x = fastnn.placeholder((), name="x")
    h = x
    for _ in range(40):
        h = ops.tanh(h)
    lines = str(fastnn.draw(h)).splitlines()
    assert len(lines) == 42
    assert lines[1].startswith("x ")
    assert lines[2].startswith("#2 = tanh(x)")
    assert lines[41].startswith("#41 = tanh(#40)")


def test_formulas():
    x = fastnn.placeholder((2, 3), name="x")
    w = fastnn.shared(np.ones((2, 4), np.float32), name="w")
    drawn = str(fastnn.draw([ops.matmul(x, w, transpose_a=True), -x, 2.5 * x, ops.sum(x, axis=1)]))
    for formula in ("x.T @ w", "-x", "2.5 * x", "sum(x, axes=(1))"):
        assert f"= {formula} " in drawn


def test_arrays_are_summarised():
    x = fastnn.placeholder((None,), name="x")
    small = cells(fastnn.draw(x * 2, {x: [1, 2]}))
    assert small["x"] == ["float32 (2,)", "[1, 2]"]
    large = cells(fastnn.draw(x * 2, {x: np.arange(10)}))
    assert large["x"] == ["float32 (10,)", "0 to 9"]
    flat = cells(fastnn.draw(x * 2, {x: np.ones(10)}))
    assert flat["x"] == ["float32 (10,)", "all 1"]
    broken = cells(fastnn.draw(x * 2, {x: np.array([np.nan, np.inf, 1, 2, 3])}))
    assert broken["x"] == ["float32 (5,)", "2 of 5 not finite"]
    mask = cells(fastnn.draw(ops.greater(x, 3), {x: np.arange(10)}))
    assert mask["#2"] == ["bool (10,)", "6 of 10 true"]


def test_the_gradient_of_an_inner_cost():
    x = fastnn.placeholder((2,), name="x")
    cost = ops.sum(x**2)
    rows = cells(fastnn.draw([cost, x + 1], {x: [1, 2]}, cost=cost))
    assert rows["x"] == ["float32 (2,)", "[1, 2]", "[2, 4]"]


def test_variables_need_no_values():
    w = fastnn.shared(3.0, name="w")
    assert cells(fastnn.draw(w * w, {}))["w"] == ["float32 ()", "3", "6"]


def test_errors(chapter, tmp_path):
    g, values = chapter
    with pytest.raises(TypeError, match="expected tensors, got float"):
        fastnn.draw([g, 1.0])
    with pytest.raises(ValueError, match="gradients need values"):
        fastnn.draw(g, cost=g)
    with pytest.raises(ValueError, match="'z'"):
        fastnn.draw(g, dict(list(values.items())[:2]))
    with pytest.raises(ValueError, match=r"expected a name such as graph\.svg"):
        fastnn.draw(g).save(tmp_path / "graph")


def test_save_text_and_dot(chapter, tmp_path):
    drawing = fastnn.draw(*chapter)
    drawing.save(tmp_path / "g.txt")
    drawing.save(tmp_path / "g.dot")
    assert (tmp_path / "g.txt").read_text(encoding="utf-8") == f"{drawing}\n"
    assert (tmp_path / "g.dot").read_text(encoding="utf-8") == drawing.dot


def test_an_image_needs_graphviz(chapter, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="needs graphviz"):
        fastnn.draw(*chapter).save(tmp_path / "g.svg")


def test_an_image_by_graphviz(chapter, tmp_path):
    if not shutil.which("dot"):
        pytest.skip("graphviz is not installed")
    fastnn.draw(*chapter).save(tmp_path / "g.svg")
    assert "<svg" in (tmp_path / "g.svg").read_text(encoding="utf-8")
    with pytest.raises(RuntimeError, match="dot failed"):
        fastnn.draw(*chapter).save(tmp_path / "g.nonsense")


def test_a_stand_in_for_graphviz_gets_the_dot(chapter, tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text("#!/bin/sh\n[ $1 = -Tpng ] || { echo unknown format >&2; exit 1; }\ncat\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    drawing = fastnn.draw(*chapter)
    drawing.save(tmp_path / "g.png")
    assert (tmp_path / "g.png").read_text(encoding="utf-8") == drawing.dot
    with pytest.raises(RuntimeError, match="unknown format"):
        drawing.save(tmp_path / "g.bmp")
