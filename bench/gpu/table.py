"""What was measured, as text: medians, and others' times over fastnn's."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from bench.report import ratio_text, time_text

Found = dict[str, Any]


def median(way: dict[str, Any] | None) -> float | None:
    return statistics.median(way["seconds"]) if way and way.get("seconds") else None


def text(found: Found) -> str:
    """All parts that are there."""
    lines = [f"# {found['machine']['device']}", ""]
    lines += [f"`{found['command']}`: {_conditions(found['machine'])}."]
    lines += [f"Medians of {found['rounds']} rounds in turns; in brackets times over fastnn's.", ""]
    for part, rows in found["parts"].items():
        lines += ["", f"## {part}", "", *_part(part, rows)]
    if found.get("left_out"):
        lines += ["", "Left out, for want of time: " + ", ".join(found["left_out"])]
    return "\n".join(lines) + "\n"


def _conditions(machine: dict[str, Any]) -> str:
    wanted = ("cpu", "cores", "python", "numpy", "fastnn", "torch", "date")
    return ", ".join(f"{name} {machine[name]}" for name in wanted if machine.get(name) is not None)


def _part(part: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    if part == "memory":
        yield from _memory(rows)
        return
    names = list(dict.fromkeys(name for row in rows for name in row["ways"]))
    yield "| | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for row in rows:
        own = median(row["ways"].get("fastnn"))
        cells = [_cell(row, name, own) for name in names]
        yield f"| {row['case']} | " + " | ".join(cells) + " |"
    for row in rows:
        for name, way in row["ways"].items():
            if "error" in way:
                yield f"\n{row['case']}, {name}: {way['error']}"


def _cell(row: dict[str, Any], name: str, own: float | None) -> str:
    taken = median(row["ways"].get(name))
    if taken is None:
        return "failed" if "error" in row["ways"].get(name, {}) else ""
    cell = time_text(taken / row["units"])
    if "flops" in row:
        cell += f", {row['flops'] * row['units'] / taken / 1e12:.2f} TFLOP/s"
    return cell if name == "fastnn" or not own else f"{cell} ({ratio_text(taken / own)})"


def _memory(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield "| pass over memory | time | GB/s | of the copy's bandwidth |"
    yield "|---|---|---|---|"
    for row in rows:
        taken = median(row["ways"]["fastnn"])
        if taken is None:
            yield f"| {row['case']} | failed: {row['ways']['fastnn'].get('error')} | | |"
            continue
        rate = row["bytes"] * row["units"] / taken
        yield (
            f"| {row['case']} | {time_text(taken / row['units'])} | {rate / 1e9:.0f} | "
            f"{100 * rate / row['copy_rate']:.0f} % |"
        )
