"""Curves of a training."""

from __future__ import annotations

import sys

import pytest

from fastnn.plotting import plot_history

HISTORY = {"loss": [0.5, 0.4], "accuracy": [0.7, 0.8], "val_loss": [0.6, 0.5]}


def test_plot_history_has_a_panel_for_each_quantity(tmp_path):
    pytest.importorskip("matplotlib")
    figure = plot_history(HISTORY, tmp_path / "curves.svg")
    loss, accuracy = figure.axes
    assert loss.get_ylabel() == "loss"
    assert [list(line.get_ydata()) for line in loss.lines] == [[0.5, 0.4], [0.6, 0.5]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert [list(line.get_xdata()) for line in accuracy.lines] == [[1, 2]]
    assert accuracy.get_legend() is None
    assert "<svg" in (tmp_path / "curves.svg").read_text()


def test_plot_history_refuses(tmp_path):
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match="at least one quantity"):
        plot_history({})
    with pytest.raises(ValueError, match="xyz"):
        plot_history(HISTORY, tmp_path / "curves.xyz")


def test_plot_history_without_matplotlib_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install 'fastnn\[plot\]'"):
        plot_history(HISTORY)
