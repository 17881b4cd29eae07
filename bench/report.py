"""Tables and pages of what `bench.compare` measured; no figure in them is typed by hand.

    python -m bench.report bench/results/compare.json

writes the pages beside the file (README.md, compare.svg where matplotlib is installed) and the
table of speeds in the project's README.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- python -m bench.report writes from here -->"
END = "<!-- to here -->"

UNITS = {
    "step": "a training step",
    "epoch": "an epoch of fit",
    "infer": "a row, in batches",
    "row": "one row",
    "row predict": "one row by predict",
    "import": "the import",
}

Row = dict[str, Any]


def median(peer: dict[str, Any]) -> float:
    """Seconds."""
    return statistics.median(peer["seconds"])


def time_text(seconds: float) -> str:
    """Three digits and a unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995:
            return f"{_three(seconds * factor)} {unit}"
    return f"{_three(seconds * 1e9)} ns"


def _three(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def ratio_text(ratio: float) -> str:
    digits = _three(ratio) if ratio < 100 else f"{float(format(ratio, '.3g')):.0f}"
    return f"{digits} x"


def measured(row: Row) -> dict[str, Any]:
    """The peers that have times: fastnn first, then from quick to slow."""
    done = {n: p for n, p in row["peers"].items() if p.get("seconds") and "error" not in p}
    return dict(sorted(done.items(), key=lambda item: (item[0] != "fastnn", median(item[1]))))


def best_peer(row: Row) -> tuple[str, float] | None:
    """The quickest besides fastnn, and its time over fastnn's."""
    done = measured(row)
    others = [p for name, p in done.items() if name != "fastnn"]
    if "fastnn" not in done or not others:
        return None
    return others[0]["title"], median(others[0]) / median(done["fastnn"])


def share(row: Row, limits: dict[str, dict[str, float]]) -> float | None:
    """fastnn's share of what multiply-adds on registers reach; None for work without products."""
    own = limits.get(str(row["threads"]))
    done = measured(row)
    if not row["flops"] or own is None or "fastnn" not in done:
        return None
    return float(row["flops"] / median(done["fastnn"]) / own[f"flops_{row['dtype']}"])


def threads_text(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def title(row: Row) -> str:
    return f"{row['title']}: {UNITS.get(row['measurement'], row['measurement'])}"


def table(row: Row, limits: dict[str, dict[str, float]]) -> str:
    """One measurement for a terminal: medians, spreads, ratios to fastnn, what was learned."""
    lines = ["", f"{title(row)}, {threads_text(row['threads'])}"]
    done = measured(row)
    first = median(done["fastnn"]) if "fastnn" in done else None
    for peer in done.values():
        m = median(peer)
        spread = f"({time_text(min(peer['seconds']))} to {time_text(max(peer['seconds']))})"
        line = f"  {peer['title'] + ' ' + peer['version']:34}{time_text(m):>9}  {spread:24}"
        line += f"{ratio_text(m / first):>10}" if first else ""
        lines.append(line + "".join(f"  {text}" for text in _beside(peer)))
    if (own := share(row, limits)) is not None:
        lines.append(f"  fastnn: {100 * own:.0f} % of the peak on registers")
    for peer in row["peers"].values():
        if "error" in peer:
            lines.append(f"  {peer['title']:34}{peer['error'].splitlines()[0][:150]}")
    return "\n".join(lines)


def _beside(peer: dict[str, Any]) -> Iterator[str]:
    for name in ("loss", "accuracy"):
        if name in peer:
            yield f"{name} {peer[name]:.4f}"
    if peer.get("difference", 0) > 1e-5:
        yield f"first predictions off by {peer['difference']:.0e}"
    if "bytes" in peer:
        yield f"{peer['bytes'] / 1e6:.0f} MB"


def overview(found: dict[str, Any]) -> list[str]:
    """A line a measurement: fastnn's time, its share of the limit, the best other and its ratio."""
    lines = [
        "| work | threads | fastnn | of the peak | best of the others | its time / fastnn's |",
        "|---|---|---|---|---|---|",
    ]
    for row in found["results"]:
        done, best = measured(row), best_peer(row)
        if "fastnn" not in done:
            continue
        own = share(row, found["limits"])
        other = f"{best[0]} | {ratio_text(best[1])}" if best else "| "
        lines.append(
            f"| {title(row)} | {row['threads']} | {time_text(median(done['fastnn']))} | "
            f"{'' if own is None else f'{100 * own:.0f} %'} | {other} |"
        )
    return lines


def _conditions(found: dict[str, Any]) -> list[str]:
    m = found["machine"]
    lines = [
        f"{m['cpu']}, {m['cores']} cores, {m['isa']}; {m['system']}, {m['compiler']}, Python "
        f"{m['python']}, {m['date']}. Medians of {found['rounds']} rounds in turns, float32 unless "
        "said.",
        "",
    ]
    for count, own in found["limits"].items():
        lines.append(
            f"- {threads_text(int(count))}: {own['flops_float32'] / 1e9:.0f} GFLOP/s on registers "
            f"(float64: {own['flops_float64'] / 1e9:.0f}), copies of 64 MB at "
            f"{own['copy_bytes'] / 1e9:.0f} GB/s"
        )
    return lines


def _detail(rows: list[Row]) -> list[str]:
    """All peers of one workload, a column for each measurement and number of threads."""
    heads = [
        f"{UNITS.get(r['measurement'], r['measurement'])}, {threads_text(r['threads'])}"
        for r in rows
    ]
    names = list(dict.fromkeys(name for row in rows for name in row["peers"]))
    learned = any("loss" in p for row in rows for p in row["peers"].values())
    lines = [
        "| | " + " | ".join(heads) + " |" + (" loss, accuracy after the same epochs |" * learned),
        "|---" * (len(heads) + 1 + learned) + "|",
    ]
    for name in names:
        known = next(row["peers"][name] for row in rows if name in row["peers"])
        cells = [_detail_cell(row, name) for row in rows]
        line = f"| {known['title']} {known.get('version', '')} | " + " | ".join(cells) + " |"
        if learned:
            values = [f"{known[k]:.4f}" for k in ("loss", "accuracy") if k in known]
            line += f" {', '.join(values)} |"
        lines.append(line)
    return lines


def _detail_cell(row: Row, name: str) -> str:
    done = measured(row)
    if name not in done:
        return "failed" if "error" in row["peers"].get(name, {}) else ""
    text = time_text(median(done[name]))
    if name != "fastnn" and "fastnn" in done:
        text += f", {ratio_text(median(done[name]) / median(done['fastnn']))}"
    if "bytes" in done[name]:
        text += f", {done[name]['bytes'] / 1e6:.0f} MB"
    return text


def results_page(found: dict[str, Any], beside: set[str]) -> str:
    """The page beside the file; ``beside`` are the names of the files that lie there."""
    lines = ["# The last run", "", f"`{found['command']}` on", *_conditions(found), ""]
    if "compare.svg" in beside:
        lines += ["![Times of other frameworks over fastnn's](compare.svg)", ""]
    for name, what in (("kernels.txt", "every kernel beside NumPy"), ("scaling.txt", "growth")):
        if name in beside:
            lines += [f"[{name}]({name}): {what}", ""]
    lines += overview(found)
    failed: list[str] = []
    for workload in dict.fromkeys(row["workload"] for row in found["results"]):
        rows = [row for row in found["results"] if row["workload"] == workload]
        source = f" ({rows[0]['data']})" if rows[0].get("data") else ""
        lines += ["", f"## {workload}", "", f"{rows[0]['title']}{source}", "", *_detail(rows)]
        for row in rows:
            for peer in row["peers"].values():
                if "error" in peer:
                    reason = peer["error"].splitlines()[0][:200]
                    failed.append(f"- {workload}, {threads_text(row['threads'])}, "
                                  f"{peer['title']}: {reason}")  # fmt: skip
    if failed:
        lines += ["", "## What failed", "", *dict.fromkeys(failed)]
    return "\n".join(lines) + "\n"


def speed_table(found: dict[str, Any]) -> str:
    """The table of the project's README: each workload once, with all the threads there are."""
    lines = ["| work | fastnn | best of the others | PyTorch | Keras on TensorFlow |"]
    lines += ["|---|---|---|---|---|"]
    for workload in dict.fromkeys(row["workload"] for row in found["results"]):
        rows = [r for r in found["results"] if r["workload"] == workload and best_peer(r)]
        if not rows or rows[0]["workload"] in ("sgemm", "dgemm"):
            continue
        row = max(rows, key=lambda r: (r["measurement"] == rows[0]["measurement"], r["threads"]))
        done, best = measured(row), best_peer(row)
        assert best is not None
        own = median(done["fastnn"])
        others = [
            ratio_text(median(done[name]) / own) if name in done else ""
            for name in ("torch", "keras-tensorflow")
        ]
        lines.append(
            f"| {title(row)} | {time_text(own)} | {ratio_text(best[1])} ({best[0]}) | "
            + " | ".join(others)
            + " |"
        )
    m = found["machine"]
    lines += [
        "",
        f"Times of others over fastnn's, medians, {m['cores']} threads at most, {m['cpu']}, "
        f"{m['date'][:10]}; conditions, all peers and matrix products: "
        "[bench/results](bench/results/README.md).",
    ]
    return "\n".join(lines)


def between_marks(text: str, content: str) -> str:
    """The text with the part between the marks replaced.

    Raises:
        ValueError: if a mark is missing.
    """
    if BEGIN not in text or END not in text.split(BEGIN)[1]:
        raise ValueError(f"expected the lines {BEGIN!r} and {END!r}")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n\n{content}\n\n{END}{rest.split(END, 1)[1]}"


def write_pages(file: Path, readme: Path) -> list[Path]:
    """Writes all pages from a file of results; returns them."""
    found = json.loads(file.read_text(encoding="utf-8"))
    picture = file.parent / "compare.svg"
    try:
        from bench.picture import draw

        draw(found, picture)
    except ImportError as error:
        print(f"no picture: {error}")
    page = file.parent / "README.md"
    beside = {path.name for path in file.parent.iterdir()}
    page.write_text(results_page(found, beside), encoding="utf-8")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(between_marks(text, speed_table(found)), encoding="utf-8")
    return [page, readme, *([picture] if picture.exists() else [])]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=ROOT / "bench/results/compare.json")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    options = parser.parse_args()
    for path in write_pages(options.file, options.readme):
        print(f"written: {path}")


if __name__ == "__main__":
    main()
