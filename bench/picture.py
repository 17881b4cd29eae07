"""A picture of a run: how many times as long as fastnn the others take, on a logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from bench.report import UNITS, measured, median, ratio_text
from bench.workloads import WORKLOADS, Products

SLOWER, FASTER = "#4c78a8", "#c44e52"
COLUMNS = 3


def draw(found: dict[str, Any], path: Path) -> None:
    """One panel a measurement: bars for one thread, dots where there are more.

    Args:
        found: what `bench.compare` wrote.
        path: the file to write; its suffix says the format.
    """
    panels = [p for p in (*_networks(found["results"]), *_products(found["results"])) if p[1]]
    if not panels:
        return
    lines = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(5.2 * COLUMNS, 2.9 * lines + 0.7), layout="constrained")
    m = found["machine"]
    figure.suptitle(
        "Time over fastnn's: bars with 1 thread, dots with 2 (red: quicker than fastnn)\n"
        f"{m['cpu']}, {m['date'][:10]}",
        fontsize=12,
    )
    axes = figure.subplots(lines, COLUMNS, squeeze=False).ravel()
    for panel, (heading, bars) in zip(axes, panels, strict=False):
        _panel(panel, heading, bars)
    for panel in axes[len(panels) :]:
        panel.set_axis_off()
    # The same figures give the same file; letters stay letters, which is a third of the size.
    with matplotlib.rc_context({"svg.hashsalt": "fastnn", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


Bars = dict[str, dict[int, float]]  # label: threads: ratio


def _networks(results: list[dict[str, Any]]) -> list[tuple[str, Bars]]:
    panels: dict[tuple[str, str], Bars] = {}
    headings = {}
    for row in results:
        if isinstance(WORKLOADS.get(row["workload"]), Products):
            continue
        key = (row["workload"], row["measurement"])
        headings[key] = f"{row['title']}\n{UNITS[row['measurement']]}"
        bars = panels.setdefault(key, {})
        for label, ratio in _ratios(row).items():
            bars.setdefault(label, {})[row["threads"]] = ratio
    return [(headings[key], bars) for key, bars in panels.items()]


def _products(results: list[dict[str, Any]]) -> list[tuple[str, Bars]]:
    panels: dict[str, Bars] = {}
    for row in results:
        workload = WORKLOADS.get(row["workload"])
        if not isinstance(workload, Products) or row["measurement"] not in workload.highlights:
            continue
        bars = panels.setdefault(row["title"], {})
        for label, ratio in _ratios(row).items():
            if label in ("NumPy", "PyTorch"):
                own = f"{row['measurement'].removesuffix(' NN')} {label}"
                bars.setdefault(own, {})[row["threads"]] = ratio
    return list(panels.items())


def _ratios(row: dict[str, Any]) -> dict[str, float]:
    done = measured(row)
    if "fastnn" not in done:
        return {}
    own = median(done["fastnn"])
    return {p["title"]: median(p) / own for name, p in done.items() if name != "fastnn"}


def _panel(axes: Any, heading: str, bars: Bars) -> None:
    labels = list(bars)
    few = min(t for own in bars.values() for t in own)
    for place, label in enumerate(labels):
        right = max(1, *bars[label].values())
        for threads, ratio in bars[label].items():
            color = FASTER if ratio < 0.97 else SLOWER
            if threads == few:
                axes.barh(place, ratio - 1, left=1, color=color, alpha=0.75, height=0.7)
                axes.text(right * 1.12, place, ratio_text(ratio), va="center", fontsize=8)
            else:
                axes.plot([ratio], [place], "o", color="black", markersize=4)
    largest = max(r for own in bars.values() for r in own.values())
    smallest = min(r for own in bars.values() for r in own.values())
    axes.set_xscale("log")
    axes.set_xlim(min(0.8, smallest * 0.8), max(largest * 4, 3))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set_ylim(max(len(labels), 6) - 0.5, -0.5)
    axes.set_title(heading, fontsize=9)
    axes.tick_params(axis="x", labelsize=7)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
