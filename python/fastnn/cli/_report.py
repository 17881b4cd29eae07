"""The report of a training: one HTML file with its drawings in it."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastnn import _svg
from fastnn._core import __version__
from fastnn._svg import Series
from fastnn.cli import _metrics
from fastnn.cli._results import Results
from fastnn.cli._tabular import write_text
from fastnn.layers import Dense
from fastnn.tables import TableModel

Array = NDArray[Any]
_REPEATS = 5
_MOST_ROWS = 5000
_MOST_BARS = 25

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #30343b; max-width: 1320px; margin: 2em auto;
       padding: 0 1em; background: white }
h1 { font-size: 1.6em; margin-bottom: 0 } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: 2px 14px 2px 0; text-align: left;
       border-bottom: 1px solid #e4e6ea; vertical-align: top } td.n { text-align: right }
.row { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start }
svg { max-width: 100%; height: auto } code { background: #f3f4f6; padding: 1px 4px }
p.small { color: #6b7078; font-size: 0.9em }
"""


def write_report(
    path: Path,
    arguments: argparse.Namespace,
    tabular: TableModel,
    history: Mapping[str, list[float]],
    results: Results,
    tested: Array,
    title: str,
    seconds: float,
) -> None:
    """Writes the report.

    Args:
        path: the file.
        arguments: of the command.
        tabular: the model.
        history: of its training.
        results: on the rows that were held out.
        tested: their features.
        title: what those rows are.
        seconds: that the command took so far.
    """
    target = tabular.target
    sections = [
        f"<h1>{escape(target.name)}</h1>",
        f"<p>predicted from {escape(str(arguments.data))} by fastnn {__version__}, a "
        f"{escape(target.task)} task</p>",
        f"<h2>Figures on the {len(results.true)} rows of the {title}</h2>",
        _table([(name, f"{value:.4f}") for name, value in results.figures.items()]),
        "<div class='row'>",
        *_result_drawings(results),
        "</div>",
        "<h2>Training</h2>",
        "<div class='row'>",
        *_curves(history),
        "</div>",
        "<h2>Which columns matter</h2>",
        *_importance(tabular, results, tested),
        "<h2>The network</h2>",
        _network(tabular),
        "<p class='small'>A line is a weight: as thick as it is large, blue above 0, orange below."
        "</p>",
        "<h2>The columns</h2>",
        _columns(tabular),
        "<h2>How it was made</h2>",
        _made(arguments, seconds),
    ]
    html = (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<title>{escape(target.name)} - fastnn</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(sections)
        + "\n</body></html>\n"
    )
    write_text(path, lambda file: print(html, end="", file=file))


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = "".join(
        f"<tr><td>{escape(name)}</td><td class='n'>{escape(value)}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _curves(history: Mapping[str, list[float]]) -> list[str]:
    drawings = []
    for name in (name for name in history if not name.startswith("val_")):
        epochs = np.arange(1, len(history[name]) + 1)
        series = [Series("training", epochs, history[name])]
        if f"val_{name}" in history:
            series.append(Series("validation", epochs, history[f"val_{name}"]))
        drawings.append(_svg.curves(series, name, "epoch", name, whole=True))
    return drawings


def _result_drawings(results: Results) -> list[str]:
    target = results.target
    if target.task == "regression":
        return _regression_drawings(results)
    drawings = [
        _svg.counts(results.confusion, target.classes, "Confusion matrix", "true", "predicted")
    ]
    probabilities = results.predicted.astype(np.float64)
    chosen = [1] if target.task == "binary" else range(min(len(target.classes), 8))
    series, calibrated = [], []
    for number in chosen:
        positive = results.true == number
        if not positive.any() or positive.all():
            continue
        scores = probabilities[:, number]
        false, true = _metrics.roc(positive, scores)
        label = f"{target.classes[number]}, area {_metrics.area(false, true):.3f}"
        series.append(Series(label, false, true))
        mean, share, _ = _metrics.calibration(positive, scores)
        calibrated.append(Series(target.classes[number], mean, share))
    diagonal = Series("", [0, 1], [0, 1], "dashes")
    unit = (0.0, 1.0)
    if series:
        title = "ROC" if len(series) > 1 else f"ROC: {series[0].label}"
        drawings.append(
            _svg.curves(
                [diagonal, *series], title, "false positive rate", "true positive rate", unit, unit
            )
        )
        drawings.append(
            _svg.curves(
                [diagonal, *calibrated], "Calibration", "predicted probability", "share of rows",
                unit, unit,
            )
        )  # fmt: skip
    return drawings


def _regression_drawings(results: Results) -> list[str]:
    true, predicted = results.true, results.predicted
    low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
    edges = np.histogram_bin_edges(predicted - true, bins=min(30, max(5, len(true) // 8)))
    heights, _ = np.histogram(predicted - true, edges)
    return [
        _svg.curves(
            [
                Series("", [low, high], [low, high], "dashes"),
                Series("", true, predicted, "points"),
            ],
            "Predicted against true",
            f"true {results.target.name}",
            "predicted",
        ),
        _svg.curves(
            [Series("", np.repeat(edges, 2)[1:-1], np.repeat(heights, 2))],
            "Errors",
            "predicted - true",
            "rows",
            y=(0.0, float(heights.max()) * 1.05),
        ),
    ]


def _importance(tabular: TableModel, results: Results, tested: Array) -> list[str]:
    """By how much the loss rises when a column's values are shuffled among the rows.

    Source: Breiman, 2001, "Random forests", section 10.
    """
    rows = slice(0, _MOST_ROWS)
    x, true = tested[rows].copy(), results.true[rows]
    rng = np.random.default_rng(0)
    before = _loss(tabular, x, true)
    found: list[tuple[float, float, str]] = []
    for name, block in tabular.preprocessor.blocks.items():
        kept = x[:, block].copy()
        rises = []
        for _ in range(_REPEATS):
            x[:, block] = kept[rng.permutation(len(x))]
            rises.append(_loss(tabular, x, true) - before)
        x[:, block] = kept
        found.append((float(np.mean(rises)), float(np.std(rises)), name))
    found.sort(key=lambda item: -item[0])
    means, spreads, names = zip(*found[:_MOST_BARS], strict=True)
    measure = "RMSE" if tabular.target.task == "regression" else "cross-entropy"
    return [
        _svg.bars(names, means, "Permutation importance", f"rise of the {measure}", spreads),
        f"<p class='small'>The {measure} of {len(x)} held-out rows is {before:.4f}; a bar says by "
        f"how much it rises when the column is shuffled (mean and deviation of {_REPEATS} times)."
        "</p>",
    ]


def _loss(tabular: TableModel, x: Array, true: Array) -> float:
    results = Results(tabular.target, true, tabular.outputs(x))
    name = "RMSE" if tabular.target.task == "regression" else "cross-entropy"
    return results.figures[name]


def _network(tabular: TableModel) -> str:
    dense = [layer for layer in tabular.model.layers if isinstance(layer, Dense)]
    kernels = [layer.get_weights()[0] for layer in dense]
    units = [kernels[0].shape[0], *(kernel.shape[1] for kernel in kernels)]
    target = tabular.target
    outputs = target.classes if target.task == "multiclass" else [target.name]
    names = [str(layer.get_config()["activation"]) for layer in dense]
    titles = [f"{units[0]} features", *(f"{n} {a}" for n, a in zip(units[1:], names, strict=True))]
    return _svg.neurons(units, kernels, tabular.preprocessor.feature_names, outputs, titles)


def _columns(tabular: TableModel) -> str:
    rows = ["<tr><th>column</th><th>kind</th><th>what is known of it</th></tr>"]
    for column in tabular.preprocessor.columns:
        known = column.why
        if column.kind == "number":
            known = f"mean {column.mean[0]:.6g}, deviation {column.scale[0]:.6g}"
        elif column.kind == "category":
            known = ", ".join(value or "(missing)" for value in column.categories)
        elif column.kind == "date":
            known = f"mean {np.datetime64(0, 'D') + int(column.mean[0])}"
        known += ", some missing" if column.has_missing else ""
        shown = known if len(known) <= 200 else known[:199] + "…"
        cells = "".join(f"<td>{escape(text)}</td>" for text in (column.name, column.kind, shown))
        rows.append(f"<tr>{cells}</tr>")
    return f"<table>{''.join(rows)}</table>"


def _made(arguments: argparse.Namespace, seconds: float) -> str:
    shown = {
        name.replace("_", "-"): value
        for name, value in vars(arguments).items()
        if name not in ("run", "command")
    }
    rows = [(name, ", ".join(map(str, v)) if isinstance(v, list) else str(v))
            for name, v in shown.items()]  # fmt: skip
    rows.append(("python", platform.python_version()))
    rows.append(("seconds", f"{seconds:.1f}"))
    return _table(rows)
